package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/access/trail"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/internal/eventually"
)

// upload sends a file as a browser does.
func (w *world) upload(role access.Role, token, name, file string) *httptest.ResponseRecorder {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField(browser.FormField, token)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = part.Write([]byte(file))
	_ = form.Close()
	return w.do(httptest.NewRequest(http.MethodPost, "/users/import", &body), role, "Content-Type", form.FormDataContentType())
}

// checked uploads a file, and is the address of its page.
func (w *world) checked(name, file string) string {
	w.t.Helper()
	answer := w.upload(access.Admin, w.token(access.Admin), name, file)
	if answer.Code != http.StatusSeeOther {
		w.t.Fatalf("a file is answered with %d: %s\n%s", answer.Code, answer.Body, w.log)
	}
	return answer.Header().Get("Location")
}

// settled is the page of an import once it isn't running.
func (w *world) settled(address string) string {
	w.t.Helper()
	var page string
	eventually.Succeeds(w.t, "the import has ended", func() error {
		page = w.get(access.Admin, address).Body.String()
		if strings.Contains(page, "<progress") {
			return fmt.Errorf("it is running: %s", page)
		}
		return nil
	})
	return page
}

const table5 = "id,Email,first_name,registered_at,custom.<tier>\n" +
	"louis,louis@example.fr,Ludovic,,gold\n" +
	"=new,n@example.org,<b>Nina</b>,2026-11-01,\n" +
	",,Nobody,,\n" +
	"viktor,viktor@example.se,Viktor,,\n" +
	"louis,louis@example.fr,Other,,\n"

func TestImport(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	w := newWorld(t).platform()
	golden(t, "import", w.get(access.Admin, "/users/import").Body.String())

	address := w.checked(`C:\people\<november>.csv`, table5)
	page := w.settled(address)
	golden(t, "import-checked", strings.ReplaceAll(page, address, "/users/import/…"))
	if u := w.userNow("louis"); *u.Profile.FirstName != "Louis" || w.userNow("=new") != nil {
		t.Fatal("the dry run has changed something")
	}
	refused := w.get(access.Admin, address+"?outcome=refused").Body.String()
	if strings.Count(refused, "<tr data-id=") != 2 || !strings.Contains(refused, "email is missing") {
		t.Errorf("the refused rows are %s", refused)
	}
	if got := w.get(access.Admin, address+"?outcome=lost").Code; got != http.StatusUnprocessableEntity {
		t.Errorf("an unknown outcome is answered with %d", got)
	}
	kept, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range kept {
		if strings.HasPrefix(f.Name(), "boxoffice-import") {
			t.Errorf("others can find %s", filepath.Join(temporary, f.Name()))
		}
	}

	for range 2 { // sent twice, it is done once
		goesTo(t, w.post(access.Admin, address, url.Values{}), address)
	}
	page = w.settled(address)
	golden(t, "import-done", strings.ReplaceAll(page, address, "/users/import/…"))
	if u := w.userNow("louis"); *u.Profile.FirstName != "Ludovic" || w.userNow("=new") == nil {
		t.Error("the file isn't imported")
	}
	if w.server.uploads.kept != 0 {
		t.Error("the file is kept after it was imported")
	}
	report := w.get(access.Admin, address+"/report")
	rows, err := csv.NewReader(report.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "[[row outcome user_id reason] [4 refused  email is missing] [6 refused  row 2 is about this user already] [2 updated louis ] [5 unchanged viktor ] [3 created '=new ]]"; fmt.Sprint(rows) != want {
		t.Errorf("the report is %v\nnot %s", rows, want)
	}
	eventually.Succeeds(t, "the trail has the dry run, and the import once", func() error {
		entries, _, err := w.trail.Entries(context.Background(), trail.Query{Action: "import-users", Limit: 20})
		dry, wet := 0, 0
		for _, e := range entries {
			switch {
			case e.People == nil || *e.People != 5 || e.Status != http.StatusOK:
			case len(e.Parameters) > 0:
				dry++
			default:
				wet++
			}
		}
		if err == nil && (dry != 1 || wet < 1) {
			err = fmt.Errorf("%d and %d of %+v", dry, wet, entries)
		}
		return err
	})
}

func TestImportsOfOthers(t *testing.T) {
	w := newWorld(t).platform()
	address := w.checked("a.csv", "email\na@example.org\n")
	w.settled(address)
	for _, path := range []string{address, address + "/report", "/users/import"} {
		if got := w.get(access.Support, path).Code; got != http.StatusForbidden {
			t.Errorf("%s is answered with %d", path, got)
		}
	}
	delete(w.cookies, access.Admin) // signs in again
	for _, path := range []string{address, address + "/report"} {
		if got := w.get(access.Admin, path).Code; got != http.StatusNotFound {
			t.Errorf("in another session, %s is answered with %d", path, got)
		}
	}
	if got := w.post(access.Admin, address, url.Values{}).Code; got != http.StatusNotFound {
		t.Errorf("in another session, importing is answered with %d", got)
	}
	if got := w.upload(access.Admin, w.token(access.Support), "a.csv", "email\n").Code; got != http.StatusForbidden {
		t.Errorf("another session's token is answered with %d", got)
	}
}

// Where it isn't clear what columns are, the page asks; what is chosen holds for the
// import, too.
func TestChoosingColumns(t *testing.T) {
	w := newWorld(t).platform()
	address := w.checked("members.csv", "E-Mail address,Plan,<Notes>,first,Given name, ,status\na@example.org,Gold,x,Ana,Anna,y,active\n")
	page := w.settled(address)
	golden(t, "import-columns", strings.ReplaceAll(page, address, "/users/import/…"))
	if strings.Contains(page, "unknown=ignore") {
		t.Error("the page speaks of the API")
	}
	choose := func(choices ...string) url.Values {
		form := url.Values{"dry_run": {"1"}}
		for i, choice := range choices {
			form.Set(fmt.Sprint("column-", i+1), choice)
		}
		return form
	}
	goesTo(t, w.post(access.Admin, address, choose("email", "custom.Plan", "", "first_name", "-", "-", "-")), address)
	if page := w.settled(address); strings.Count(page, `class="err"`) != 1 || !strings.Contains(page, `aria-describedby="column-3-e"`) {
		t.Errorf("with one left the page is %s", page)
	}
	if got := w.post(access.Admin, address, choose("email", "nonsense")).Code; got != http.StatusUnprocessableEntity {
		t.Errorf("nonsense is answered with %d", got)
	}
	goesTo(t, w.post(access.Admin, address, choose("email", "custom.Plan", "-", "first_name", "-", "-", "-")), address)
	golden(t, "import-columns-chosen", strings.ReplaceAll(w.settled(address), address, "/users/import/…"))
	goesTo(t, w.post(access.Admin, address, url.Values{}), address)
	if page := w.settled(address); strings.Contains(page, "<select") || !strings.Contains(page, "Imported.") {
		t.Errorf("in the end the page is %s", page)
	}
	found, err := w.server.Reader.FindUsers(context.Background(), nil, []string{"a@example.org"}, domain.InstantOf(w.server.Clock()))
	if err != nil {
		t.Fatal(err)
	}
	if u := found.ByEmail["a@example.org"].User; u == nil || *u.Profile.FirstName != "Ana" || string(u.Profile.Custom) != `{"Plan":"Gold"}` {
		t.Errorf("the user is %+v", u)
	}

	address = w.checked("header.csv", "email,Plan\nb@example.org,Silver\n")
	w.settled(address)
	form := choose("email", "custom.plan").Encode()
	goesTo(t, w.do(httptest.NewRequest(http.MethodPost, address, strings.NewReader(form)), access.Admin,
		"Content-Type", "application/x-www-form-urlencoded", browser.FormHeader, w.token(access.Admin)), address)
	if page := w.settled(address); !strings.Contains(page, `<option value="custom.plan" selected>`) {
		t.Errorf("with the token in the header, what was chosen is shown as %s", page)
	}

	address = w.checked("exported.csv", "email,custom.,Plan\na@example.org,nothing,Gold\n")
	w.settled(address)
	goesTo(t, w.post(access.Admin, address, choose("email", "custom.", "-")), address)
	if page := w.settled(address); strings.Contains(page, `class="err"`) || !strings.Contains(page, `<option value="custom." selected>`) {
		t.Errorf("the empty key is shown as %s", page)
	}

	var many strings.Builder
	for i := range maxChoices + 5 {
		fmt.Fprintf(&many, "c%d,", i)
	}
	if page := w.settled(w.checked("many.csv", many.String()+"email\n")); strings.Contains(page, "<select") || !strings.Contains(page, "too many columns to choose") {
		t.Error("a choice is offered for hundreds of columns")
	}
}

func TestFilesThatAreNotTaken(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]int{"": http.StatusUnprocessableEntity, "empty.csv": http.StatusUnprocessableEntity} {
		if got := w.upload(access.Admin, w.token(access.Admin), name, ""); got.Code != want {
			t.Errorf("%q is answered with %d", name, got.Code)
		} else if name == "" {
			golden(t, "import-no-file", got.Body.String())
		}
	}
	address := w.checked("columns.csv", "name,shoe size,id\nx,38,1\n")
	page := w.settled(address)
	golden(t, "import-cannot", strings.ReplaceAll(page, address, "/users/import/…"))
	for range maxUploads - 1 {
		w.settled(w.checked("a.csv", "email\na@example.org\n"))
	}
	first := w.cookies[access.Admin]
	delete(w.cookies, access.Admin) // signs in again: another session
	if got := w.upload(access.Admin, w.token(access.Admin), "a.csv", "email\n").Code; got != http.StatusServiceUnavailable {
		t.Errorf("a file too many is answered with %d", got)
	}
	w.server.tasks.expire(strings.TrimPrefix(address, "/users/import/"))
	others := w.checked("a.csv", "email\na@example.org\n")
	w.settled(others)
	other := w.cookies[access.Admin]
	w.cookies[access.Admin] = first
	if got := w.get(access.Admin, address).Code; got != http.StatusNotFound {
		t.Errorf("a file that has expired is answered with %d", got)
	}
	// The files of a session make room for its next, and not those of another.
	w.settled(w.checked("a.csv", "email\na@example.org\n"))
	w.cookies[access.Admin] = other
	if got := w.get(access.Admin, others).Code; got != http.StatusOK {
		t.Errorf("another session's file is answered with %d", got)
	}
	if w.server.uploads.kept != 2 {
		t.Errorf("%d files are kept", w.server.uploads.kept)
	}
	goesTo(t, w.post(access.Admin, "/signout", url.Values{}), "/signin")
	if w.server.uploads.kept != 1 {
		t.Errorf("after signing out %d files are kept", w.server.uploads.kept)
	}
}

// Whoever reads a report slowly holds up nobody, and has it to its end.
func TestAReportIsReadSlowly(t *testing.T) {
	w := newWorld(t)
	address := w.checked("a.csv", "email\na@example.org\n")
	w.settled(address)
	r := httptest.NewRequest(http.MethodGet, address+"/report", nil)
	for _, c := range w.signedIn(access.Admin) {
		r.AddCookie(c)
	}
	slow := &slowReader{ResponseRecorder: httptest.NewRecorder(), writing: make(chan struct{}), goOn: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		w.handler.ServeHTTP(slow, r)
	}()
	<-slow.writing
	if page := w.get(access.Admin, address); page.Code != http.StatusOK {
		t.Errorf("meanwhile the page is answered with %d", page.Code)
	}
	goesTo(t, w.post(access.Admin, "/signout", url.Values{}), "/signin") // which lets go of the import
	close(slow.goOn)
	<-read
	if got := slow.Body.String(); !strings.Contains(got, "2,created,") {
		t.Errorf("the report is %q", got)
	}
}

// A slowReader takes nothing of an answer until it goes on.
type slowReader struct {
	*httptest.ResponseRecorder
	writing, goOn chan struct{}
	once          sync.Once
}

func (r *slowReader) Write(p []byte) (int, error) {
	r.once.Do(func() { close(r.writing) })
	<-r.goOn
	return r.ResponseRecorder.Write(p)
}

// A large file is shown a page at a time, and a running import says how far it is.
func TestRowsOfImports(t *testing.T) {
	w := newWorld(t)
	var file strings.Builder
	file.WriteString("email\n")
	for i := range 2*pageRows + 3 {
		fmt.Fprintf(&file, "u%d@example.org\n", i)
	}
	address := w.checked("a.csv", file.String())
	w.settled(address)
	second := w.get(access.Admin, address+"?outcome=created&row=50").Body.String()
	if strings.Count(second, "<tr data-id=") != pageRows || !strings.Contains(second, `<tr data-id="52">`) || !strings.Contains(second, "row=100") {
		t.Errorf("the second page is %s", second)
	}
	if last := w.get(access.Admin, address+"?row=100").Body.String(); strings.Count(last, "<tr data-id=") != 3 || strings.Contains(last, `rel="next"`) {
		t.Errorf("the last page is %s", last)
	}

	j := &importing{server: w.server, name: "big.csv", size: 1000, state: importState{Running: true, Dry: true, Progress: accounts.ImportProgress{Rows: 40, Bytes: 500, Created: 31, Updated: 5, Unchanged: 3, Refused: 1}}}
	id := newTaskID()
	w.server.tasks.add(id, w.owner(access.Admin), j)
	page := w.get(access.Admin, "/users/import/"+id).Body.String()
	golden(t, "import-checking", strings.ReplaceAll(page, id, "…"))
	if !strings.Contains(page, `http-equiv="refresh"`) {
		t.Error("the page doesn't ask itself again")
	}
	j.state.Dry, j.state.Total = false, 100
	golden(t, "import-running", strings.ReplaceAll(w.get(access.Admin, "/users/import/"+id).Body.String(), id, "…"))
	if got := w.get(access.Admin, "/users/import/"+id+"/report").Code; got != http.StatusNotFound {
		t.Errorf("the report of a running import is answered with %d", got)
	}
}
