// These tests hold what is read of CSV, in whatever form.

package spreadsheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// isKnown knows the columns of the tests.
func isKnown(name string) bool {
	return slices.Contains([]string{"id", "email", "first_name", "custom.a"}, name)
}

// readAll returns the header and the rows of a table, each as a line.
func readAll(table *Table, err error) (header []string, rows []string, _ error) {
	if err != nil {
		return nil, nil, err
	}
	defer table.Close()
	for _, name := range table.Header {
		header = append(header, strings.TrimSpace(name))
	}
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return header, rows, nil
		}
		if err != nil {
			return header, rows, err
		}
		if row.Fault != "" {
			rows = append(rows, fmt.Sprintf("%d! %s", row.Number, row.Fault))
			continue
		}
		cells := make([]string, len(table.Header))
		for _, c := range row.Cells {
			cells[c.Column] = c.Text
		}
		for _, f := range row.Faults {
			cells[f.Column] = "! " + f.Fault
		}
		rows = append(rows, fmt.Sprintf("%d %s", row.Number, strings.Join(cells, "|")))
	}
}

func TestCSV(t *testing.T) {
	const unclosed, between = "! a quote is opened and not closed", "! there is something between a closing quote and the end of its cell"
	for name, test := range map[string]struct {
		text   string
		header string
		rows   []string
	}{
		"commas":                       {"id,email\n1,a@b\n2,c@d", "id|email", []string{"2 1|a@b", "3 2|c@d"}},
		"semicolons":                   {"id;email;first_name\r\n1;a@b;A, B\r\n", "id|email|first_name", []string{"2 1|a@b|A, B"}},
		"tabs":                         {"id\temail\n1\ta@b\n", "id|email", []string{"2 1|a@b"}},
		"pipes":                        {"id|email\n1|a@b\n", "id|email", []string{"2 1|a@b"}},
		"old Macs":                     {"id,email\r1,a@b\r2,c@d\r", "id|email", []string{"2 1|a@b", "3 2|c@d"}},
		"one column":                   {"email\na,b\n\"c\"\n", "email", []string{"2! the row has more cells than the first row names columns", "3 c"}},
		"sep=":                         {"sep=;\r\nid;email\r\n1;a@b\r\n", "id|email", []string{"2 1|a@b"}},
		"sep= in quotes":               {"\"sep=;\"\nid;email\n1;a@b\n", "id|email", []string{"2 1|a@b"}},
		"sep= of another":              {"sep=^\nid^email\n1^a@b\n", "id|email", []string{"2 1|a@b"}},
		"a delimiter in quotes":        {"\"id\";\"email\";\"custom.a\"\n\"1;2\";a@b;\"x,y\"\n", "id|email|custom.a", []string{"2 1;2|a@b|x,y"}},
		"newlines and quotes":          {"id,email\n\"1\r\n2\",\"a \"\"b\"\"\"\n3,\"\"\n4,\"\"\"\"\n", "id|email", []string{"2 1\r\n2|a \"b\"", "3 3|", "4 4|\""}},
		"quotes inside":                {"id,email\n5\" disc,a\"b\"c\n", "id|email", []string{"2 5\" disc|a\"b\"c"}},
		"blank lines and rows":         {"\n\nid,email\n\n1,a@b\n,\n , \n2,c@d\n\n", "id|email", []string{"5 1|a@b", "8 2|c@d"}},
		"fewer and more cells":         {"id,email,first_name\n1\n2,c@d,C,,\n3,c@d,C,x\n4,e@f\n", "id|email|first_name", []string{"2 1||", "3 2|c@d|C", "4! the row has more cells than the first row names columns", "5 4|e@f|"}},
		"blanks around":                {" id , email \n 1 ,\" a@b \"\n", "id|email", []string{"2 1|a@b"}},
		"columns without a name":       {"id,email,,\n1,a@b,,\n2,a@b,x\n", "id|email", []string{"2 1|a@b", "3! the row has more cells than the first row names columns"}},
		"a quote that isn't closed":    {"id,email\n1,\"a@b\n2,c@d\n3,e@f\n", "id|email", []string{"2" + unclosed, "3 2|c@d", "4 3|e@f"}},
		"that another one closes":      {"id,email\n1,\"a@b\n2,\"c@d\"\n3,e@f\n", "id|email", []string{"2" + between, "3 2|c@d", "4 3|e@f"}},
		"something after a quote":      {"id,email\n\"1\"x,a@b\n\"2\" ,c@d\n3,e@f", "id|email", []string{"2" + between, "3" + between, "4 3|e@f"}},
		"a quote at the very end":      {"id,email\n1,\"", "id|email", []string{"2" + unclosed}},
		"something after it, and over": {"id,email\n\"1\"x", "id|email", []string{"2" + between}},
		"a mark":                       {"\xEF\xBB\xBFid,email\n1,é", "id|email", []string{"2 1|é"}},
		"Latin-1":                      {"id,email\n1,Ren\xE9e\n2,\x80\n", "id|email", []string{"2 1|Renée", "3 2|€"}},
		"UTF-8, damaged":               {"id,email\n1,Renée\n2,x\xE9x\n3,é\n", "id|email", []string{"2 1|Renée", "3! the row has bytes that aren't UTF-8, as the file is otherwise", "4 3|é"}},
	} {
		for how, in := range map[string]io.Reader{
			"whole": strings.NewReader(test.text), "a byte at a time": iotest.OneByteReader(strings.NewReader(test.text)),
			"with its end": iotest.DataErrReader(strings.NewReader(test.text)),
		} {
			header, rows, err := readAll(OpenCSV(in, CSVOptions{Known: isKnown}))
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
				continue
			}
			if diff := cmp.Diff(test.header, strings.Join(header, "|")); diff != "" {
				t.Errorf("%s, %s: %s", name, how, diff)
			}
			if diff := cmp.Diff(test.rows, rows); diff != "" {
				t.Errorf("%s, %s: %s", name, how, diff)
			}
		}
	}
}

// What one bad row takes with it is bounded, and so is the memory.
func TestCSVIsBounded(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, test := range map[string]struct {
		text string
		rows []string
	}{
		"an unclosed quote in a long file": {"id,email\n1,\"a\n" + strings.Repeat("2,b\n", 500_000), nil},
		"a long row":                       {"id,email\n1," + long + "\n2,b\n", []string{"2! the row is longer than 1 MiB", "3 2|b"}},
		"a long row at the end":            {"id,email\n1," + long, []string{"2! the row is longer than 1 MiB"}},
		"a long row in quotes":             {"id,email\n1,\"" + long + "\"\n2,b\n", []string{"2! the row is longer than 1 MiB", "3 2|b"}},
	} {
		table, err := OpenCSV(strings.NewReader(test.text), CSVOptions{Known: isKnown})
		if err != nil {
			t.Fatal(err)
		}
		_, rows, err := readAll(table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.rows == nil {
			if len(rows) != 500_001 || rows[0] != "2! a quote is opened and not closed" || rows[500_000] != "500002 2|b" {
				t.Errorf("%s: %d rows, from %s to %s", name, len(rows), rows[0], rows[len(rows)-1])
			}
		} else if diff := cmp.Diff(test.rows, rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if c := cap(table.source.(*csvSource).text); c > 5<<20 {
			t.Errorf("%s: %d bytes were kept", name, c)
		}
	}
}

// The first byte that tells the encoding may come late.
func TestEncodings(t *testing.T) {
	for _, before := range []int{0, 1, 1000, 70_000, 200_000} {
		text := "id,email\n" + strings.Repeat("1,a\n", before) + "2,Renée Ævar “x”\n" + strings.Repeat("3,b\n", 30_000)
		want := strings.Split(strings.ReplaceAll(strings.TrimSpace(text[len("id,email\n"):]), ",", "|"), "\n")
		latin, err := charmap.Windows1252.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		encoded := map[string]string{"UTF-8": text, "UTF-8 with a mark": "\xEF\xBB\xBF" + text, "Windows-1252": latin}
		for name, e := range map[string]unicode.Endianness{"UTF-16, little": unicode.LittleEndian, "UTF-16, big": unicode.BigEndian} {
			if encoded[name], err = unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(text); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range encoded {
			_, rows, err := readAll(OpenCSV(strings.NewReader(text), CSVOptions{Known: isKnown}))
			if err != nil || len(rows) != len(want) {
				t.Fatalf("%s after %d rows: %d rows, %v", name, before, len(rows), err)
			}
			if _, got, _ := strings.Cut(rows[before], " "); got != want[before] {
				t.Errorf("%s after %d rows: %q", name, before, got)
			}
		}
	}
	// A file may end with the only byte that isn't ASCII.
	if _, rows, err := readAll(OpenCSV(strings.NewReader("id,email\n1,Ren\xe9"), CSVOptions{Known: isKnown})); err != nil || len(rows) != 1 || rows[0] != "2 1|René" {
		t.Errorf("Windows-1252 with é at its end: %q, %v", rows, err)
	}
	if _, _, err := readAll(OpenCSV(strings.NewReader("\xFF\xFE\x00\x00i\x00\x00\x00"), CSVOptions{Known: isKnown})); err == nil {
		t.Error("UTF-32 is read")
	}
}

// The charset that is named is obeyed, and a byte order mark goes before it.
func TestCharset(t *testing.T) {
	for charset, text := range map[string]string{"windows-1250": "id,email\n1,\xb9\xe6\xf9\n", "ISO-8859-2": "id,email\n1,\xb1\xe6\xf9\n", "utf-8": "id,email\n1,ąćů\n",
		"utf-16le": "i\x00d\x00,\x00e\x00m\x00a\x00i\x00l\x00\n\x001\x00,\x00\x05\x01\x07\x01\x6f\x01", "koi8-r": "\xEF\xBB\xBFid,email\n1,ąćů\n"} {
		_, rows, err := readAll(OpenCSV(strings.NewReader(text), CSVOptions{Known: isKnown, Charset: charset}))
		if err != nil || len(rows) != 1 || rows[0] != "2 1|ąćů" {
			t.Errorf("%s: %q, %v", charset, rows, err)
		}
	}
	for charset, known := range map[string]bool{"UTF-8": true, "latin1": true, "shift_jis": true, "hz-gb-2312": false, "klingon": false, "": false} {
		if KnownCharset(charset) != known {
			t.Errorf("%s is said to be known: %v", charset, !known)
		}
	}
	_, rows, err := readAll(OpenCSV(strings.NewReader("id,email\n1,\xff\n2,a\n"), CSVOptions{Known: isKnown, Charset: "shift_jis"}))
	if diff := cmp.Diff([]string{"2! the row has bytes that mean nothing in the charset that was given", "3 2|a"}, rows); diff != "" {
		t.Error(diff, err)
	}
}

// A text that breaks off isn't taken for a whole one.
func TestCSVBreaksOff(t *testing.T) {
	for _, text := range []string{"", "id", "id,email\n", "id,email\n1,a\n2", "id,email\n1,\"a"} {
		for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("broken")} {
			in := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
			if _, _, err := readAll(OpenCSV(in, CSVOptions{Known: isKnown})); !errors.Is(err, broken) {
				t.Errorf("after %q: %v", text, err)
			}
		}
	}
	for _, text := range []string{"", "\n\n", "\xEF\xBB\xBF", ",,\n"} {
		var format *FormatError
		if _, _, err := readAll(OpenCSV(strings.NewReader(text), CSVOptions{Known: isKnown})); !errors.As(err, &format) {
			t.Errorf("%q has a header: %v", text, err)
		}
	}
	if _, _, err := readAll(OpenCSV(strings.NewReader(strings.Repeat("a,", MaxColumns)+"a"), CSVOptions{Known: isKnown})); err == nil {
		t.Error("65,537 columns are read")
	}
}

// What the standard library writes is read as it was, with any delimiter.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.SampledFrom([]rune("aé€,;|\t\" \n\r'=\u00a0")))
		width := rapid.IntRange(2, 4).Draw(t, "width") // one column has no delimiter to be told by
		header := []string{"id", "email", "first_name", "custom.a"}[:width]
		rows := rapid.SliceOf(rapid.SliceOfN(cell, width, width)).Draw(t, "rows")
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma = rapid.SampledFrom([]rune(",;\t|")).Draw(t, "delimiter")
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		var want []string
		for i, row := range append([][]string{header}, rows...) {
			if err := w.Write(row); err != nil {
				t.Fatal(err)
			}
			if i == 0 || isBlank(strings.Join(row, "")) {
				continue
			}
			trimmed := make([]string, width)
			for j := range row {
				// A lone \r in quotes comes back as it was; the writer makes \r\n of \n.
				trimmed[j] = strings.TrimSpace(row[j])
			}
			want = append(want, fmt.Sprintf("%d %s", i+1, strings.Join(trimmed, "|")))
		}
		w.Flush()
		_, got, err := readAll(OpenCSV(&text, CSVOptions{Known: isKnown}))
		if err != nil {
			t.Fatal(err)
		}
		if w.UseCRLF {
			for i := range want {
				want[i] = withoutCR(want[i])
			}
			for i := range got {
				got[i] = withoutCR(got[i])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func withoutCR(text string) string { return strings.ReplaceAll(text, "\r", "") }

// Whatever bytes come, reading them ends, rows have ascending numbers, cells are
// text, in the order of their columns, and what lives in memory is bounded.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "id,email\n1,a@b\n", "id;email\r\n\"1\r\n\";\"a\"\"b\"", "sep=;\nid;email\n", "\xEF\xBB\xBFid\temail\n1\tRen\xE9e",
		"\xFF\xFEi\x00d\x00,\x00e\x00\n\x00", "id,email\n\"1,2\n\"3\"x\n4", "\"", "id|\"email\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		live := watchMemory(t)
		defer func() { live(64 << 20) }()
		table, err := OpenCSV(bytes.NewReader(text), CSVOptions{Known: isKnown})
		if err != nil {
			var format *FormatError
			if !errors.As(err, &format) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		checkTable(t, table, len(text)+2)
	})
}

// checkTable reads a table of at most so many rows.
func checkTable(t *testing.T, table *Table, most int) {
	last := 0
	for range most {
		row, err := table.Next()
		if err != nil {
			var format *FormatError
			if !errors.Is(err, io.EOF) && !errors.As(err, &format) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if _, csv := table.source.(*csvSource); csv && row.Number <= last {
			t.Fatalf("row %d comes after %d", row.Number, last)
		}
		last = row.Number
		column := -1
		for _, c := range row.Cells {
			if c.Column <= column || c.Column >= len(table.Header) {
				t.Fatalf("a cell of column %d comes after one of %d under %d columns", c.Column, column, len(table.Header))
			}
			if column = c.Column; !isUTF8Text(c.Text) {
				t.Fatalf("%q isn't UTF-8", c.Text)
			}
		}
	}
	t.Fatalf("there are more than %d rows", most)
}
