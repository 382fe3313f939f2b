// Not with the race detector, which multiplies memory and time.

//go:build !race

// These tests hold how much memory and time importing takes, whatever is in the
// file: each file is imported by a process of its own, whose memory is bounded and
// measured.

package accounts

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"boxoffice/accounts/spreadsheet"
)

const (
	// maxMemory is how much more memory importing may take, and maxTime how much
	// processor time for each of the files below.
	maxMemory = 100 << 20
	maxTime   = 10 * time.Second
	// addressSlack is how much address space Go reserves and doesn't use.
	addressSlack = 512 << 20
)

// importedFile names, in the process that imports, the file.
const importedFile = "BOXOFFICE_TEST_IMPORTED_FILE"

func TestImportStaysInItsMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("imports many large files")
	}
	for name, write := range nastyFiles() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			out, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			b := bufio.NewWriter(out)
			write(b)
			if err := errors.Join(b.Flush(), out.Close()); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil || info.Size() > MaxImportBytes {
				t.Fatal(info.Size(), err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestImportInAProcess$", "-test.v")
			child.Env = append(os.Environ(), importedFile+"="+file)
			said, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said[:min(len(said), 4000)])
			}
			took := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
			_, told, _ := strings.Cut(string(said), "outcome: ")
			told, _, _ = strings.Cut(told, "\n")
			t.Logf("%d kB in %v: %s", info.Size()>>10, took.Round(10*time.Millisecond), told)
			if took > 2*maxTime { // dryly and for real
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Finding the columns that a mapping names takes no time for each of them and each
// of the file.
func TestManyColumnsAndALargeMapping(t *testing.T) {
	header, mapping := make([]string, spreadsheet.MaxColumns), Mapping{}
	for i := range header {
		header[i] = fmt.Sprintf("h%d ", i)
	}
	for i := range 80_000 { // what fits into the head of a request
		mapping[fmt.Sprintf("m%d", i)] = ""
	}
	began := time.Now()
	_, err := readColumns(header, true, ImportOptions{Mapping: mapping, Unknown: IgnoreUnknown})
	if took := time.Since(began); err == nil || took > maxTime {
		t.Errorf("it took %v: %v", took, err)
	}
}

// TestImportInAProcess is the process that imports one file, dryly and for real.
func TestImportInAProcess(t *testing.T) {
	name := os.Getenv(importedFile)
	if name == "" {
		return // it is the process of TestImportStaysInItsMemory
	}
	debug.SetGCPercent(200) // as the service has it
	debug.SetMemoryLimit(128 << 20)
	before := memoryOf(t, "VmHWM")
	space := uint64(memoryOf(t, "VmSize")) + maxMemory + addressSlack
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: space, Max: space}); err != nil {
		t.Fatal(err)
	}
	var outcome strings.Builder
	for _, dry := range []bool{true, false} {
		outcome.WriteString(" " + importFileIn(t, name, dry))
	}
	took := memoryOf(t, "VmHWM") - before
	fmt.Printf("outcome: %d MiB;%s\n", took>>20, outcome.String())
	if took > maxMemory {
		t.Errorf("it took %d MiB", took>>20)
	}
}

func importFileIn(t *testing.T, name string, dry bool) string {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := (&memoryPlatform{t: t}).service()
	m, err := s.service.OpenImport(context.Background(), file, ImportOptions{DryRun: dry, Unknown: IgnoreUnknown})
	if err != nil {
		if _, ok := errors.AsType[*spreadsheet.FormatError](err); !ok {
			if _, ok := errors.AsType[*InvalidError](err); !ok {
				t.Fatal(err)
			}
		}
		return "(" + err.Error()[:min(len(err.Error()), 100)] + ")"
	}
	defer m.Close(context.Background())
	result, err := m.Run(context.Background())
	if _, ok := errors.AsType[*spreadsheet.FormatError](err); err != nil && !ok && !errors.Is(err, ErrTooManyRows) {
		t.Fatal(err)
	}
	why := ""
	if err != nil {
		why = ", " + err.Error()[:min(len(err.Error()), 100)]
	}
	return fmt.Sprintf("(%d rows%s)", result.Rows, why)
}

// memoryOf reads a figure of the process's own memory.
func memoryOf(t *testing.T, name string) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	fields := strings.Fields(rest)
	kB, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}

// nastyFiles are files that are made to take much.
func nastyFiles() map[string]func(io.Writer) {
	long := strings.Repeat("x", 1000<<10)
	shared := "<sst><si><t>email</t></si><si><t>" + long + "</t></si></sst>"
	header := `<row><c t="str"><v>email</v></c><c t="str"><v>first_name</v></c></row>`
	repeat := func(text string, n int) func(io.Writer) {
		return func(w io.Writer) {
			for range n {
				_, _ = io.WriteString(w, text)
			}
		}
	}
	files := map[string]func(io.Writer){
		"a text in every cell of a row": book{texts: shared, sheet: repeat(`<row>`+strings.Repeat(`<c t="s"><v>1</v></c>`, 16_384)+`</row>`, 8)}.write,
		"a text in every row":           book{texts: shared, sheet: repeat(header+`<row><c t="s"><v>1</v></c></row>`, 100_000)}.write,
		"long formats": book{styles: func(w io.Writer) {
			for i := range 64 {
				fmt.Fprintf(w, `<numFmt numFmtId="%d%s" formatCode="%s"/>`, i, long, long[:1000])
			}
		}}.write,
		"long relations": book{relations: func(w io.Writer) {
			for i := range 64 {
				fmt.Fprintf(w, `<Relationship Id="%d%s" Type="x" Target="y"/>`, i, long)
			}
		}}.write,
		"long names of sheets": book{sheets: func(w io.Writer) {
			for i := range 64 {
				fmt.Fprintf(w, `<sheet name="x" r:id="%d%s"/>`, i, long)
			}
		}}.write,
		"many attributes":    book{sheet: repeat(`<row `+strings.Repeat(`a="" `, 200_000)+`></row>`, 50)}.write,
		"many texts":         book{texts: "<sst>" + strings.Repeat("<si/>", 12<<20) + "</sst>", sheet: repeat(header, 1)}.write,
		"long texts":         book{texts: "<sst>" + strings.Repeat("<si><t>"+long+"</t></si>", 70) + "</sst>", sheet: repeat(header, 1)}.write,
		"a gigabyte of rows": book{sheet: repeat(header+strings.Repeat("<row></row>", 1<<20), 90)}.write,
		"a gigabyte of text": book{sheet: repeat(`<row><c t="str"><v>`+strings.Repeat(" ", 1<<20)+`</v></c></row>`, 1000)}.write,
		"the last column":    book{sheet: repeat(header+`<row><c r="XFD1" t="b"><v>1</v></c></row>`, 1_000_000)}.write,
		"columns backwards": book{sheet: func(w io.Writer) {
			for range 100 {
				_, _ = io.WriteString(w, "<row>")
				for i := 675; i >= 0; i-- {
					fmt.Fprintf(w, `<c r="%c%c1" t="b"><v>1</v></c>`, 'A'+i/26, 'A'+i%26)
				}
				_, _ = io.WriteString(w, "</row>")
			}
		}}.write,
		"many parts": func(w io.Writer) {
			z := zip.NewWriter(w)
			for i := range 300_000 {
				_, _ = z.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i)})
			}
			_ = z.Close()
		},
		"no end of a quote": func(w io.Writer) { _, _ = io.WriteString(w, "email\n\""); repeat(long, 120)(w) },
		"rows of separators": func(w io.Writer) {
			_, _ = io.WriteString(w, "email\n")
			repeat(strings.Repeat(",", 1<<20-1)+"\n", 100)(w)
		},
		"many columns": func(w io.Writer) {
			for i := range 60_000 {
				fmt.Fprintf(w, "c%d,", i)
			}
			_, _ = io.WriteString(w, "email\n")
			repeat(strings.Repeat(",", 60_000)+"a@b\n", 1000)(w)
		},
		"blank lines": func(w io.Writer) { _, _ = io.WriteString(w, "email\n"); repeat("\n", 120<<20)(w) },
		"long rows":   func(w io.Writer) { _, _ = io.WriteString(w, "email\n"); repeat(long+"\n", 100)(w) },
		"a million rows that are refused": func(w io.Writer) {
			_, _ = io.WriteString(w, "id,email\n")
			for i := range maxImportRows {
				fmt.Fprintf(w, "%d,\n", i)
			}
		},
		"a million rows that repeat": func(w io.Writer) {
			_, _ = io.WriteString(w, "email,first_name\na@b,\n")
			for i := range maxImportRows - 1 {
				fmt.Fprintf(w, "a@b,%d\n", i)
			}
		},
	}
	return files
}

// A book is a workbook made by hand, with what is special about it.
type book struct {
	texts                            string
	styles, relations, sheets, sheet func(io.Writer)
}

func (b book) write(w io.Writer) {
	z := zip.NewWriter(w)
	add := func(name string, write func(io.Writer)) {
		part, err := z.Create(name)
		if err == nil {
			write(part)
		}
	}
	text := func(parts ...any) func(io.Writer) {
		return func(w io.Writer) {
			for _, p := range parts {
				switch p := p.(type) {
				case string:
					_, _ = io.WriteString(w, p)
				case func(io.Writer):
					if p != nil {
						p(w)
					}
				}
			}
		}
	}
	add("[Content_Types].xml", text("<Types/>"))
	add("_rels/.rels", text(`<Relationships><Relationship Id="r" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`))
	add("xl/workbook.xml", text(`<workbook><sheets>`, b.sheets, `<sheet name="a" r:id="r1"/></sheets></workbook>`))
	add("xl/_rels/workbook.xml.rels", text(`<Relationships>`, b.relations, `<Relationship Id="r1" Type="x/worksheet" Target="sheet.xml"/>`+
		`<Relationship Id="r2" Type="x/styles" Target="styles.xml"/><Relationship Id="r3" Type="x/sharedStrings" Target="texts.xml"/></Relationships>`))
	add("xl/styles.xml", text(`<styleSheet>`, b.styles, `</styleSheet>`))
	add("xl/texts.xml", text("<sst>"+strings.TrimSuffix(strings.TrimPrefix(b.texts, "<sst>"), "</sst>")+"</sst>"))
	add("xl/sheet.xml", text(`<worksheet><sheetData>`, b.sheet, `</sheetData></worksheet>`))
	_ = z.Close()
}
