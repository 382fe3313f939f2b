// These tests hold what a workbook has besides the values: limits, the header,
// and what becomes of temporary files.

package sheet

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

var oneColumn = Table{Name: "Things", Columns: []Column{{Name: "c"}}}

// Past as many rows as a sheet has, the table goes on in a further one, with
// the header again; each has its header frozen and filterable.
func TestFurtherSheets(t *testing.T) {
	var rows [][]any
	for i := range 5 {
		rows = append(rows, []any{float64(i)})
	}
	for n, want := range map[int]string{
		2: "Things: c 0 1, Things 2: c 2 3, Things 3: c 4",
		4: "Things: c 0 1 2 3, Things 2: c 4",
		5: "Things: c 0 1 2 3 4",
	} {
		f := workbook(t, oneColumn, rows, Options{RowsPerSheet: n})
		var sheets []string
		for _, sheet := range f.GetSheetList() {
			all, err := f.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			text := []string{sheet + ":"}
			for _, row := range all {
				text = append(text, row[0])
			}
			sheets = append(sheets, strings.Join(text, " "))
			panes, err := f.GetPanes(sheet)
			if err != nil || !panes.Freeze || panes.YSplit != 1 {
				t.Errorf("%s: the header isn't frozen: %+v, %v", sheet, panes, err)
			}
		}
		if got := strings.Join(sheets, ", "); got != want {
			t.Errorf("%d rows a sheet: %s; want %s", n, got, want)
		}
		filters := 0
		for _, name := range f.GetDefinedName() {
			if name.Name == "_xlnm._FilterDatabase" {
				filters++
			}
		}
		if filters != len(sheets) {
			t.Errorf("%d of %d sheets have a filter", filters, len(sheets))
		}
		f.Close()
	}
	if maxRows+1 != excelize.TotalRows || MaxColumns != excelize.MaxColumns || maxCell != excelize.TotalCellChars {
		t.Error("the limits aren't those of Excel")
	}
}

// A sheet that gets too large as XML ends before it is.
func TestLargeSheetsEnd(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{bytesPerSheet: 40 << 20})
	text := strings.Repeat("a", 30_000)
	for range 3000 { // 90 MB
		if err := x.Row([]any{text}); err != nil {
			t.Fatal(err)
		}
	}
	if x.sheets != 2 {
		t.Errorf("%d sheets", x.sheets)
	}
}

// What is longer than a cell holds is cut where a character ends, and counted.
func TestLongTextsAreCut(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{})
	for text, want := range map[string]string{
		strings.Repeat("a", 32_767):             strings.Repeat("a", 32_767),
		strings.Repeat("a", 32_768):             strings.Repeat("a", 32_766) + "…",
		strings.Repeat("é", 32_767):             strings.Repeat("é", 32_767),
		strings.Repeat("\U0001f600", 16_384):    strings.Repeat("\U0001f600", 16_383) + "…",
		"b" + strings.Repeat("\U0001f600", 1e5): "b" + strings.Repeat("\U0001f600", 16_382) + "…",
	} {
		before := x.Cut()
		if got := x.text(text); got != want {
			t.Errorf("%d bytes became %d, not %d", len(text), len(got.(string)), len(want))
		}
		if cut := x.Cut() > before; cut != (text != want) {
			t.Errorf("counted as cut: %v", cut)
		}
	}
}

// A date that no sheet knows is a text, and a character that no XML has is
// replaced.
func TestWhatASheetDoesNotKnow(t *testing.T) {
	table := oneColumn
	table.Zone = paris
	f := workbook(t, table, [][]any{
		{time.Date(1900, 2, 28, 22, 0, 0, 0, time.UTC)},
		{time.Date(9999, 12, 31, 23, 30, 0, 0, time.UTC)},
		{"a\x01b"},
		{"a\r\nb"},
	}, Options{})
	defer f.Close()
	rows, err := f.GetRows("Things", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1900-02-28T22:09:21+00:09", "10000-01-01T00:30:00+01:00", "a\ufffdb", "a\r\nb"} {
		if rows[i+1][0] != want {
			t.Errorf("%q, not %q", rows[i+1][0], want)
		}
	}
}

func TestMistakesAreErrors(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{})
	c, err := NewCSV(io.Discard, oneColumn)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{{}, {"a", "b"}, {int32(7)}} {
		if x.Row(row) == nil || c.Row(row) == nil {
			t.Errorf("no error for %v", row)
		}
	}
	wide := Table{Name: "Wide", Columns: make([]Column, MaxColumns+1)}
	for _, bad := range []Table{wide, {Name: "None"}, {Name: "a/b", Columns: oneColumn.Columns}} {
		if x, err := NewXLSX(bad, Options{}); err == nil {
			x.Close()
			t.Errorf("no error for the table %.20s of %d columns", bad.Name, len(bad.Columns))
		}
	}
}

func newXLSX(t *testing.T, table Table, o Options) *XLSX {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	x, err := NewXLSX(table, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if left := namesIn(t, o.TempDir); len(left) > 0 {
			t.Errorf("closed, it leaves %v", left)
		}
	})
	return x
}

// namesIn gives all that is below a directory.
func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// spilled fills a workbook so that it has a temporary file.
func spilled(t *testing.T, x *XLSX) {
	t.Helper()
	text := strings.Repeat("a", 30_000)
	for range 2000 { // 60 MB
		if err := x.Row([]any{text}); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := x.spill.look(); err != nil || size < 30<<20 {
		t.Fatalf("%d bytes are in the temporary file, %v", size, err)
	}
}

// Nobody else can open a temporary file: it is in a directory of its owner's,
// which it has left already.
func TestTemporaryFilesAreNobodyElses(t *testing.T) {
	dir := t.TempDir()
	x := newXLSX(t, oneColumn, Options{TempDir: dir})
	spilled(t, x)
	names := namesIn(t, dir)
	if len(names) != 1 {
		t.Fatalf("there is %v, not only a directory", names)
	}
	info, err := os.Stat(x.spill.dir)
	if err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("the directory is %v, %v", info, err)
	}
	opened, err := x.spill.file.Stat()
	if err != nil || opened.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", opened, err)
	}
	// What has left the directory is in the workbook all the same.
	var file bytes.Buffer
	if n, err := x.WriteTo(&file); err != nil || n != int64(file.Len()) {
		t.Fatal(n, err)
	}
	f, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if last, err := f.GetCellValue("Things", "A2001"); err != nil || len(last) != 30_000 {
		t.Errorf("the last row has %d characters, %v", len(last), err)
	}
}

// A writer that fails ends the writing with its error, and nothing stays.
func TestAWriterThatFails(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{})
	spilled(t, x)
	full := errors.New("full")
	if _, err := x.WriteTo(failing{full}); !errors.Is(err, full) {
		t.Errorf("it ended with %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Where no temporary file can be made, that is an error, and not memory that
// grows.
func TestWithoutTemporaryFiles(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{})
	made := x.spill
	elsewhere, err := newSpill(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x.spill = elsewhere // where excelize makes none
	defer func() { elsewhere.close(); x.spill = made }()
	text := strings.Repeat("a", 30_000)
	for range 5000 {
		if err = x.Row([]any{text}); err != nil {
			break
		}
	}
	if !errors.Is(err, errNoTempFile) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := NewXLSX(oneColumn, Options{TempDir: "/nowhere/at/all"}); err == nil {
		t.Error("no error where there is no directory for temporary files")
	}
}
