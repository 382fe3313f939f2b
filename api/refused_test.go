// These tests hold what can be done about refused events.

package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/wire"
)

// act does something about a refused event as an admin; without an event it
// sends no body.
func (w *world) act(method, path, event string) answer {
	w.t.Helper()
	h := header{"Authorization": "Bearer admin"}
	if event != "" {
		h["Content-Type"] = wire.StructuredType
	}
	return w.do(method, path, event, h)
}

// refuse publishes an event that is refused, and returns its id in the list.
func (w *world) refuse(event string) int64 {
	w.t.Helper()
	w.publish("admin", wire.StructuredType, event, nil)
	return w.listed()[0].ID
}

func (w *world) listed() []refusedView {
	w.t.Helper()
	var list []refusedView
	for _, row := range w.walk(RoleAdmin, "/v1/refused", "refused", 10) {
		var r refusedView
		if err := json.Unmarshal(row, &r); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func retryPath(id int64) string { return fmt.Sprintf("/v1/refused/%d/retry", id) }

// A repaired event takes the place of the refused one once it is recorded, and
// not before.
func TestRetryRepaired(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		bad := happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{"email":7}`)
		good := happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{"email":"ana@example.org"}`)
		id := w.refuse(bad)

		// As it is, it is as bad as it was.
		a := w.act(http.MethodPost, retryPath(id), "").ok(http.StatusUnprocessableEntity)
		if got := a.Body.String(); !strings.Contains(got, `{"accepted":0,"refused":[{"index":0,`) || !strings.Contains(got, "email must be a text") {
			t.Error(got)
		}
		if n := len(w.listed()); n != 1 {
			t.Fatalf("%d are in the list", n)
		}
		// The broker has it, and the log hasn't yet.
		take := w.broker.take
		w.broker.take = nil
		got := w.act(http.MethodPost, retryPath(id), good).ok(http.StatusAccepted).Body.String()
		if strings.TrimSpace(got) != `{"accepted":1,"refused":[]}` {
			t.Error(got)
		}
		if n := len(w.listed()); n != 1 {
			t.Errorf("%d are in the list before it is recorded", n)
		}
		// Once more is safe.
		w.broker.take = take
		w.act(http.MethodPost, retryPath(id), good).ok(http.StatusAccepted)
		w.platform.CaughtUp()
		if n := len(w.listed()); n != 0 {
			t.Errorf("%d are in the list after it is recorded", n)
		}
		w.get(RoleSupport, "/v1/users/ana").ok(http.StatusOK)
		w.act(http.MethodPost, retryPath(id), good).problem(http.StatusNotFound)
	})
}

// What was refused for a reason that has gone by itself can be sent as it is.
func TestRetryAsItIs(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		id := w.refuse(happened("2026-11-23T13:00:00Z", "ana", "user.registered", `{"email":"ana@example.org"}`))
		if got := w.listed()[0].Reason; got != "in_future" {
			t.Fatal(got)
		}
		w.act(http.MethodPost, retryPath(id), "").ok(http.StatusUnprocessableEntity)
		w.exchange(func(c *accounts.Config) { c.Clock = func() time.Time { return testNow.Add(2 * time.Hour) } })
		w.act(http.MethodPost, retryPath(id), "").ok(http.StatusAccepted)
		w.platform.CaughtUp()
		if n := len(w.listed()); n != 0 {
			t.Errorf("%d are in the list", n)
		}
	})
}

// What isn't kept whole, or whose place is taken, can't be sent as it is.
func TestRetryOfWhatIsNotThere(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		big := strings.Repeat("a", 300<<10)
		large := w.refuse(happened("2026-11-01T10:00:00Z", "bea", "user.registered", `{"email":"`+big+`"}`))
		p := w.act(http.MethodPost, retryPath(large), "").problem(http.StatusConflict)
		if !strings.Contains(p.Detail, "only the first part") {
			t.Error(p.Detail)
		}
		w.act(http.MethodPost, retryPath(large), happened("2026-11-01T10:00:00Z", "bea", "user.registered", `{"email":"bea@example.org"}`)).ok(http.StatusAccepted)
		if n := len(w.listed()); n != 0 {
			t.Errorf("%d are in the list", n)
		}

		other := happened("2026-11-01T10:00:00Z", "bea", "user.registered", `{"email":"other@example.org"}`)
		conflicting := w.refuse(other)
		if got := w.listed()[0].Reason; got != string(domain.Conflict) {
			t.Fatal(got)
		}
		for _, body := range []string{"", other} {
			p = w.act(http.MethodPost, retryPath(conflicting), body).problem(http.StatusConflict)
			if !strings.Contains(p.Detail, "recorded already") {
				t.Error(p.Detail)
			}
		}
		w.act(http.MethodPost, retryPath(conflicting), strings.Replace(other, `"id":"`, `"id":"again `, 1)).ok(http.StatusAccepted)
		if n := len(w.listed()); n != 0 {
			t.Errorf("%d are in the list", n)
		}

		w.eraseAna()
		bare := w.refuse(happened("2026-11-01T10:00:00Z", "ana", "user.updated", `{"email":"late@example.org"}`))
		if got := w.listed()[0]; got.Reason != "erased" || got.Body != nil {
			t.Fatalf("%+v", got)
		}
		p = w.act(http.MethodPost, retryPath(bare), "").problem(http.StatusConflict)
		if !strings.Contains(p.Detail, "nothing is kept") {
			t.Error(p.Detail)
		}
	})
}

func TestRetryBodies(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		id := w.refuse(happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{"email":7}`))
		good := happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{}`)
		for name, c := range map[string]struct {
			headers header
			body    string
			status  int
		}{
			"a batch":        {header{"Content-Type": wire.BatchType}, "[" + good + "]", 415},
			"binary":         {header{"Content-Type": jsonType, "Ce-Specversion": "1.0"}, "{}", 415},
			"no type":        {header{}, good, 415},
			"compressed":     {header{"Content-Type": wire.StructuredType, "Content-Encoding": "gzip"}, good, 415},
			"not JSON":       {header{"Content-Type": wire.StructuredType}, "{", 400},
			"over the limit": {header{"Content-Type": wire.StructuredType}, strings.Repeat(" ", wire.MaxRequestBytes+1), 413},
		} {
			c.headers["Authorization"] = "Bearer admin"
			a := w.do(http.MethodPost, retryPath(id), c.body, c.headers)
			a.t = t
			if a.Code != c.status {
				t.Errorf("%s: %d %s", name, a.Code, a.Body)
			}
		}
		for _, path := range []string{"/v1/refused/x/retry", "/v1/refused/0/retry", "/v1/refused/-1/retry"} {
			w.act(http.MethodPost, path, "").invalid("path.id")
		}
		w.act(http.MethodPost, retryPath(id+100), "").problem(http.StatusNotFound)
		w.broker.fail = errBroken
		w.act(http.MethodPost, retryPath(id), good).problem(http.StatusServiceUnavailable)
		if n := len(w.listed()); n != 1 {
			t.Errorf("%d are in the list", n)
		}
	})
}

func TestDeleteAndCountRefused(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.refuse(happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{"email":7}`))
		id := w.refuse(happened("2026-11-01T10:00:00Z", "bea", "user.danced", `{}`))
		w.refuse(happened("2026-11-01T10:00:01Z", "bea", "user.danced", `{}`))
		counts := func(invalid, unknown int) string {
			return fmt.Sprintf(`{"too_large":0,"malformed":0,"invalid_attribute":0,"unknown_type":%d,"subject_mismatch":0,"in_future":0,`+
				`"invalid_data":%d,"erased":0,"conflict":0,"total":%d}`, unknown, invalid, invalid+unknown)
		}
		w.shows(RoleAuditor, "/v1/refused-counts", counts(1, 2))
		path := fmt.Sprint("/v1/refused/", id)
		if a := w.act(http.MethodDelete, path, "").ok(http.StatusNoContent); a.Body.Len() > 0 {
			t.Errorf("deleting answers %s", a.Body)
		}
		w.act(http.MethodDelete, path, "").problem(http.StatusNotFound)
		w.act(http.MethodDelete, "/v1/refused/x", "").invalid("path.id")
		w.shows(RoleAdmin, "/v1/refused-counts", counts(1, 1))

		var done []string
		for _, row := range w.walk(RoleAuditor, "/v1/audit/trail?action=delete-refused", "entries", 10) {
			done = append(done, string(row))
		}
		if len(done) != 3 {
			t.Errorf("of three attempts to delete the trail has %s", done)
		}
	})
}
