// These tests hold what importing a table of users comes to.

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// importTable imports a body with an admin's key.
func (h *harness) importTable(query, mediaType, body string, headers ...string) answer {
	h.t.Helper()
	all := header{"Authorization": "Bearer admin", "Content-Type": mediaType}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	return h.do(http.MethodPost, "/v1/imports/users"+query, body, all)
}

func (h *harness) importCSV(lines ...string) answer {
	h.t.Helper()
	return h.importTable("", csvType, strings.Join(lines, "\n"))
}

// result returns what became of the rows, in a line: the counts, and the rows
// that were refused.
func (a answer) result() string {
	a.t.Helper()
	var r importResult
	a.ok(http.StatusOK).decode(&r)
	parts := []string{fmt.Sprintf("%d rows: %d created, %d updated, %d unchanged", r.Rows, r.Created, r.Updated, r.Unchanged)}
	for _, refused := range r.Refused {
		parts = append(parts, fmt.Sprintf("%d: %s", refused.Row, refused.Reason))
	}
	return strings.Join(parts, "; ")
}

func (a answer) comesTo(want string) {
	a.t.Helper()
	if got := a.result(); got != want {
		a.t.Errorf("it came to\n%s\nand not\n%s", got, want)
	}
}

// users returns the profiles of all users as lines, sorted.
func (w *world) users() []string {
	w.t.Helper()
	var page struct{ Users []map[string]any }
	if err := json.Unmarshal(w.get(RoleAdmin, "/v1/users?limit=1000").ok(http.StatusOK).Body.Bytes(), &page); err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, u := range page.Users {
		line, id := "", fmt.Sprint(u["id"])
		if len(id) == 36 {
			id = "made up"
		}
		for _, name := range []string{"email", "first_name", "last_name", "locale", "country", "platform", "custom"} {
			value, err := json.Marshal(u[name])
			if err != nil {
				w.t.Fatal(err)
			}
			line += " " + string(value)
		}
		lines = append(lines, id+line)
	}
	slices.Sort(lines)
	return lines
}

func TestImport(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"ana","email":"Ana@example.org","first_name":"Ana","custom":{"shoe":38.50,"vip":true,"tags":["a","b"],"note":"x"}}`).ok(http.StatusCreated)
		w.create(`{"id":"two-1","email":"two@example.org"}`).ok(http.StatusCreated)
		w.create(`{"id":"two-2","email":"TWO@example.org"}`).ok(http.StatusCreated)
		file := []string{
			"id;EMAIL;first_name;last_name;country;custom.shoe;custom.vip;custom.tags;custom.note",
			`;ANA@example.org;;Ávila;FR;39;false;"[""c""]";'=1+1`, // 2: by e-mail
			`bob;bob@example.org;Bob;;;44;;;`,                     // 3
			`;cleo@example.org;Cleo;;;;;;`,                        // 4: an id is made up
			`;two@example.org;X;;;;;;`,                            // 5
			`;;Nobody;;;;;;`,                                      // 6
			`.;dot@example.org;;;;;;;`,                            // 7
			``,                                                    // 8: blank
			`"eve;eve@example.org`,                                // 9
			`dora;dora@example.org;"Do` + "\n" + `ra";;;;;;`,      // 10, over two lines
			`nul;nul@example.org;` + "a\x00b" + `;;;;;;`,          // 11
		}
		refused := "; 5: email is that of several users: the row needs an id; 6: email is missing" +
			"; 7: id must not be . or .., which no URL can carry" +
			"; 9: there is something between a closing quote and the end of its cell; 11: first_name must not have U+0000 in a text"
		says := `ana;Ana@example.org;Ana;;;38.5;TRUE;"[""a"", ""b""]";` // what is there
		w.importCSV(file[0], says).comesTo("1 rows: 0 created, 0 updated, 1 unchanged")
		dry := w.importTable("?dry_run=true", csvType, strings.Join(file, "\n"))
		dry.comesTo("9 rows: 3 created, 1 updated, 0 unchanged" + refused)
		if len(w.users()) != 3 {
			t.Fatalf("after a dry run there are %q", w.users())
		}
		w.importCSV(file...).comesTo("9 rows: 3 created, 1 updated, 0 unchanged" + refused)
		want := []string{
			`ana "Ana@example.org" "Ana" "Ávila" null "FR" null {"note":"=1+1","shoe":39,"tags":["c"],"vip":false}`,
			`bob "bob@example.org" "Bob" null null null null {"shoe":"44"}`,
			`dora "dora@example.org" "Do\nra" null null null null {}`,
			`made up "cleo@example.org" "Cleo" null null null null {}`,
			`two-1 "two@example.org" null null null null null {}`,
			`two-2 "TWO@example.org" null null null null null {}`,
		}
		if diff := cmp.Diff(want, w.users()); diff != "" {
			t.Error(diff)
		}
		w.importCSV(file...).comesTo("9 rows: 0 created, 0 updated, 4 unchanged" + refused)
		if diff := cmp.Diff(want, w.users()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestImportExcel(t *testing.T) {
	f := excelize.NewFile()
	for i, row := range [][]any{
		{"id", "email", "registered_at", "custom.since", "custom.n"},
		{10293, "ana@example.org", time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), 1.5},
		{"bob", "bob@example.org", time.Date(2024, 3, 1, 10, 20, 30, 0, time.UTC), "'+33", true},
		{nil, nil, 5},
	} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var book bytes.Buffer
	if err := f.Write(&book); err != nil {
		t.Fatal(err)
	}
	eachWorld(t, func(t *testing.T, w *world) {
		w.importTable("", excelType, book.String()).comesTo("3 rows: 2 created, 0 updated, 0 unchanged; 4: email is missing")
		if diff := cmp.Diff([]string{
			`10293 "ana@example.org" null null null null null {"n":"1.5","since":"2020-01-02"}`,
			`bob "bob@example.org" null null null null null {"n":"true","since":"'+33"}`,
		}, w.users()); diff != "" {
			t.Error(diff)
		}
		if got := w.get(RoleAdmin, "/v1/users/bob").profile(http.StatusOK)["registered_at"]; got != "2024-03-01T09:20:30Z" {
			t.Errorf("bob registered at %v", got)
		}
		w.importTable("", "", book.String()).comesTo("3 rows: 0 created, 0 updated, 2 unchanged; 4: email is missing")
	})
}

// What is wrong with the columns is all named, and nothing is read further.
func TestImportColumns(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.importCSV("id,Nickname,ID,custom,first_name,,first_name", "x").invalid("body.columns")
		var got []string
		for _, e := range p.Errors {
			got = append(got, fmt.Sprint(e.Message, " ", e.Value))
		}
		if diff := cmp.Diff([]string{
			`no column is the e-mail: name one email, or map one to it <nil>`,
			`unknown columns "Nickname", "custom": say with a mapping which field each is, or null to leave it out; ` +
				`or leave all of them out (unknown=ignore), or keep them as custom fields (unknown=custom) <nil>`,
			`no name stands above column 6: name it, delete it, or leave out what isn't known (unknown=ignore) <nil>`,
			`columns "id", "ID" are all id: map all but one to null, or to another field <nil>`,
			`columns "first_name", "first_name" are all first_name: map all but one to null, or to another field <nil>`,
		}, got); diff != "" {
			t.Error(diff)
		}
		for _, key := range []string{"A b", "a", "A"} { // keys of custom have a case
			w.importCSV("Email,CUSTOM."+key, "a@example.org,1").ok(http.StatusOK)
		}
		if diff := cmp.Diff([]string{`made up "a@example.org" null null null null null {"A":"1","A b":"1","a":"1"}`}, w.users()); diff != "" {
			t.Error(diff)
		}
		w.importCSV("").problem(http.StatusBadRequest)
		w.importTable("", excelType, "PK\x03\x04").problem(http.StatusBadRequest)
	})
}

// What columns are can be said, and what becomes of others; a dry run says what they
// were taken for.
func TestImportMapping(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const file = "E-Mail,Plan,Notes,Given name,status\nana@example.org,Gold,x,Ana,active\n"
		mapping := url.QueryEscape(`{"Plan":"custom.plan"}`)
		dry := w.importTable("?dry_run=true&unknown=ignore&mapping="+mapping, csvType, file)
		dry.comesTo("1 rows: 1 created, 0 updated, 0 unchanged")
		if want := `"columns":[{"column":"E-Mail","field":"email"},{"column":"Plan","field":"custom.plan"},{"column":"Notes","field":null},` +
			`{"column":"Given name","field":"first_name"},{"column":"status","field":null}]}` + "\n"; !strings.HasSuffix(dry.Body.String(), want) {
			t.Errorf("it is answered %s", dry.Body)
		}
		w.importTable("?unknown=custom&mapping="+mapping, csvType, file).comesTo("1 rows: 1 created, 0 updated, 0 unchanged")
		if diff := cmp.Diff([]string{`made up "ana@example.org" "Ana" null null null null {"Notes":"x","plan":"Gold"}`}, w.users()); diff != "" {
			t.Error(diff)
		}
		stream := w.importTable("?dry_run=true&unknown=ignore", csvType, file, "Accept", ndjsonType).ok(http.StatusOK).Body.String()
		if !strings.Contains(stream, `{"column":"Plan","field":null}`) {
			t.Errorf("the stream is %s", stream)
		}
		w.importTable("?mapping="+mapping, csvType, file).invalid("body.columns")
		w.importTable("?mapping=x", csvType, file).invalid("query.mapping")
		w.importTable("?unknown=keep", csvType, file).invalid("query.unknown")

		w.importTable("", csvType+"; charset=windows-1250", "email,first_name\nb@example.org,\xb9\xe6\n").comesTo("1 rows: 1 created, 0 updated, 0 unchanged")
		if users := w.users(); !strings.Contains(users[0]+users[1], `"ąć"`) {
			t.Errorf("there are %q", users)
		}
		w.importTable("", csvType+"; charset=klingon", file).problem(http.StatusUnsupportedMediaType)
	})
}

func TestImportRequests(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const file = "email\na@example.org\n"
		for _, role := range access.Roles {
			if role != RoleAdmin {
				w.do(http.MethodPost, "/v1/imports/users", file, header{"Authorization": "Bearer " + string(role), "Content-Type": csvType}).problem(http.StatusForbidden)
			}
		}
		w.importTable("", "application/json", file).problem(http.StatusUnsupportedMediaType)
		w.importTable("", csvType, file, "Content-Encoding", "gzip").problem(http.StatusUnsupportedMediaType)
		w.importTable("?dry=true", csvType, file).invalid("query.dry")

		broken := httptest.NewRequest(http.MethodPost, "/v1/imports/users", io.MultiReader(strings.NewReader(file+"b@exam"), iotest.ErrReader(io.ErrUnexpectedEOF)))
		broken.Header.Set("Authorization", "Bearer admin")
		w.serve(broken).problem(http.StatusBadRequest)
		large := httptest.NewRequest(http.MethodPost, "/v1/imports/users", strings.NewReader("PK\x03\x04"))
		large.Header.Set("Authorization", "Bearer admin")
		large.ContentLength = accounts.MaxImportBytes + 1
		w.serve(large).problem(http.StatusRequestEntityTooLarge)

		w.broker.fail = errBroken
		if p := w.importTable("", csvType, file).problem(http.StatusServiceUnavailable); !strings.Contains(p.Detail, "0 users were made") {
			t.Errorf("without a broker it is answered: %s", p.Detail)
		}
		w.broker.fail = nil
		w.importTable("", csvType, file).comesTo("1 rows: 1 created, 0 updated, 0 unchanged")
	})
}

// One import runs at a time, whichever process it runs in.
func TestOneImportAtATime(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		w := newWorld(t, open())
		other := w.beside(open())
		body, send := io.Pipe()
		ended := make(chan answer)
		go func() {
			r := httptest.NewRequest(http.MethodPost, "/v1/imports/users", body)
			r.Header.Set("Authorization", "Bearer admin")
			ended <- w.serve(r)
		}()
		const file = "email\na@example.org\n"
		_, _ = io.WriteString(send, file) // which is read once the import runs
		for _, h := range []*harness{w.harness, other} {
			for _, query := range []string{"", "?dry_run=true"} {
				if p := h.importTable(query, csvType, file).problem(http.StatusServiceUnavailable); !strings.Contains(p.Detail, "another import") {
					t.Errorf("beside another it is answered: %s", p.Detail)
				}
			}
		}
		send.Close()
		first := <-ended
		first.comesTo("1 rows: 1 created, 0 updated, 0 unchanged")
		other.importTable("", csvType, file).comesTo("1 rows: 0 created, 0 updated, 1 unchanged")
		w.importTable("", csvType, file).comesTo("1 rows: 0 created, 0 updated, 1 unchanged")
	})
}

// A stream says how far the import is, and ends with the result, or with what
// went wrong.
func TestImportStream(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		server := httptest.NewServer(w.handler)
		defer server.Close()
		type line struct {
			Progress *importProgress
			Result   *importResult
			Problem  *Problem
		}
		stream := func(body io.Reader) []line {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/imports/users", body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer admin")
			request.Header.Set("Accept", ndjsonType)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			var lines []line
			for d := json.NewDecoder(answer.Body); d.More(); {
				var one line
				if err := d.Decode(&one); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, one)
			}
			return lines
		}
		// More than a window, of which the end comes after the first answer.
		var file strings.Builder
		file.WriteString("id,email\n")
		for i := range 2500 {
			fmt.Fprintf(&file, "%d,%d@example.org\n", i, i)
		}
		body, send := io.Pipe()
		go func() {
			_, _ = io.WriteString(send, file.String())
			time.Sleep(10 * time.Millisecond)
			_, _ = io.WriteString(send, "bad\n")
			send.Close()
		}()
		lines := stream(body)
		if first := lines[0].Progress; first == nil || first.Rows != 1000 || first.Created != 1000 {
			t.Errorf("it begins with %+v", lines[0])
		}
		if last := lines[len(lines)-1].Result; last == nil || last.Created != 2500 || last.Rows != 2501 || len(last.Refused) != 1 {
			t.Errorf("it ends with %+v", lines[len(lines)-1])
		}
		w.broker.fail = errBroken
		lines = stream(strings.NewReader("email\na@example.org\n"))
		if last := lines[len(lines)-1].Problem; last == nil || last.Status != http.StatusServiceUnavailable {
			t.Errorf("without a broker it ends with %+v", lines)
		}
	})
}
