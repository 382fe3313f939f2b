package spreadsheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// benchmarkRows are rows as an import has them; every tenth has a quoted cell.
func benchmarkRows() string {
	var file strings.Builder
	file.WriteString("id,email,first_name,last_name,country,registered_at,custom.note\n")
	for i := range 20_000 {
		note := "plain"
		if i%10 == 0 {
			note = `"a, ""quoted"" one"`
		}
		fmt.Fprintf(&file, "%d,somebody.%d@example.org,Ana,Ávila,FR,2024-03-01T10:20:30Z,%s\n", i, i, note)
	}
	return file.String()
}

// How fast CSV is read here, and by the standard library, which does less: it has
// no bound for a row, and neither detects nor mends anything.
func BenchmarkCSV(b *testing.B) {
	file := benchmarkRows()
	read := map[string]func() (rows int, err error){
		"own": func() (rows int, err error) {
			table, err := OpenCSV(strings.NewReader(file), CSVOptions{Known: func(string) bool { return true }})
			for ; err == nil; rows++ {
				_, err = table.Next()
			}
			return rows - 1, err
		},
		"encoding/csv": func() (rows int, err error) {
			r := csv.NewReader(strings.NewReader(file))
			r.ReuseRecord = true
			for ; err == nil; rows++ {
				_, err = r.Read()
			}
			return rows - 2, err
		},
	}
	for _, name := range []string{"own", "encoding/csv"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if rows, err := read[name](); !errors.Is(err, io.EOF) || rows != 20_000 {
					b.Fatal(rows, err)
				}
			}
		})
	}
}
