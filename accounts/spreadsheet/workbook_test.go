// These tests hold what is read of workbooks, those that another library wrote
// and those that nobody would write.

package spreadsheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

func isUTF8Text(text string) bool { return utf8.ValidString(text) }

// written returns the bytes of a workbook.
func written(t testing.TB, f *excelize.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openBytes(b []byte) (*Table, error) { return OpenExcel(bytes.NewReader(b), int64(len(b))) }

// set writes cells by their places.
func set(t testing.TB, f *excelize.File, sheet string, cells map[string]any) {
	t.Helper()
	for place, value := range cells {
		if err := f.SetCellValue(sheet, place, value); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExcel(t *testing.T) {
	f := excelize.NewFile()
	set(t, f, "Sheet1", map[string]any{
		"A2": "id", "B2": " email ", "C2": "first_name", "D2": "custom.a",
		"A4": 10293, "B4": "a@b", "C4": true, "D4": time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC),
		"A5": 123456789012345, "C5": 0.1 + 0.2, "D5": time.Date(2024, 3, 1, 13, 14, 15, 500_000_000, time.UTC),
		"B6": "=1+1", "C6": -5, "D6": 12.0,
		"E7": "more",
		"A9": "last", "D9": 1e20,
	})
	if err := f.SetCellRichText("Sheet1", "B9", []excelize.RichTextRun{{Text: "rich "}, {Text: "text", Font: &excelize.Font{Bold: true}}}); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"A10": `yyyy\-mm\-dd`, "B10": `"d"0.00`, "C10": `[$-409]d mmm yyyy;@`, "D10": `[Red]0.00 _m`} {
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
		if err != nil {
			t.Fatal(err)
		}
		set(t, f, "Sheet1", map[string]any{name: 45352.25})
		if err := f.SetCellStyle("Sheet1", name, name, style); err != nil {
			t.Fatal(err)
		}
	}
	header, rows, err := readAll(openBytes(written(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"id", "email", "first_name", "custom.a"}, header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"4 10293|a@b|true|2024-03-01",
		"5 123456789012345||0.3|2024-03-01T13:14:15.5",
		"6 |=1+1|-5|12",
		"7! the row has more cells than the first row names columns",
		"9 last|rich text||100000000000000000000",
		"10 2024-03-01T06:00:00|45352.25|2024-03-01T06:00:00|45352.25",
	}, rows); diff != "" {
		t.Error(diff)
	}
}

// A workbook written as a stream has its texts in the cells; the sheet that is
// read is the first that isn't hidden.
func TestExcelStreamAndHidden(t *testing.T) {
	f := excelize.NewFile()
	set(t, f, "Sheet1", map[string]any{"A1": "hidden"})
	second, err := f.NewSheet("Users")
	if err != nil {
		t.Fatal(err)
	}
	f.SetActiveSheet(second)
	if err := f.SetSheetVisible("Sheet1", false); err != nil {
		t.Fatal(err)
	}
	w, err := f.NewStreamWriter("Users")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), []any{"email", fmt.Sprint("<&>é ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_, rows, err := readAll(openBytes(written(t, f)))
	if err != nil || len(rows) != 999 || rows[998] != "1000 email|<&>é 999" {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestExcelDates(t *testing.T) {
	for value, want := range map[string]string{
		"1": "1900-01-01", "59": "1900-02-28", "61": "1900-03-01", "45352": "2024-03-01", "45352.999999999": "2024-03-02",
		"0.5": "12:00:00", "2958465.99999": "9999-12-31T23:59:59.136", "45352.0000000116": "2024-03-01T00:00:00.001",
	} {
		if got, ok := dateText(value, false); got != want || !ok {
			t.Errorf("%s is %s, not %s", value, got, want)
		}
	}
	if got, ok := dateText("43890", true); got != "2024-03-01" || !ok {
		t.Errorf("from 1904 on it is %s", got)
	}
	for _, value := range []string{"-1", "2958466", "NaN", "x", ""} {
		if got, ok := dateText(value, false); ok {
			t.Errorf("%s is %s", value, got)
		}
	}
	for value, want := range map[string]string{"1E3": "1000", "1.10": "1.1", "0.1": "0.1", "1E300": "1E300", "1.5E-7": "0.00000015", "007": "007", "-3": "-3"} {
		if got := numberText(value); got != want {
			t.Errorf("%s is %s", value, got)
		}
	}
}

// parts makes a workbook by hand.
func parts(t testing.TB, all map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range all {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sheetOf makes a workbook by hand whose sheet is given.
func sheetOf(t testing.TB, sheet string) []byte {
	return parts(t, map[string]string{
		"_rels/.rels": `<Relationships><Relationship Id="r" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<x:workbook xmlns:x="x" xmlns:r="r"><x:workbookPr date1904="1"/><x:sheets>` +
			`<x:sheet name="a" sheetId="1" r:id="r1"/></x:sheets></x:workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/../sheets/one.xml"/>` +
			`<Relationship Id="r2" Type="http://x/styles" Target="styles.xml"/></Relationships>`,
		"xl/styles.xml":     `<styleSheet><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/sheets/one.xml": sheet,
	})
}

// Programs leave out what they can.
func TestExcelOfOtherPrograms(t *testing.T) {
	_, rows, err := readAll(openBytes(sheetOf(t, `<x:worksheet xmlns:x="x"><x:sheetData><x:row><x:c t="str"><x:v>id</x:v></x:c><x:c t="inlineStr"><x:is><x:t>email</x:t></x:is></x:c></x:row>`+
		`<x:row><x:c><x:v>1</x:v></x:c><x:c s="1"><x:v>43890</x:v></x:c></x:row>`+
		`<x:row r="7"><x:c r="B7" t="inlineStr"><x:is><x:r><x:t>a</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh><x:r><x:t>b</x:t></x:r></x:is></x:c></x:row>`+
		`<x:row><x:c t="e"><x:v>#N/A</x:v></x:c></x:row><x:row><x:c t="s"><x:v>0</x:v></x:c></x:row>`+
		`<x:row><x:c t="d"><x:v>2024-03-01T00:00:00Z</x:v></x:c><x:c t="b"><x:v>0</x:v></x:c></x:row></x:sheetData></x:worksheet>`)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 1|2024-03-01", "7 |ab", "8 ! has an error in place of a value|",
		"9! a cell refers to a text that the workbook doesn't have", "10 2024-03-01T00:00:00Z|false"}, rows); diff != "" {
		t.Error(diff)
	}
}

// Texts are read as Office Open XML has them; a formula without a value and an error
// name their columns.
func TestExcelTextsAndFaults(t *testing.T) {
	header, rows, err := readAll(openBytes(sheetOf(t, `<worksheet><sheetData><row><c t="str"><v>e_x006D_ail</v></c><c t="str"><v>custom.a</v></c></row>`+
		`<row><c t="inlineStr"><is><t>line1_x000D_</t></is></c><c t="str"><v>_x005F_x0041_</v></c></row>`+
		`<row><c t="inlineStr"><is><t>_xD83D__xDE00__xD83D_</t></is></c><c t="str"><v>_x00zz__x41_ _X0041__x0041</v></c></row>`+
		`<row><c><f>A1</f></c><c t="e"><f>1/0</f><v>#DIV/0!</v></c></row>`+
		`<row><c t="str"><f>""</f><v></v></c><c><f>1+1</f><v>2</v></c></row>`+
		`<row><c><f>A1</f><v></v></c><c t="str"><f>A1</f></c></row></sheetData></worksheet>`)))
	if err != nil {
		t.Fatal(err)
	}
	const notStored = "! has a formula whose value isn't stored: open the file in a spreadsheet program and save it"
	want := []string{"2 line1\r|_x0041_", "3 \U0001f600\uFFFD|_x00zz__x41_ _X0041__x0041",
		"4 " + notStored + "|! has an error in place of a value", "5 |2", "6 " + notStored + "|" + notStored}
	if diff := cmp.Diff(want, rows); diff != "" || strings.Join(header, "|") != "email|custom.a" {
		t.Error(header, diff)
	}
}

// The first sheet that has a table is read, also behind a chart and an empty one.
func TestExcelBehindOtherSheets(t *testing.T) {
	sheet := func(rows string) string { return "<worksheet><sheetData>" + rows + "</sheetData></worksheet>" }
	_, rows, err := readAll(openBytes(parts(t, map[string]string{
		"_rels/.rels":     `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook><sheets><sheet r:id="r1"/><sheet r:id="r2"/><sheet r:id="r3"/><sheet r:id="r4"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="x/chartsheet" Target="chart.xml"/><Relationship Id="r2" Type="x/worksheet" Target="empty.xml"/>` +
			`<Relationship Id="r3" Type="x/worksheet" Target="users.xml"/><Relationship Id="r4" Type="x/worksheet" Target="more.xml"/><Relationship Id="r5" Type="x/sharedStrings" Target="texts.xml"/></Relationships>`,
		"xl/chart.xml": "<chartsheet/>", "xl/empty.xml": sheet(`<row><c t="str"><v> </v></c></row>`),
		"xl/texts.xml": `<sst><si><t>email</t></si><si><r><t>a</t></r><rPh><t>no</t></rPh><r><t>@b</t></r></si></sst>`,
		"xl/users.xml": sheet(`<row r="3"><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>`), "xl/more.xml": sheet(`<row><c t="str"><v>other</v></c></row>`),
	})))
	if err != nil || len(rows) != 1 || rows[0] != "4 a@b" {
		t.Errorf("%q, %v", rows, err)
	}
}

// What isn't a workbook is named as what it is.
func TestExcelOfAnotherKind(t *testing.T) {
	for want, all := range map[string]map[string]string{
		".xlsb": {"xl/workbook.bin": "", "[Content_Types].xml": "", "_rels/.rels": `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="xl/workbook.bin"/></Relationships>`},
		".docx": {"word/document.xml": "", "[Content_Types].xml": "", "_rels/.rels": `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="word/document.xml"/></Relationships>`},
		".pptx": {"ppt/presentation.xml": ""},
		".ods":  {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ""},
		"ZIP":   {"users.csv": "email"},
	} {
		if _, err := openBytes(parts(t, all)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is no %s", err, want)
		}
	}
}

// A row number that no sheet has is refused, and not wrapped.
func TestExcelRowNumbers(t *testing.T) {
	sheet := func(number string) []byte {
		return sheetOf(t, `<worksheet><sheetData><row><c t="str"><v>email</v></c></row><row r="`+number+`"><c t="str"><v>a@b</v></c></row></sheetData></worksheet>`)
	}
	if _, rows, err := readAll(openBytes(sheet("2147483647"))); err != nil || rows[0] != "2147483647 a@b" {
		t.Errorf("%q, %v", rows, err)
	}
	for _, number := range []string{"2147483648", "4294967298", "99999999999999999999", "2147483647\"/><row a=\""} {
		var format *FormatError
		if _, rows, err := readAll(openBytes(sheet(number))); !errors.As(err, &format) {
			t.Errorf("row %s is read: %q, %v", number, rows, err)
		}
	}
}

func TestExcelThatIsNone(t *testing.T) {
	whole := written(t, excelize.NewFile())
	row := `<worksheet><sheetData><row><c t="str"><v>id</v></c></row>`
	for name, file := range map[string][]byte{
		"nothing":              nil,
		"text":                 []byte("id,email\n"),
		"old or with password": append([]byte(oldExcel), make([]byte, 600)...),
		"cut off":              whole[:len(whole)/2],
		"another archive":      parts(t, map[string]string{"a.txt": "a"}),
		"nothing in it":        whole,
		"no end":               sheetOf(t, row+`<row><c t="str"><v>x</v></c></row>`),
		"no end in a cell":     sheetOf(t, row+`<row><c t="str"><v>x`),
		"not XML":              sheetOf(t, row+`<row><c t="str"<<`),
		"a huge cell":          sheetOf(t, row+`<row><c t="str"><v>`+strings.Repeat("x", 20<<20)+`</v></c></row></sheetData></worksheet>`),
		"a huge cell in parts": sheetOf(t, row+`<row><c t="str"><v>`+strings.Repeat(strings.Repeat("x", 1000)+"<a/>", 20<<10)+`</v></c></row></sheetData></worksheet>`),
		"a huge comment":       sheetOf(t, row+`<!--`+strings.Repeat("<x>", 20<<20)+`--></sheetData></worksheet>`),
		"a huge attribute":     sheetOf(t, row+`<row r="`+strings.Repeat("1", 20<<20)+`"/></sheetData></worksheet>`),
		"an unknown entity":    sheetOf(t, row+`<row><c t="str"><v>&secret;</v></c></row></sheetData></worksheet>`),
	} {
		_, _, err := readAll(openBytes(file))
		var format *FormatError
		if !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v quotes the file", name, err)
		}
	}
}

// A small file that unpacks to a large one ends where the bound is.
func TestExcelBomb(t *testing.T) {
	budget := int64(10 << 20)
	d := newXMLReader(io.MultiReader(strings.NewReader("<a>"), endless{}), &budget)
	err := d.each(func(*xml.StartElement) error { return nil })
	if !errors.Is(err, errLongPart) {
		t.Errorf("it ends with %v", err)
	}
}

// endless is elements without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat("<b/>", 1+len(p)/4)), nil }

// Whatever bytes come, reading them ends without a panic, and what it allocates stays
// in proportion to what the file may unpack to.
func FuzzExcel(f *testing.F) {
	book := excelize.NewFile()
	set(f, book, "Sheet1", map[string]any{"A1": "id", "B1": "email", "A2": 1, "B2": time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)})
	f.Add(written(f, book))
	f.Add(sheetOf(f, `<worksheet><sheetData><row><c t="str"><v>id</v></c></row><row r="3"><c r="ZZZ1"/></row></sheetData></worksheet>`))
	f.Fuzz(func(t *testing.T, file []byte) {
		live := watchMemory(t)
		table, err := openBytes(file)
		if err == nil {
			checkTable(t, table, 1<<20)
			_ = table.Close()
		}
		live(64 << 20)
	})
}

// watchMemory says how much more memory lives than before, by a sample now and then,
// and fails where that was too much.
func watchMemory(t *testing.T) (most func(bytes uint64)) {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	highest := before.HeapInuse
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				highest = max(highest, now.HeapInuse)
			}
		}
	}()
	return func(bytes uint64) {
		close(done)
		<-ended
		if highest > before.HeapInuse+bytes {
			t.Errorf("it took %d MiB", (highest-before.HeapInuse)>>20)
		}
	}
}

// Whatever a sheet is, reading it ends, and cells are text.
func FuzzSheet(f *testing.F) {
	f.Add(`<row><c t="str"><v>id</v></c></row><row r="3"><c r="B3" s="1"><v>45000.5</v></c><c t="b"><v>1</v></c><c t="inlineStr"><is><t>x</t></is></c></row>`)
	f.Add(`<row r="99999999999"><c r="XFD1" t="s"><v>-1</v></c></row><row><c r="ZZZ"><v>1e999</v></c></row>`)
	f.Fuzz(func(t *testing.T, rows string) {
		table, err := openBytes(sheetOf(t, `<worksheet><sheetData>`+rows+`</sheetData></worksheet>`))
		if err == nil {
			checkTable(t, table, len(rows)+2)
		}
	})
}
