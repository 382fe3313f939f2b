// These tests hold that what goes into a file comes out of it, read by others'
// readers.

package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

// generators make the values of a column, of one type each.
var generators = []*rapid.Generator[any]{
	rapid.Map(texts, func(s string) any { return s }),
	rapid.Map(rapid.Float64Range(-1e15, 1e15), func(f float64) any { return f }),
	rapid.Map(rapid.Int64Range(-999_999_999_999_999, 999_999_999_999_999), func(n int64) any { return n }),
	rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	rapid.Map(rapid.Int64Range(firstDay.UnixMicro()+86_400_000_000, lastDay.UnixMicro()-86_400_000_001), func(n int64) any { return time.UnixMicro(n).UTC() }),
	rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?`), func(s string) any { return Number(s) }),
	rapid.Just[any](nil),
}

// texts are texts of characters that XML has a place for, with those often that
// mean something to a spreadsheet program, to XML or to CSV.
var texts = rapid.Custom(func(t *rapid.T) string {
	start := rapid.SampledFrom([]string{"", "=", "+", "-", "@", "'", " ", "\t", "\n", "=1+1", "_x0041_", "_x005F_", "0", "1e5", "2026-01-01", "TRUE", `"`}).Draw(t, "start")
	rest := rapid.StringOf(rapid.RuneFrom([]rune("ab =,;\"'<>&\n_xéß€\U0001f600\\%#"))).Draw(t, "rest")
	return start + rest
})

func drawRows(t *rapid.T) (Table, [][]any) {
	columns := rapid.SliceOfN(rapid.SampledFrom(generators), 1, 8).Draw(t, "columns")
	table := Table{Name: "Things", Zone: paris}
	for i, g := range columns {
		table.Columns = append(table.Columns, Column{Name: fmt.Sprint("c", i), Width: float64(i % 3 * 10), Times: g == generators[4]})
	}
	rows := make([][]any, rapid.IntRange(0, 12).Draw(t, "rows"))
	for r := range rows {
		for i, g := range columns {
			if rapid.IntRange(0, 5).Draw(t, "none") == 0 {
				g = generators[6]
			}
			rows[r] = append(rows[r], g.Draw(t, fmt.Sprint("value ", i)))
		}
	}
	return table, rows
}

func workbook(t rapid.TB, table Table, rows [][]any, o Options) *excelize.File {
	t.Helper()
	var file bytes.Buffer
	x, err := NewXLSX(table, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := x.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatGoesIntoAWorkbookComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, rows := drawRows(t)
		perSheet := rapid.IntRange(1, 20).Draw(t, "rows per sheet")
		f := workbook(t, table, rows, Options{RowsPerSheet: perSheet})
		defer f.Close()
		for n, row := range rows {
			sheet := "Things"
			if n >= perSheet {
				sheet = fmt.Sprint("Things ", n/perSheet+1)
			}
			for i, want := range row {
				place, _ := excelize.CoordinatesToCellName(i+1, n%perSheet+2)
				checkCell(t, f, sheet, place, want)
			}
		}
		if want := max(1, (len(rows)+perSheet-1)/perSheet); f.SheetCount != want {
			t.Errorf("%d sheets for %d rows, %d in each", f.SheetCount, len(rows), perSheet)
		}
	})
}

// checkCell holds the type and the value of a cell to be those that went in.
func checkCell(t *rapid.T, f *excelize.File, sheet, place string, want any) {
	raw, err := f.GetCellValue(sheet, place, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := f.GetCellType(sheet, place)
	if err != nil {
		t.Fatal(err)
	}
	formula, err := f.GetCellFormula(sheet, place)
	if err != nil || formula != "" {
		t.Fatalf("%s has the formula %q, %v", place, formula, err)
	}
	number := func(want float64) { // to the fifteen digits that excelize reads
		got, err := strconv.ParseFloat(raw, 64)
		if err != nil || math.Abs(got-want) > 1e-14*math.Abs(want) || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
			t.Errorf("%s is %q of type %d, not the number %v", place, raw, kind, want)
		}
	}
	text := func(want string) {
		if raw != want || kind != excelize.CellTypeInlineString {
			t.Errorf("%s is %q of type %d, not the text %q", place, raw, kind, want)
		}
	}
	switch want := want.(type) {
	case nil:
		if raw != "" {
			t.Errorf("%s is %q, not empty", place, raw)
		}
	case string:
		text(want)
	case float64:
		number(want)
	case int64:
		number(float64(want))
	case Number:
		f, err := strconv.ParseFloat(string(want), 64)
		if kind == excelize.CellTypeInlineString {
			if text(string(want)); significant(want) <= 15 {
				t.Errorf("%s is text, and has few digits: %s", place, want)
			}
			return
		}
		if err != nil || significant(want) > 15 {
			t.Fatalf("%s has lost digits of %s", place, want)
		}
		number(f)
	case bool:
		if kind != excelize.CellTypeBool || raw != map[bool]string{true: "1", false: "0"}[want] {
			t.Errorf("%s is %q of type %d, not %v", place, raw, kind, want)
		}
	case time.Time:
		checkTime(t, f, sheet, place, raw, want)
	}
}

func significant(n Number) int {
	digits := strings.FieldsFunc(strings.ToLower(string(n)), func(r rune) bool { return r == 'e' })[0]
	return len(strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(digits), "0"))
}

// checkTime holds a cell to be a date that looks like one, at the local time.
func checkTime(t *rapid.T, f *excelize.File, sheet, place, raw string, want time.Time) {
	serial, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		t.Fatalf("%s is %q, not a date", place, raw)
	}
	local := want.In(paris)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	exact := float64(wall.UnixMicro()-dayZero.UnixMicro()) / microsPerDay
	if off := (serial - exact) * 86_400; off < -1e-7 || off > 1e-3 { // to fifteen digits, and not less
		t.Errorf("%s is %v, not %v (%v)", place, serial, exact, local)
	}
	shown, err := f.GetCellValue(sheet, place)
	if err != nil {
		t.Fatal(err)
	}
	second := wall.Truncate(time.Second)
	if at, err := time.Parse("2006-01-02 15:04:05", shown); err != nil || at.Sub(second).Abs() > time.Second {
		t.Errorf("%s is shown as %q, not as %v", place, shown, second)
	}
}

func TestWhatGoesIntoACSVComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, rows := drawRows(t)
		var file bytes.Buffer
		c, err := NewCSV(&file, table)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := c.Row(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file.String(), "\r\n") {
			t.Errorf("the last line of %q doesn't end", file.String())
		}
		r := csv.NewReader(&file)
		if len(table.Columns) == 1 {
			return // the reader passes over empty lines
		}
		got, err := r.ReadAll()
		if err != nil || len(got) != len(rows)+1 {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		for n, row := range rows {
			for i, want := range row {
				if want := plain(want); got[n+1][i] != want {
					t.Errorf("row %d has %q, not %q", n, got[n+1][i], want)
				}
			}
		}
	})
}

// plain is how a value stands in a CSV, without the quotes.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v != "" && strings.Contains("=+-@'", v[:1]) {
			return "'" + v
		}
		return v
	case Number:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		text := v.In(paris).Format("2006-01-02T15:04:05.999999Z07:00")
		if at, err := time.Parse(time.RFC3339, text); err != nil || !at.Equal(v) { // the offset of 1900 isn't whole minutes
			return v.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
		}
		return text
	}
	return fmt.Sprint(v)
}

func TestACSVBeginsWithAByteOrderMarkWhereOneIsWanted(t *testing.T) {
	for marked, want := range map[bool]string{false: "a\r\n", true: "\ufeffa\r\n"} {
		var file bytes.Buffer
		c, err := NewCSV(&file, Table{Columns: []Column{{Name: "a"}}, Marked: marked})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if file.String() != want {
			t.Errorf("marked %v: %q", marked, file.String())
		}
	}
}

// A line break within a text stays what it is, and a quote is doubled.
func TestCSVIsExact(t *testing.T) {
	var file bytes.Buffer
	c, err := NewCSV(&file, Table{Columns: []Column{{Name: "a"}, {Name: "=b"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{{"x\ny", "x\r\ny"}, {`say "hi"`, "-,"}, {Number("-1.50"), -2.5}, {"+ 'a'", nil}, {time.Date(1850, 1, 2, 3, 4, 5, 6000, time.UTC), int64(7)}} {
		if err := c.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	want := "a,'=b\r\n\"x\ny\",\"x\r\ny\"\r\n\"say \"\"hi\"\"\",\"'-,\"\r\n-1.50,-2.5\r\n'+ 'a',\r\n1850-01-02T03:04:05.000006Z,7\r\n"
	if file.String() != want {
		t.Errorf("%q\nnot\n%q", file.String(), want)
	}
}
