// These tests hold what a workbook has besides the values: limits, the header,
// and what becomes of temporary files.

package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
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
	if x.sheets != 3 {
		t.Errorf("%d sheets", x.sheets)
	}
	for _, p := range x.parts {
		if p.size > 40<<20+1<<17 {
			t.Errorf("a sheet has %d bytes", p.size)
		}
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
		if got, cut := fitCell(text); got != want || cut != (text != want) {
			t.Errorf("%d bytes became %d, not %d; cut: %v", len(text), len(got), len(want), cut)
		}
		before := x.Cut()
		if err := x.Row([]any{text}); err != nil {
			t.Fatal(err)
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
	for i, want := range []string{"1900-02-28T22:00:00Z", "10000-01-01T00:30:00+01:00", "a\ufffdb", "a\r\nb"} {
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

// namesIn returns all that is below a directory.
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

// spilled fills a workbook with rows that compression makes little of, so that
// much of it is in its temporary file.
func spilled(t *testing.T, x *XLSX) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 30_000)
	for range 1000 {
		for i := range text {
			text[i] = 'A' + byte(random.IntN(58))
		}
		if err := x.Row([]any{string(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := x.parts[0].file.Stat(); err != nil || info.Size() < 10<<20 {
		t.Fatalf("%d bytes are in the temporary file, %v", info.Size(), err)
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
	opened, err := x.parts[0].file.Stat()
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
	if last, err := f.GetCellValue("Things", "A1001"); err != nil || len(last) != 30_000 {
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

// Where a temporary file can't be made, or not be written, that is an error, and
// not memory that grows.
func TestWithoutTemporaryFiles(t *testing.T) {
	if _, err := NewXLSX(oneColumn, Options{TempDir: "/nowhere/at/all"}); err == nil {
		t.Error("no error where there is no directory for temporary files")
	}
	x := newXLSX(t, oneColumn, Options{RowsPerSheet: 1})
	if err := os.Remove(x.spill.dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Row([]any{"a"}), x.Row([]any{"b"})); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a further sheet without a file: %v", err)
	}

	file, err := os.Open(os.DevNull) // which can't be written
	if err != nil {
		t.Fatal(err)
	}
	p := newPart(file)
	block := make([]byte, blockBytes)
	for range 100_000 {
		if _, err = p.write(block); err != nil {
			break
		}
	}
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EBADF) {
		t.Errorf("a file that can't be written: %v", err)
	}
	if err := p.end(); err == nil {
		t.Error("a part is whole without its file")
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
}

// A sheet has what XML and a spreadsheet program would otherwise take for
// something else written around.
func TestTextIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"plain text 1":              "plain text 1",
		`<a b="c">&amp;`:            "&lt;a b=&#34;c&#34;&gt;&amp;amp;",
		"a\tb\r\nc":                 "a&#x9;b&#xD;\nc",
		"\x00 \x1f \xff \uffff é €": "\ufffd \ufffd \ufffd \ufffd é €",
		"_x0041_":                   "_x005F_x0041_",
		"_x0041_x0042_":             "_x005F_x0041_x005F_x0042_",
		"_x00g1_ _x41_ _X0041_ _":   "_x00g1_ _x41_ _X0041_ _",
	} {
		if got := string(appendText(nil, text)); got != want {
			t.Errorf("%q is written as %q, not %q", text, got, want)
		}
	}
}

// A sheet is in the archive with its true sizes and checksum, which strict
// readers hold it to, and its blanks are marked as meant.
func TestSheetsInTheArchive(t *testing.T) {
	x := newXLSX(t, oneColumn, Options{RowsPerSheet: 2})
	for _, text := range []string{" before", "after\n", "between them"} {
		if err := x.Row([]any{text}); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := x.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int][]string{
		1: {`<t xml:space="preserve"> before</t>`, "<t xml:space=\"preserve\">after\n</t>", `<autoFilter ref="A1:A3"/>`, `tabSelected="1"`},
		2: {`<t>between them</t>`, `<autoFilter ref="A1:A2"/>`, `<sheetView workbookViewId="0">`},
	} {
		name := fmt.Sprintf("xl/worksheets/sheet%d.xml", n)
		content, err := fs.ReadFile(archive, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(content), part) {
				t.Errorf("%s lacks %s", name, part)
			}
		}
		for _, f := range archive.File {
			if f.Name == name && (f.CRC32 != crc32.ChecksumIEEE(content) || f.UncompressedSize64 != uint64(len(content))) {
				t.Errorf("%s has the checksum %x and %d bytes, says the archive", name, f.CRC32, f.UncompressedSize64)
			}
		}
	}
}
