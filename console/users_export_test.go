package console

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"boxoffice/access"
)

// Whoever looks at the users behind a figure gets them as a file: those of the list,
// and what they are.
func TestTheUsersBehindAFigureAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	listed := 0
	for _, c := range []struct {
		figure string
		want   []string
	}{
		{"kpi=registered&month=2026-11", nil},
		{"kpi=unsubscribed&month=2026-11", nil},
		{"kpi=unsubscribed&month=2026-11&reason=non_payment", nil},
		{"kpi=active&month=2026-11", nil},
		{"kpi=registered&month=2026-11&as_of=2026-11-02T00:00:00Z", nil},
	} {
		list := w.get(access.Support, "/users?"+c.figure).Body.String()
		link := "/users/export?" + strings.Replace(c.figure, "kpi=", "bom=true&format=csv&kpi=", 1)
		for _, row := range aRow.FindAllString(list, -1) {
			if _, id, ok := strings.Cut(row, `data-id="`); ok {
				c.want = append(c.want, strings.TrimSuffix(id, `">`))
			}
		}
		if !strings.Contains(list, `<a href="/users/export?`) {
			t.Errorf("the list of %s leads to no file", c.figure)
		}
		listed += len(c.want)
		file := w.get(access.Support, link)
		lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file.Body.Bytes(), []byte("\ufeff")))).ReadAll()
		if err != nil || file.Code != http.StatusOK || !bytes.HasPrefix(file.Body.Bytes(), []byte("\ufeffid,status,")) {
			t.Fatalf("%s is answered with %d, %v: %s", link, file.Code, err, file.Body)
		}
		var got []string
		for _, line := range lines[1:] {
			got = append(got, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(line[0]))
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s has %q, the list %q", link, got, c.want)
		}
	}

	if listed < 5 {
		t.Errorf("the lists have %d users together", listed)
	}

	book := w.get(access.Admin, "/users/export?kpi=unsubscribed&month=2026-11&reason=non_payment")
	if name := book.Header().Get("Content-Disposition"); name != `attachment; filename="users-unsubscribed-2026-11.xlsx"` {
		t.Error(name)
	}
	f, err := excelize.OpenReader(book.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	about, err := f.GetRows("About")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, row := range about {
		if len(row) == 2 {
			said[row[0]] = row[1]
		}
	}
	if said["kpi"] != "unsubscribed" || said["month"] != "2026-11" || said["reason"] != "non_payment" || said["log position"] != "20" {
		t.Errorf("About says %v", said)
	}

	for path, code := range map[string]int{
		"/users/export": http.StatusUnprocessableEntity, "/users/export?kpi=active": http.StatusUnprocessableEntity,
		"/users/export?kpi=active&month=2026-11&format=pdf": http.StatusUnprocessableEntity,
	} {
		if got := w.get(access.Admin, path).Code; got != code {
			t.Errorf("%s is answered with %d", path, got)
		}
	}
	for _, role := range []access.Role{access.Viewer, access.Auditor} {
		if got := w.get(role, "/users/export?kpi=active&month=2026-11").Code; got != http.StatusForbidden {
			t.Errorf("as %s it is answered with %d", role, got)
		}
	}
}

// The columns to choose from are those that any user has something in.
func TestColumnsOfWhoIsNotOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	page := w.get(access.Support, "/users?q=nobody-at-all").Body.String()
	if !strings.Contains(page, `name="columns" value="custom.newsletter"`) {
		t.Errorf("a field that nobody on the page has can't be chosen: %s", page)
	}
}
