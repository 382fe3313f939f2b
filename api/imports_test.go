// These tests hold what importing a table of users comes to.

package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/wire"
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

// result gives what became of the rows, in a line: the counts, and the rows
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

// users gives the profiles of all users as lines, sorted.
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
			`ana "ANA@example.org" "Ana" "Ávila" null "FR" null {"note":"=1+1","shoe":39,"tags":["c"],"vip":false}`,
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

// Rows of one file see what rows before them did. The first about a user counts,
// and a further one may only say what is so. A dry run says the same.
func TestImportOfWhatTheFileItselfChanges(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"old","email":"old@example.org","first_name":"Old"}`).ok(http.StatusCreated)
		w.create(`{"id":"two-1","email":"two@example.org"}`).ok(http.StatusCreated)
		w.create(`{"id":"two-2","email":"two@example.org"}`).ok(http.StatusCreated)
		file := strings.Join([]string{
			"id,email,first_name,registered_at",
			",a@example.org,A,",               // 2: made
			",A@example.org,A,",               // 3: the e-mail in another case
			",a@example.org,,",                // 4: unchanged
			"x,x@example.org,X,2024-03-01",    // 5: made
			"x,x@example.org,,2024-03-02",     // 6: later than that
			"x,x@example.org,,2024-03-01",     // 7: the same
			",x@example.org,X,2024-02-01",     // 8: earlier
			"old,new@example.org,,",           // 9: moves
			",new@example.org,Old,",           // 10: is old
			",old@example.org,Other,",         // 11: nobody has that any more
			"y,old@example.org,Y,",            // 12: two would have it
			",old@example.org,Z,",             // 13: other than 11
			"z-1,z@example.org,Z,",            // 14: made
			"z-2,z@example.org,Z,",            // 15: made, with the same e-mail
			",z@example.org,Z,",               // 16: who?
			"z-2,other@example.org,,",         // 17
			",two@example.org,,",              // 18: who?
			"two-1,one@example.org,,",         // 19: it would be two-2
			"two-2,two@example.org,Two,",      // 20: updated
			"bad,bad@example.org,,2027-01-01", // 21: in the future
			"bad,bad@example.org,,",           // 22: the first counts, whatever it is
			",a@example.org,A,2024-01-01",     // 23
			"two-1,two@example.org,,",         // 24: is so
		}, "\n")
		refused := "; 3: row 2 is about this user already" +
			"; 6: row 5 is about this user already; 8: row 5 is about this user already" +
			"; 12: row 11 has the same email and no id: whom it is about would change" +
			"; 13: row 11 is about this user already" +
			"; 16: email is that of several users: the row needs an id" +
			"; 17: row 15 is about this user already" +
			"; 18: email is that of several users: the row needs an id" +
			"; 19: row 18 has the email that is replaced, and no id: whom it is about would change" +
			"; 21: registered_at must not be more than 5 minutes ahead; 22: row 21 is about this user already" +
			"; 23: row 2 is about this user already"
		w.importTable("?dry_run=true", csvType, file).comesTo("23 rows: 5 created, 2 updated, 4 unchanged" + refused)
		w.importTable("", csvType, file).comesTo("23 rows: 5 created, 2 updated, 4 unchanged" + refused)
		w.importTable("", csvType, file).comesTo("23 rows: 0 created, 0 updated, 11 unchanged" + refused)
	})
}

// registered_at is when a user registered; a user who is there keeps the first.
func TestImportRegistrations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2024-03-01T10:20:30.123456Z", "ana", "user.registered", `{"email":"ana@example.org"}`),
			happened("2026-11-01T00:00:00Z", "bob", "playback.ended", `{"session_id":"s","content_id":"c"}`),
			happened("2024-05-01T00:00:00Z", "gone", "user.registered", `{}`), happened("2026-11-02T00:00:00Z", "gone", "user.erased", `{}`))
		const header, later = "id,email,registered_at", "2: registered_at is later than the registration that is recorded"
		for _, same := range []string{"2024-03-01", "2024-03-01 11:20:30", "2024-03-01T11:20:30.123", "2024-03-01T10:20:30.123456Z"} {
			w.importCSV(header, "ana,ana@example.org,"+same).comesTo("1 rows: 0 created, 0 updated, 1 unchanged")
		}
		for _, at := range []string{"2024-03-01T11:20:31", "2024-03-02"} {
			w.importCSV(header, "ana,ana@example.org,"+at).comesTo("1 rows: 0 created, 0 updated, 0 unchanged; " + later)
		}
		w.importCSV(header,
			"bob,bob@example.org,2025-01-01",
			"gone,gone@example.org,2024-05-01", // 3
			"new,new@example.org,2019-12-31",
			"future,new@example.org,2027-01-01",
			"wrong,new@example.org,01/02/2024",
			"old,new@example.org,1850-01-01",
		).comesTo("6 rows: 1 created, 1 updated, 0 unchanged" +
			"; 3: the user of this id was erased after that; 5: registered_at must not be more than 5 minutes ahead" +
			"; 6: registered_at must be a date as YYYY-MM-DD, or a time as YYYY-MM-DDThh:mm:ss, from 1900 to 9999" +
			"; 7: registered_at must be from 1900 to 9999")
		for id, want := range map[string]string{"ana": "2024-03-01T10:20:30.123456Z", "bob": "2024-12-31T23:00:00Z", "new": "2019-12-30T23:00:00Z"} {
			if got := w.get(RoleAdmin, "/v1/users/"+id).profile(http.StatusOK)["registered_at"]; got != want {
				t.Errorf("%s registered at %v, not %s", id, got, want)
			}
		}
		w.importCSV(header, "ana,ana@example.org,2024-02-29", "gone,gone@example.org,").comesTo("2 rows: 1 created, 1 updated, 0 unchanged")
		if got := w.get(RoleAdmin, "/v1/users/ana").profile(http.StatusOK); got["registered_at"] != "2024-02-28T23:00:00Z" || got["updated_at"] != "2024-03-01T10:20:30.123456Z" {
			t.Errorf("ana is %v", got)
		}
	})
}

// Whoever is there again after an erasure didn't register before it: a row that
// says so is refused, and changes nothing else either.
func TestImportRegistrationsBeforeAnErasure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2024-05-01T00:00:00Z", "back", "user.registered", `{}`), happened("2026-11-02T00:00:00Z", "back", "user.erased", `{}`),
			happened("2026-11-10T00:00:00Z", "back", "user.registered", `{"email":"back@example.org"}`))
		for _, file := range []string{"back,back@example.org,Zoe,2024-05-01", ",back@example.org,Zoe,2024-05-01"} {
			for _, query := range []string{"?dry_run=true", ""} {
				w.importTable(query, csvType, "id,email,first_name,registered_at\n"+file).
					comesTo("1 rows: 0 created, 0 updated, 0 unchanged; 2: the user of this id was erased after that")
			}
		}
		if got := w.get(RoleAdmin, "/v1/users/back").profile(http.StatusOK); got["first_name"] != nil || got["registered_at"] != "2026-11-10T00:00:00Z" {
			t.Errorf("a refused row has made the user %v", got)
		}
		w.importCSV("id,email,first_name,registered_at", "back,back@example.org,Zoe,2026-11-05").comesTo("1 rows: 0 created, 1 updated, 0 unchanged")
	})
}

// What others do to a user at the same time, the log judges, row by row.
func TestImportWhileOthersWrite(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"erased","email":"erased@example.org"}`).ok(http.StatusCreated)
		ingest := w.broker.take
		w.broker.take = func(ctx context.Context, messages []wire.Message) error {
			w.broker.take = ingest
			for i, event := range []string{happened("2026-11-23T11:00:00Z", "taken", "user.updated", `{"email":"theirs@example.org"}`),
				happened("2026-11-23T11:00:00Z", "erased", "user.erased", `{}`)} {
				other := wire.Message{Subject: wire.SubjectPrefix + []string{"user.updated", "user.erased"}[i], Header: map[string][]string{
					wire.HeaderReceivedAt: {wire.ReceivedAt(w.service.now())}, "content-type": {wire.StructuredType}}, Data: []byte(event)}
				if err := ingest(ctx, []wire.Message{other}); err != nil {
					return err
				}
			}
			return ingest(ctx, messages)
		}
		w.importCSV("id,email", "erased,new@example.org", "taken,mine@example.org", "free,free@example.org", "bad").
			comesTo("4 rows: 1 created, 0 updated, 0 unchanged; 2: the user of this id was erased after that" +
				"; 3: a user of this id was made by others at the same time: import the row again; 5: email is missing")
		w.importCSV("id,email", "taken,mine@example.org").comesTo("1 rows: 0 created, 1 updated, 0 unchanged")
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
		p := w.importCSV("id,Nickname,ID,custom.,first_name,,first_name", "x").invalid("body.columns")
		var got []string
		for _, e := range p.Errors {
			got = append(got, fmt.Sprint(e.Message, " ", e.Value))
		}
		if diff := cmp.Diff([]string{"unknown column Nickname", "column is there twice ID", "unknown column custom.", "a column has no name <nil>",
			"column is there twice first_name", "the column email is missing <nil>"}, got); diff != "" {
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
		large.ContentLength = accounts.MaxWorkbookBytes + 1
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

// A tableRow is a row of a file that is drawn.
type tableRow struct{ id, email, first, country, note string }

func (r tableRow) cells() []string { return []string{r.id, r.email, r.first, r.country, r.note} }

// drawRows draws rows about few users, so that many are about the same.
func drawRows(prefix string) *rapid.Generator[[]tableRow] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tableRow {
		r := tableRow{
			id:      rapid.SampledFrom([]string{"", "", "1", "2", "3"}).Draw(t, "id"),
			email:   rapid.SampledFrom([]string{"", "a@x", "A@x", "b@x", "c@x", "d@x"}).Draw(t, "email"),
			first:   rapid.SampledFrom([]string{"", "Ana", "Bob", "é,\"\n;"}).Draw(t, "first"),
			country: rapid.SampledFrom([]string{"", "", "FR", "DE"}).Draw(t, "country"),
			note:    rapid.SampledFrom([]string{"", "", "x", "38", "true", "-y"}).Draw(t, "note"),
		}
		if r.id != "" {
			r.id = prefix + r.id
		}
		if r.email != "" {
			r.email += "." + prefix
		}
		return r
	}), 1, 8)
}

// fileOf writes rows as CSV.
func fileOf(rows []tableRow) string {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"id", "email", "first_name", "country", "custom.note"})
	for _, r := range rows {
		_ = w.Write(r.cells())
	}
	w.Flush()
	return file.String()
}

// A rowByRow does what the rows of a file say through the routes for one user.
type rowByRow struct {
	*world
	// about and asked are whom rows were about already, by id, and by e-mail
	// where they had no id.
	about, asked map[string]bool
}

// put does what a row says: of the first about a user, unless an earlier one
// without an id would be about another user then.
func (w rowByRow) put(r tableRow) {
	w.t.Helper()
	profile := map[string]any{"email": r.email}
	for name, value := range map[string]string{"first_name": r.first, "country": r.country} {
		if value != "" {
			profile[name] = value
		}
	}
	if r.note != "" {
		profile["custom"] = map[string]any{"note": r.note}
	}
	if r.email == "" {
		return
	}
	id, email := r.id, strings.ToLower(r.email)
	if id == "" {
		users := w.withEmail(email)
		again := w.asked[email]
		w.asked[email] = true
		if len(users) > 1 || again {
			return
		}
		if len(users) == 1 {
			id = users[0]
		}
	}
	there, had := false, ""
	if id != "" {
		if w.about[id] {
			return
		}
		w.about[id] = true
		if user := w.get(RoleAdmin, "/v1/users/"+id); user.Code == http.StatusOK {
			there, had = true, strings.ToLower(fmt.Sprint(user.profile(http.StatusOK)["email"]))
		}
	}
	if r.id != "" && had != email && (w.asked[email] || w.asked[had]) {
		return
	}
	body, err := json.Marshal(profile)
	if err != nil {
		w.t.Fatal(err)
	}
	if there {
		w.edit(id, string(body)).ok(http.StatusOK)
		return
	}
	if id != "" {
		profile["id"] = id
		if body, err = json.Marshal(profile); err != nil {
			w.t.Fatal(err)
		}
	}
	w.create(string(body)).ok(http.StatusCreated)
}

// withEmail gives the ids of the users who have an e-mail.
func (w *world) withEmail(email string) []string {
	w.t.Helper()
	var page struct{ Users []struct{ ID, Email string } }
	if err := json.Unmarshal(w.get(RoleAdmin, "/v1/users?limit=1000&q="+email).ok(http.StatusOK).Body.Bytes(), &page); err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, u := range page.Users {
		if strings.EqualFold(u.Email, email) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// usersOf gives the users of one drawing, as they are without its mark.
func (w *world) usersOf(prefix string) []string {
	var own []string
	for _, line := range w.users() {
		if strings.Contains(line, prefix) {
			own = append(own, strings.ReplaceAll(line, prefix, "·"))
		}
	}
	slices.Sort(own)
	return own
}

// Importing a file is doing its rows one by one; a dry run says what will be; and
// the state that it leaves, as a file, changes nothing.
func TestImportIsItsRows(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for seed := range 20 {
			one, all := fmt.Sprintf("one%d.", seed), fmt.Sprintf("all%d.", seed)
			rows := drawRows(one).Example(seed)
			oneByOne := rowByRow{w, map[string]bool{}, map[string]bool{}}
			for _, r := range rows {
				oneByOne.put(r)
			}
			file := strings.ReplaceAll(fileOf(rows), one, all)
			dry := w.importTable("?dry_run=true", csvType, file).result()
			if wet := w.importTable("", csvType, file).result(); dry != wet {
				t.Errorf("the dry run of\n%s\nsaid %s\nand it came to %s", file, dry, wet)
			}
			if diff := cmp.Diff(w.usersOf(one), w.usersOf(all)); diff != "" {
				t.Errorf("of\n%s\nthe users are, one by one and imported: %s", file, diff)
			}
			// The state that the file leaves, as a file, is unchanged.
			before := w.usersOf(all)
			for _, times := range []string{"second", "third"} {
				answer := w.importTable("", csvType, w.stateOf(all))
				if result := answer.result(); !strings.Contains(result, " 0 created, 0 updated, ") {
					t.Errorf("the %s time it came to %s", times, result)
				}
			}
			if diff := cmp.Diff(before, w.usersOf(all)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// stateOf writes the users of one drawing as a file.
func (w *world) stateOf(prefix string) string {
	w.t.Helper()
	var page struct {
		Users []struct {
			ID, Email, Country string
			FirstName          string `json:"first_name"`
			Custom             struct{ Note string }
		}
	}
	if err := json.Unmarshal(w.get(RoleAdmin, "/v1/users?limit=1000&q="+prefix).ok(http.StatusOK).Body.Bytes(), &page); err != nil {
		w.t.Fatal(err)
	}
	var rows []tableRow
	for _, u := range page.Users {
		rows = append(rows, tableRow{u.ID, u.Email, u.FirstName, u.Country, u.Custom.Note})
	}
	return fileOf(rows)
}
