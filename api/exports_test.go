// These tests hold the files of users and sessions: what is in them, who gets
// them, and what happens when somebody goes away in the middle.

package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"boxoffice/domain"
	"boxoffice/internal/eventually"
	"boxoffice/projections"
)

var exported = []string{
	happened("2026-06-01T10:00:00Z", "ana", "user.registered", `{"email":"ana@example.org","first_name":"=1+1","country":"PT","custom":{"shoe":38.5,"a":"+1","vip":true,"tags":["x","y"]}}`),
	happened("2026-06-02T10:00:00Z", "ana", "subscription.started", `{"subscription_id":"s","offer_id":"o"}`),
	happened("2026-11-02T10:00:00.25Z", "bob", "user.registered", `{"last_name":"Ünal, B.","custom":{"shoe":12345678901234567890}}`),
	happened("2026-11-03T10:00:00Z", "10293", "subscription.started", `{"subscription_id":"s","offer_id":"o","ends_at":"2026-11-04T10:00:00Z"}`),
	happened("2026-11-03T20:00:00Z", "ana", "playback.ended", `{"session_id":"v1","content_id":"c","title":"@Home","content_length_s":100,"played":[[0,12]],"play_time_s":12.5}`),
	happened("2026-11-05T20:00:00Z", "bob", "playback.progressed", `{"session_id":"v2","content_id":"c"}`),
}

func (w *world) lines(path string) [][]string {
	w.t.Helper()
	a := w.get(RoleSupport, path).ok(http.StatusOK)
	if got := a.Header().Get("Content-Type"); got != "text/csv; charset=utf-8" {
		w.t.Errorf("the type is %s", got)
	}
	lines, err := csv.NewReader(a.Body).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

func (w *world) book(path string) *excelize.File {
	w.t.Helper()
	a := w.get(RoleSupport, path).ok(http.StatusOK)
	if got := a.Header().Get("Content-Type"); got != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" {
		w.t.Errorf("the type is %s", got)
	}
	f, err := excelize.OpenReader(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() })
	return f
}

func TestExportOfUsersAsCSV(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		want := [][]string{
			{"id", "status", "status_since", "registered_at", "updated_at", "email", "first_name", "last_name", "locale", "country", "platform",
				"custom.a", "custom.shoe", "custom.tags", "custom.vip"},
			{"bob", "registered", "2026-11-02T11:00:00.25+01:00", "2026-11-02T11:00:00.25+01:00", "2026-11-02T11:00:00.25+01:00", "", "", "Ünal, B.", "", "", "",
				"", "12345678901234567890", "", ""},
			{"ana", "active", "2026-06-02T12:00:00+02:00", "2026-06-01T12:00:00+02:00", "2026-06-01T12:00:00+02:00", "ana@example.org", "'=1+1", "", "", "PT", "",
				"'+1", "38.5", `["x","y"]`, "true"},
			{"10293", "canceled", "2026-11-04T11:00:00+01:00", "", "", "", "", "", "", "", "", "", "", "", ""},
		}
		if diff := cmp.Diff(want, w.lines("/v1/exports/users?format=csv")); diff != "" {
			t.Error(diff)
		}
		// Columns are those of the users who are in the file.
		some := w.lines("/v1/exports/users?format=csv&status=registered&registered_from=2026-11-01")
		if diff := cmp.Diff([]string{"custom.shoe"}, some[0][11:]); diff != "" || len(some) != 2 {
			t.Errorf("%d lines; %s", len(some), diff)
		}
		if marked := w.lines("/v1/exports/users?format=csv&bom=true"); marked[0][0] != "\ufeff"+want[0][0] {
			t.Errorf("with bom=true it begins with %q", marked[0])
		}
		name := w.get(RoleAdmin, "/v1/exports/users?format=csv").Header().Get("Content-Disposition")
		if name != `attachment; filename="users-2026-11-23.csv"` {
			t.Error(name)
		}
	})
}

// A file has the users of the list, in its order, whatever the filters.
func TestExportIsTheList(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		for _, query := range []string{
			"", "&status=active", "&status=canceled&sort=updated_at", "&sort=registered_at", "&sort=-updated_at", "&q=ANA",
			"&registered_from=2026-07-01", "&registered_to=2026-07-01", "&updated_from=2026-07-01&sort=updated_at",
			"&as_of=2026-11-03T12:00:00Z", "&as_of=2026-06-01T09:00:00Z", "&q=nobody",
		} {
			var want, got []string
			var page struct {
				Users []struct{ ID, Status string }
			}
			text := w.get(RoleSupport, "/v1/users?limit=50"+query).ok(http.StatusOK).Body.Bytes()
			if err := json.Unmarshal(text, &page); err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Users {
				want = append(want, u.ID+" "+u.Status)
			}
			for _, line := range w.lines("/v1/exports/users?format=csv" + query)[1:] {
				got = append(got, line[0]+" "+line[1])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
	})
}

func TestExportAsWorkbook(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		f := w.book("/v1/exports/users?registered_to=2026-12-01&as_of=2026-11-20&q=")
		if diff := cmp.Diff([]string{"Users", "About"}, f.GetSheetList()); diff != "" {
			t.Error(diff)
		}
		rows, err := f.GetRows("Users")
		if err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		want := []string{"ana", "active", "2026-06-02 12:00:00", "2026-06-01 12:00:00", "2026-06-01 12:00:00", "ana@example.org", "=1+1", "", "", "PT", "", "+1", "38.5", `["x","y"]`, "TRUE"}
		if diff := cmp.Diff(want, rows[2]); diff != "" {
			t.Error(diff)
		}
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
		for name, want := range map[string]string{
			"rows": "2", "time zone": "Europe/Paris", "as of": "2026-11-20 00:00:00", "log position": "6",
			"registered_to": "2026-12-01", "sort": "-registered_at", "Column": "Meaning", "id": "The user's id on the platform",
		} {
			if said[name] != want {
				t.Errorf("About says that %s is %q, not %q", name, said[name], want)
			}
		}
		for _, name := range rows[0] {
			if said[name] == "" {
				t.Errorf("About doesn't say what %s means", name)
			}
		}
	})
}

func TestExportOfSessions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		head := strings.Split("user_id,session_id,content_id,title,state,started_at,last_event_at,duration_s,watched_s,content_length_s,completion_rate,completed,position_s,device,platform", ",")
		bob := []string{"bob", "v2", "c", "", "abandoned", "2026-11-05T21:00:00+01:00", "2026-11-05T21:00:00+01:00", "0", "0", "", "", "", "", "", ""}
		ana := []string{"ana", "v1", "c", "'@Home", "ended", "2026-11-03T21:00:00+01:00", "2026-11-03T21:00:00+01:00", "12.5", "12", "100", "0.12", "false", "", "", ""}
		for query, want := range map[string][][]string{
			"":                              {head, bob, ana},
			"&user_id=ana":                  {head, ana},
			"&from=2026-11-04":              {head, bob},
			"&to=2026-11-04&user_id=bob":    {head},
			"&from=2026-11-01&to=2026-11-4": nil,
		} {
			if want == nil {
				w.get(RoleSupport, "/v1/exports/sessions?format=csv"+query).invalid("query.to")
				continue
			}
			if diff := cmp.Diff(want, w.lines("/v1/exports/sessions?format=csv"+query)); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
		rows, err := w.book("/v1/exports/sessions").GetRows("Sessions")
		if err != nil || len(rows) != 3 || rows[1][5] != "2026-11-05 21:00:00" {
			t.Errorf("%v, %v", rows, err)
		}
		w.get(RoleSupport, "/v1/exports/sessions?user_id=nobody").problem(http.StatusNotFound)
		w.get(RoleSupport, "/v1/exports/sessions?user_id=a%0Ab").invalid("query.user_id")
		w.get(RoleSupport, "/v1/exports/users?format=pdf").invalid("query.format")
		w.get(RoleSupport, "/v1/exports/users?limit=5").invalid("query.limit")
		w.get(RoleSupport, "/v1/exports/users?registered_from=soon").invalid("query.registered_from")
		w.eraseAna()
		for _, line := range w.lines("/v1/exports/sessions?format=csv")[1:] {
			if line[0] == "ana" || line[1] == "v1" && line[0] != "" {
				t.Errorf("after the erasure: %v", line)
			}
		}
		if lines := w.lines("/v1/exports/users?format=csv"); len(lines) != 3 || slices.Contains(lines[0], "custom.vip") {
			t.Errorf("after the erasure: %v", lines)
		}
	})
}

// A reader whose world goes on while a file is made.
type changingReader struct {
	*projections.Reader
	change func()
}

func (r changingReader) AllUsers(ctx context.Context, q projections.UsersQuery, f func(*projections.UserList) error) error {
	return r.Reader.AllUsers(ctx, q, func(l *projections.UserList) error {
		r.change()
		return f(l)
	})
}

// All of a file is of one moment, however long it takes to make.
func TestExportIsOfOneMoment(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		want := w.lines("/v1/exports/users?format=csv")
		w.service.Reader = changingReader{w.reader, func() {
			w.happen(happened("2026-11-06T10:00:00Z", "new", "user.registered", `{"custom":{"more":1}}`),
				happened("2026-11-07T10:00:00Z", "bob", "user.updated", `{"email":"new@example.org"}`))
		}}
		if diff := cmp.Diff(want, w.lines("/v1/exports/users?format=csv")); diff != "" {
			t.Error(diff)
		}
		w.service.Reader = w.reader
		if after := w.lines("/v1/exports/users?format=csv"); len(after) != len(want)+1 {
			t.Errorf("afterwards there are %d lines", len(after))
		}
	})
}

// An endlessReader has users without end, until somebody has enough or it fails.
type endlessReader struct {
	Reader
	failAfter int // users; 0: never
	ended     chan int
}

var errReading = errors.New("reading failed at /a/secret/path")

func (r *endlessReader) AllUsers(ctx context.Context, _ projections.UsersQuery, f func(*projections.UserList) error) error {
	n := 0
	defer func() { r.ended <- n }()
	return f(&projections.UserList{Position: 1, TimeZone: "UTC",
		CustomKeys: func(int) ([]string, error) { return nil, nil },
		Users: func(yield func(*projections.User, error) bool) {
			for ; ; n++ {
				err := ctx.Err()
				if n == r.failAfter && n > 0 {
					err = errReading
				}
				if err != nil {
					yield(nil, err)
					return
				}
				name := strings.Repeat("a", 100)
				if !yield(&projections.User{ID: fmt.Sprint(n), Profile: domain.Profile{FirstName: &name, Custom: []byte("{}")}}, nil) {
					return
				}
			}
		}})
}

func endlessAPI(t *testing.T, failAfter int) (*harness, *endlessReader, *httptest.Server, string) {
	t.Helper()
	reader := &endlessReader{failAfter: failAfter, ended: make(chan int, 1)}
	dir := t.TempDir()
	h := newHarness(t, func(c *Config) { c.Reader, c.TempDir = reader, dir })
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	return h, reader, server, dir
}

func (h *harness) fetch(ctx context.Context, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer support")
	return http.DefaultClient.Do(r)
}

// A client that goes away ends the work, and nothing temporary stays.
func TestAClientThatGoesAwayEndsTheExport(t *testing.T) {
	for _, format := range []string{"xlsx", "csv"} {
		t.Run(format, func(t *testing.T) {
			h, reader, server, dir := endlessAPI(t, 0)
			ctx, goAway := context.WithCancel(t.Context())
			defer goAway()
			if format == "xlsx" {
				// There is no answer yet; it goes once there is something on disk.
				go func() {
					for len(must(os.ReadDir(dir))) == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					goAway()
				}()
			}
			answer, err := h.fetch(ctx, server.URL+"/v1/exports/users?format="+format)
			if err == nil {
				defer answer.Body.Close()
				if _, err := io.CopyN(io.Discard, answer.Body, 1<<20); err != nil {
					t.Fatal(err)
				}
				goAway()
			}
			select {
			case n := <-reader.ended:
				t.Logf("after %d users", n)
			case <-time.After(30 * time.Second):
				t.Fatal("the export goes on")
			}
			// The slot is free again when everything is cleared away.
			eventually.Holds(t, "the export gives up its place", func() bool { return len(h.service.exports) == 0 })
			if left := must(os.ReadDir(dir)); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// An export that fails before its first byte is answered with the error; one
// that fails later breaks off, so that nobody takes it for whole.
func TestAnExportThatFails(t *testing.T) {
	for format, failAfter := range map[string]int{"xlsx": 100_000, "csv": 10} {
		h, _, server, dir := endlessAPI(t, failAfter)
		answer, err := h.fetch(t.Context(), server.URL+"/v1/exports/users?format="+format)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != 500 || answer.Header.Get("Content-Type") != problemType || bytes.Contains(text, []byte("secret")) {
			t.Errorf("%s: %d %s, %v", format, answer.StatusCode, text, err)
		}
		if answer.Header.Get("Content-Disposition") != "" {
			t.Error("the error is a file")
		}
		if left := must(os.ReadDir(dir)); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	}
	h, _, server, _ := endlessAPI(t, 100_000)
	answer, err := h.fetch(t.Context(), server.URL+"/v1/exports/users?format=csv")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); answer.StatusCode != 200 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d, and the body ends with %v", answer.StatusCode, err)
	}
}

// No more are made at a time than the service has room for.
func TestExportsAreFew(t *testing.T) {
	h, _, _, _ := endlessAPI(t, 10)
	for range maxExports {
		if err := h.service.exports.take(); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/v1/exports/users", "/v1/exports/sessions", "/v1/users/ana/data"} {
		if a := h.get(RoleSupport, path); a.problem(http.StatusServiceUnavailable).Detail == "" || a.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %v", path, a.Header())
		}
	}
	h.service.exports.release()
	h.get(RoleSupport, "/v1/exports/users").problem(http.StatusInternalServerError)
	if n := len(h.service.exports); n != maxExports-1 {
		t.Errorf("%d places are taken", n)
	}
}

// Users with more different fields than a sheet has columns are too many.
func TestTooManyColumns(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.Reader = manyKeys{} })
	h.get(RoleSupport, "/v1/exports/users").problem(http.StatusUnprocessableEntity)
}

type manyKeys struct{ Reader }

func (manyKeys) AllUsers(_ context.Context, _ projections.UsersQuery, f func(*projections.UserList) error) error {
	return f(&projections.UserList{TimeZone: "UTC", CustomKeys: func(limit int) ([]string, error) { return make([]string, limit), nil }})
}
