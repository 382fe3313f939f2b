//go:build office

// These tests open exports with software that isn't ours: LibreOffice, and a
// reader from npm (.ci/sheets). scripts/test installs both.

package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/projections"
)

// convert has LibreOffice convert a file, with a profile of its own, and returns
// the result.
func convert(t *testing.T, path, to string) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"),
		"--headless", "--convert-to", to, "--outdir", dir, path)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	extension, _, _ := strings.Cut(to, ":")
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "." + extension
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return text
}

// An openDocument is a spreadsheet as LibreOffice has understood it.
type openDocument struct {
	Styles []struct {
		Name   string `xml:"name,attr"`
		Column struct {
			Width string `xml:"column-width,attr"`
		} `xml:"table-column-properties"`
	} `xml:"automatic-styles>style"`
	Sheets []struct {
		Name    string `xml:"name,attr"`
		Columns []struct {
			Style string `xml:"style-name,attr"`
		} `xml:"table-column"`
		Rows []struct {
			Cells []openCell `xml:"table-cell"`
		} `xml:"table-row"`
	} `xml:"body>spreadsheet>table"`
	Filters []struct {
		Range   string `xml:"target-range-address,attr"`
		Buttons string `xml:"display-filter-buttons,attr"`
	} `xml:"body>spreadsheet>database-ranges>database-range"`
}

type openCell struct {
	Type     string   `xml:"value-type,attr"`
	Value    string   `xml:"value,attr"`
	Date     string   `xml:"date-value,attr"`
	Bool     string   `xml:"boolean-value,attr"`
	Formula  string   `xml:"formula,attr"`
	Repeated int      `xml:"number-columns-repeated,attr"`
	Text     []string `xml:"p"`
}

// show returns the type and the value of a cell.
func (c *openCell) show() string {
	switch c.Formula {
	case "":
	case "of:=TRUE()", "of:=FALSE()": // how LibreOffice has a boolean of a workbook
		return "boolean " + strings.ToLower(c.Formula[4:len(c.Formula)-2])
	default:
		return "formula " + c.Formula
	}
	switch c.Type {
	case "":
		return ""
	case "string":
		return "string " + strings.Join(c.Text, "\n")
	case "date":
		date, _, _ := strings.Cut(c.Date, ".")
		return "date " + date
	}
	return c.Type + " " + c.Value + c.Bool
}

func opened(t *testing.T, path string) *openDocument {
	t.Helper()
	var d openDocument
	if err := xml.Unmarshal(convert(t, path, "fods"), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// cells returns the cells of a row.
func (d *openDocument) cells(sheet, row int) (shown []string) {
	for _, c := range d.Sheets[sheet].Rows[row].Cells {
		for range max(1, min(c.Repeated, 100)) {
			shown = append(shown, c.show())
		}
	}
	for len(shown) > 0 && shown[len(shown)-1] == "" {
		shown = shown[:len(shown)-1]
	}
	return shown
}

func cell(kind string, value *string) string {
	if value == nil {
		return ""
	}
	return kind + " " + *value
}

func TestLibreOfficeOpensUsers(t *testing.T) {
	r := telling()
	d := opened(t, written(t, r, "users.xlsx", Options{Format: XLSX, rowsPerSheet: 10, Filters: []Filter{{"status", "=active"}}}))
	if len(d.Sheets) != 3 || d.Sheets[0].Name != "Users" || d.Sheets[1].Name != "Users 2" || d.Sheets[2].Name != "About" {
		t.Fatalf("%d sheets", len(d.Sheets))
	}
	var header []string
	for _, name := range names(userTable(r.keys)) {
		header = append(header, "string "+name)
	}
	for sheet := range 2 {
		if diff := cmp.Diff(header, d.cells(sheet, 0)); diff != "" {
			t.Error(diff)
		}
	}
	for i, u := range r.users[:len(r.users)-1] {
		got := d.cells(i/10, 1+i%10)
		when := "date " + wallClock(*u.RegisteredAt)
		want := []string{"string " + u.ID, "string active", when, when, "", "", cell("string", u.Profile.FirstName), "string x", "", "", "", "",
			"string =" + json.Number(itoa(i)).String(), "float " + itoa(30+i) + ".5", "boolean " + map[bool]string{true: "true", false: "false"}[i%2 == 0]}
		if diff := cmp.Diff(plainSpaces(want), plainSpaces(got)); diff != "" {
			t.Errorf("user %d: %s", i, diff)
		}
	}
	last := []string{"string last", "string registered", "date 1950-06-01T01:00:00", "", "", "", "", "", "", "", "",
		"string 12345678901234567890", `string ["a","b"]`, "float -7"}
	if diff := cmp.Diff(last, d.cells(1, len(r.users)-10)); diff != "" {
		t.Error(diff)
	}
}

// plainSpaces takes out what LibreOffice writes as elements of their own:
// several blanks, tabs, and those at the ends.
func plainSpaces(cells []string) []string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, " ", ""), "\t", "")
	}
	return cells
}

func itoa(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

// The header is filterable, and the columns are as wide as what is
// in them needs. (That the header is frozen is a matter of the view, which
// LibreOffice has none of without a screen; package sheet tests it.)
func TestLibreOfficeShowsTheHeader(t *testing.T) {
	d := opened(t, written(t, telling(), "users.xlsx", Options{Format: XLSX}))
	filterable := false
	for _, f := range d.Filters {
		filterable = filterable || f.Buttons == "true" && f.Range == "Users.A1:Users.O19"
	}
	if !filterable {
		t.Errorf("the header isn't filterable: %+v", d.Filters)
	}
	widths := map[string]string{}
	for _, s := range d.Styles {
		widths[s.Name] = s.Column.Width
	}
	different := map[string]bool{}
	for _, c := range d.Sheets[0].Columns[:8] {
		different[widths[c.Style]] = true
	}
	if len(different) < 4 {
		t.Errorf("the columns' widths are %v", different)
	}
	about := map[string]string{}
	for row := range d.Sheets[1].Rows {
		if cells := d.cells(1, row); len(cells) == 2 {
			about[strings.TrimPrefix(cells[0], "string ")] = cells[1]
		}
	}
	for name, want := range map[string]string{
		"rows": "float 18", "time zone": "string Europe/Paris", "as of": "date 2026-11-23T13:00:00", "log position": "float 42", "email": "string E-mail address",
	} {
		if about[name] != want {
			t.Errorf("About says that %s is %q, not %q", name, about[name], want)
		}
	}
}

func TestLibreOfficeOpensSessions(t *testing.T) {
	s := projections.Session{SessionView: domain.SessionView{SessionID: "=s", ContentID: "c", State: domain.SessionEnded,
		StartedAt: at("2026-07-01T10:00:00Z"), LastEventAt: at("2026-07-01T10:00:01.5Z"), DurationMS: 1500, WatchedMS: 2000, ContentLengthMS: new(int64(3000)),
		CompletionRate: new(int64(6667)), Completed: new(false), Device: new("tv")}}
	var file bytes.Buffer
	if _, err := Sessions(t.Context(), &fixedReader{sessions: []projections.Session{s}}, projections.SessionsQuery{}, &file, Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sessions.xlsx")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"", "string =s", "string c", "", "string ended", "date 2026-07-01T12:00:00", "date 2026-07-01T12:00:01",
		"float 1.5", "float 2", "float 3", "float 0.6667", "boolean false", "", "string tv"}
	if diff := cmp.Diff(want, opened(t, path).cells(0, 1)); diff != "" {
		t.Error(diff)
	}
}

// Of a CSV, LibreOffice takes nothing for a formula either.
func TestLibreOfficeOpensCSV(t *testing.T) {
	r := telling()
	path := written(t, r, "users.csv", Options{Format: CSV})
	// Comma, double quotes, UTF-8, from the first line on.
	text := convert(t, path, "csv:Text - txt - csv (StarCalc):44,34,76,1")
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(r.users)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	d := opened(t, path)
	for row := range d.Sheets[0].Rows {
		for _, c := range d.cells(0, row) {
			if strings.HasPrefix(c, "formula") {
				t.Errorf("row %d has the %s", row, c)
			}
		}
	}
	if got := d.cells(0, 1)[6]; got != "string '=1+1" {
		t.Errorf("a first name is %q", got)
	}
}

// A reader from npm sees the same types and values.
func TestNPMReaderOpensUsers(t *testing.T) {
	r := telling()
	path := written(t, r, "users.xlsx", Options{Format: XLSX, rowsPerSheet: 10})
	cmd := exec.Command("node", "read.mjs", path)
	cmd.Dir = filepath.Join("..", "..", ".ci", "sheets")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.Bytes())
	}
	type typed struct {
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
	var sheets []struct {
		Sheet string
		Rows  [][]*typed
	}
	if err := json.Unmarshal(out, &sheets); err != nil {
		t.Fatal(err)
	}
	if len(sheets) != 3 || sheets[1].Sheet != "Users 2" || sheets[2].Sheet != "About" {
		t.Fatalf("%d sheets", len(sheets))
	}
	for i, u := range r.users[:len(r.users)-1] {
		when := &typed{"date", wallClock(*u.RegisteredAt) + ".000Z"}
		want := []*typed{{"string", u.ID}, {"string", "active"}, when, when, nil, nil, {"string", *u.Profile.FirstName}, {"string", "x"}, nil, nil, nil,
			nil, {"string", "=" + itoa(i)}, {"number", float64(30+i) + 0.5}, {"boolean", i%2 == 0}}
		if diff := cmp.Diff(want, sheets[i/10].Rows[1+i%10]); diff != "" {
			t.Errorf("user %d: %s", i, diff)
		}
	}
}
