// These tests hold the trail as it is seen over HTTP: who did what, with whom,
// and nothing that names a person.

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// eachTrailedWorld runs a test over the real parts, with a trail.
func eachTrailedWorld(t *testing.T, f func(t *testing.T, w *world)) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		w := newWorld(t, db)
		if err := trail.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		tr, err := trail.Open(t.Context(), db, trail.Config{Pseudonyms: w.pseudonyms, Logger: w.service.Logger})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Close() })
		w.service.Trail = tr
		f(t, w)
	})
}

func (w *world) pseudonyms(ctx context.Context, ids []string) (map[string]trail.Subject, error) {
	states, err := w.store.SubjectStates(ctx, ids)
	found := map[string]trail.Subject{}
	for i, state := range states {
		if state.Taken {
			found[ids[i]] = trail.Subject(state.User)
		}
	}
	return found, err
}

// A told entry is one of the trail as an auditor reads it.
type told struct {
	ID         int64
	At         time.Time
	Actor      string
	Role       string
	Action     string
	Status     *int
	People     *int64
	Subjects   []string
	Parameters []string
}

func (e told) String() string {
	status, people := "-", "-"
	if e.Status != nil {
		status = fmt.Sprint(*e.Status)
	}
	if e.People != nil {
		people = fmt.Sprint(*e.People)
	}
	return fmt.Sprintf("%s %s %s %s people:%s subjects:%d %s", e.Actor, e.Role, e.Action, status, people, len(e.Subjects), strings.Join(e.Parameters, ","))
}

// told returns the trail once it has n entries that are done, the earliest first.
func (w *world) told(n int) []told {
	w.t.Helper()
	var entries []told
	eventually.Succeeds(w.t, "the trail has the entries", func() error {
		entries = nil
		done := 0
		for _, row := range w.walk(RoleAuditor, "/v1/audit/trail", "entries", 3) {
			var e told
			if err := json.Unmarshal(row, &e); err != nil {
				w.t.Fatal(err)
			}
			if e.Status != nil {
				done++
			}
			entries = append([]told{e}, entries...)
		}
		if done != n || len(entries) != n {
			return fmt.Errorf("it is %v, want %d entries that are done", entries, n)
		}
		return nil
	})
	return entries
}

func TestTrail(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.happen(append([]string{happened("2026-11-04T11:00:00Z", "ana", "playback.ended", `{"session_id":"v","content_id":"c"}`)}, history...)...) // by an admin
		w.get(RoleSupport, "/v1/users/ana?as_of=2026-11-20").ok(http.StatusOK)
		w.get(RoleSupport, "/v1/users/n%C3%B6body").problem(http.StatusNotFound)
		w.get(RoleAdmin, "/v1/users?q=ana&limit=10").ok(http.StatusOK)
		w.get(RoleSupport, "/v1/kpis/2026-11/registered/users").ok(http.StatusOK)
		w.get(RoleSupport, "/v1/users/ana/sessions").ok(http.StatusOK)
		w.get(RoleSupport, "/v1/sessions").ok(http.StatusOK)
		w.get(RoleAdmin, "/v1/events?user_id=ana").ok(http.StatusOK)
		w.get(RoleAdmin, "/v1/events?limit=1000").ok(http.StatusOK)
		w.do(http.MethodGet, "/v1/events", "", header{"Authorization": "Bearer admin", "Accept": ndjsonType}).ok(http.StatusOK)
		w.get(RoleAdmin, "/v1/refused").ok(http.StatusOK)
		// What shows nobody isn't recorded, nor what isn't let in.
		w.get(RoleViewer, "/v1/sessions").ok(http.StatusOK)
		w.get(RoleAuditor, "/v1/events").ok(http.StatusOK)
		w.get(RoleAuditor, "/v1/refused").ok(http.StatusOK)
		w.get(RoleAdmin, "/v1/user-counts").ok(http.StatusOK)
		w.get(RoleViewer, "/v1/users/ana").problem(http.StatusForbidden)

		var lines []string
		entries := w.told(11)
		for _, e := range entries {
			lines = append(lines, e.String())
		}
		want := []string{
			fmt.Sprintf("admin key admin publish-events 202 people:%d subjects:0 ", len(history)+1),
			"support key support get-user 200 people:1 subjects:1 as_of",
			"support key support get-user 404 people:1 subjects:0 ",
			"admin key admin list-users 200 people:1 subjects:1 limit,q",
			"support key support list-month-users 200 people:1 subjects:1 ",
			"support key support list-user-sessions 200 people:1 subjects:1 ",
			"support key support list-sessions 200 people:1 subjects:1 ",
			"admin key admin list-events 200 people:1 subjects:1 user_id",
			"admin key admin list-events 200 people:2 subjects:2 limit",
			fmt.Sprintf("admin key admin list-events 200 people:%d subjects:0 ", len(history)+1),
			"admin key admin list-refused 200 people:0 subjects:0 ",
		}
		if got, want := strings.Join(lines, "\n"), strings.Join(want, "\n"); got != want {
			t.Errorf("the trail is\n%s\nwant\n%s", got, want)
		}
		// The pseudonym is that of the history, so that auditors can follow.
		var page struct {
			Events []struct{ Event struct{ Subject string } }
		}
		if err := json.Unmarshal(w.get(RoleAuditor, "/v1/events?limit=1").Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		if got := entries[1].Subjects[0]; got != page.Events[0].Event.Subject {
			t.Errorf("in the trail the user is %s, in the history %s", got, page.Events[0].Event.Subject)
		}

		// Erased, the user is nobody: the entries stay as they are.
		w.eraseAna()
		after := w.told(12)
		if fmt.Sprint(after[:11]) != fmt.Sprint(entries) {
			t.Errorf("after the erasure the trail is %v", after)
		}
		for _, e := range after {
			if strings.Contains(e.String(), "ana") {
				t.Errorf("the trail names ana: %s", e)
			}
		}
	})
}

// Who is made, edited, imported and erased through the API is told too.
func TestTrailOfChanges(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"ana","email":"ana@example.org"}`).ok(http.StatusCreated)
		w.create(`{"id":"ana"}`).problem(http.StatusConflict)
		w.create(`{"email":"ben@example.org"}`).ok(http.StatusCreated)
		w.create(`{"id":7}`).problem(http.StatusUnprocessableEntity)
		w.edit("ana", `{"country":"FR"}`).ok(http.StatusOK)
		w.edit("nobody", `{"country":"FR"}`).problem(http.StatusNotFound)
		w.importTable("?dry_run=true", csvType, "email\ncy@example.org\n").ok(http.StatusOK)
		w.importTable("", csvType, "id,email\ncy,cy@example.org\ndi,di@example.org\n,\nbad,\n").ok(http.StatusOK)
		w.eraseMany(`{"ids":["cy","nobody","di"]}`).ok(http.StatusOK)
		w.erase("ana").ok(http.StatusNoContent)
		w.erase("ana").problem(http.StatusNotFound)
		var lines []string
		entries := w.told(11)
		for _, e := range entries {
			lines = append(lines, strings.TrimPrefix(e.String(), "admin key admin "))
		}
		want := []string{
			"create-user 201 people:1 subjects:1 ",
			"create-user 409 people:1 subjects:1 ",
			"create-user 201 people:1 subjects:1 ",
			"create-user 422 people:- subjects:0 ",
			"edit-user 200 people:1 subjects:1 ",
			"edit-user 404 people:1 subjects:0 ",
			"import-users 200 people:1 subjects:0 dry_run",
			"import-users 200 people:3 subjects:0 ",
			"erase-users 200 people:3 subjects:2 ",
			"erase-user 204 people:1 subjects:1 ",
			"erase-user 404 people:1 subjects:0 ",
		}
		if got, want := strings.Join(lines, "\n"), strings.Join(want, "\n"); got != want {
			t.Errorf("the trail is\n%s\nwant\n%s", got, want)
		}
		ana := entries[0].Subjects[0]
		for _, i := range []int{1, 4, 9} {
			if got := entries[i].Subjects; len(got) != 1 || got[0] != ana {
				t.Errorf("%s is about %v, want %s", entries[i], got, ana)
			}
		}
	})
}

func TestTrailFilters(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		w.get(RoleSupport, "/v1/users/ana").ok(http.StatusOK)
		w.get(RoleAdmin, "/v1/users/ana").ok(http.StatusOK)
		w.told(3)
		for query, want := range map[string]int{
			"actor=support%20key": 1, "action=get-user": 2, "actor=nobody": 0, "action=get-user&actor=admin%20key": 1,
			"from=2026-11-23": 3, "from=2026-11-24": 0, "to=2026-11-23T12:00:00Z": 0, "to=2026-11-23T12:00:01Z": 3,
		} {
			if n := len(w.walk(RoleAdmin, "/v1/audit/trail?"+query, "entries", 2)); n != want {
				t.Errorf("%s: %d entries, want %d", query, n, want)
			}
		}
		w.get(RoleAuditor, "/v1/audit/trail?from=x").invalid("query.from")
		w.get(RoleAuditor, "/v1/audit/trail?actor="+strings.Repeat("a", 401)).invalid("query.actor")
	})
}

// A brokenTrail can't be written, or records.
type brokenTrail struct {
	Trail
	broken bool
	noted  []trail.Entry
}

func (b *brokenTrail) Begin(context.Context, trail.Entry) (int64, error) {
	if b.broken {
		return 0, errors.New("disk full")
	}
	return 1, nil
}
func (b *brokenTrail) End(int64, trail.Entry) {}
func (b *brokenTrail) Note(e trail.Entry)     { b.noted = append(b.noted, e) }
func (b *brokenTrail) Pseudonyms(context.Context, []string) ([]trail.Subject, error) {
	return nil, errors.New("disk full")
}

// What can't be recorded isn't changed; what is read is read all the same.
func TestATrailThatCannotBeWritten(t *testing.T) {
	broken := &brokenTrail{broken: true}
	log := &countedLog{}
	h := newHarness(t, func(c *Config) {
		c.Trail, c.Log = broken, log
		c.Reader = brokenReader{fail: func(context.Context) error { return nil }}
	})
	a := h.do(http.MethodDelete, "/v1/refused/7", "", header{"Authorization": "Bearer admin"})
	if p := a.problem(http.StatusServiceUnavailable); !strings.Contains(p.Detail, "taken down") || log.deleted != 0 {
		t.Errorf("%s, and %d are deleted", p.Detail, log.deleted)
	}
	h.get(RoleSupport, "/v1/users/ana").problem(http.StatusNotFound)
	if len(broken.noted) != 1 || broken.noted[0].Status != http.StatusNotFound {
		t.Errorf("noted is %+v", broken.noted)
	}
	broken.broken = false
	h.do(http.MethodDelete, "/v1/refused/7", "", header{"Authorization": "Bearer admin"}).ok(http.StatusNoContent)
}

// A countedLog counts what is deleted.
type countedLog struct {
	emptyLog
	deleted int
}

func (l *countedLog) RefusedEvent(context.Context, int64) (eventstore.RefusedEvent, bool, error) {
	return eventstore.RefusedEvent{}, true, nil
}

func (l *countedLog) DeleteRefused(context.Context, int64) (bool, error) {
	l.deleted++
	return true, nil
}
