// These tests hold what erasing users comes to.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/accounts"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/wire"
)

// erase asks to erase a user, with an admin's key.
func (h *harness) erase(id string) answer {
	h.t.Helper()
	return h.do(http.MethodDelete, "/v1/users/"+url.PathEscape(id), "", header{"Authorization": "Bearer admin"})
}

// eraseMany asks to erase several.
func (h *harness) eraseMany(body string) answer {
	h.t.Helper()
	return h.do(http.MethodPost, "/v1/erasures", body, header{"Authorization": "Bearer admin", "Content-Type": jsonType})
}

// A person who is erased is nowhere when the answer comes, and every figure is
// what it was.
func TestEraseUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2026-11-01T00:00:00Z", "auth0|1/x", "user.registered", `{"email":"ana@example.org"}`),
			happened("2026-11-02T00:00:00Z", "auth0|1/x", "subscription.started", `{"subscription_id":"s","offer_id":"o"}`),
			happened("2026-11-03T00:00:00Z", "auth0|1/x", "playback.ended", `{"session_id":"v","content_id":"c","played":[[0,10]]}`),
			happened("2026-11-03T00:00:00Z", "ben", "user.registered", `{}`))
		w.publish("admin", wire.StructuredType, happened("2026-11-04T00:00:00Z", "auth0|1/x", "user.updated", `{"email":7}`), nil)
		figures := func() string {
			var all strings.Builder
			for _, path := range []string{"/v1/kpis/2026-11", "/v1/contents", "/v1/sessions"} {
				all.WriteString(w.get(RoleViewer, path).ok(http.StatusOK).Body.String())
			}
			return strings.ReplaceAll(all.String(), `"position":4`, `"position":5`)
		}
		before := figures()
		w.erase("auth0|1/x").ok(http.StatusNoContent)
		w.get(RoleSupport, "/v1/users/auth0%7C1%2Fx").problem(http.StatusNotFound)
		if users := w.get(RoleSupport, "/v1/users").ok(http.StatusOK).Body.String(); strings.Contains(users, "auth0") || !strings.Contains(users, `"ben"`) {
			t.Errorf("the users are %s", users)
		}
		if refused := w.get(RoleAdmin, "/v1/refused").ok(http.StatusOK).Body.String(); strings.Contains(refused, "auth0") || strings.Contains(refused, "invalid_data") {
			t.Errorf("refused are %s", refused)
		}
		if after := figures(); after != before {
			t.Errorf("the figures were\n%s\nand are\n%s", before, after)
		}
		if counts := w.get(RoleViewer, "/v1/user-counts").ok(http.StatusOK).Body.String(); !strings.Contains(counts, `"total":1`) {
			t.Errorf("the counts are %s", counts)
		}
		w.erase("auth0|1/x").problem(http.StatusNotFound)
		w.erase("nobody").problem(http.StatusNotFound)
		w.erase(strings.Repeat("x", 129)).invalid("path.id")
		if log := w.log.String(); strings.Contains(log, "auth0") {
			t.Errorf("the service's log says %s", log)
		}
		// The same id may come again, and go again.
		w.create(`{"id":"auth0|1/x","email":"new@example.org"}`).ok(http.StatusCreated)
		w.erase("auth0|1/x").ok(http.StatusNoContent)
		w.get(RoleSupport, "/v1/users/auth0%7C1%2Fx").problem(http.StatusNotFound)
	})
}

func TestEraseMany(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"ana", "ben", "cy"} {
			w.happen(happened("2026-11-01T00:00:00Z", id, "user.registered", `{}`))
		}
		w.erase("ben").ok(http.StatusNoContent)
		got := w.eraseMany(`{"ids":["nobody","cy","ben","ana","cy"]}`).ok(http.StatusOK).Body.String()
		if want := `{"erased":["cy","ana"],"not_found":["nobody","ben"]}`; strings.TrimSpace(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if users := w.get(RoleSupport, "/v1/users").ok(http.StatusOK).Body.String(); !strings.Contains(users, `"users":[]`) {
			t.Errorf("the users are %s", users)
		}
		if got := w.eraseMany(`{"ids":["ana"]}`).ok(http.StatusOK).Body.String(); !strings.Contains(got, `"erased":[],"not_found":["ana"]`) {
			t.Errorf("got %s", got)
		}
		w.eraseMany(`{"ids":["x","","."]}`).invalid("body.ids[2]")
		w.eraseMany(`{"ids":[]}`).invalid("body.ids")
		w.eraseMany(`{"ids":["x"],"more":1}`).problem(http.StatusUnprocessableEntity)
		w.eraseMany(`{"ids":`).problem(http.StatusBadRequest)
	})
}

// Nobody else is erased than was named: a body that can be read in two ways isn't.
func TestErasureBodies(t *testing.T) {
	h := newHarness(t, nil)
	for _, body := range []string{"{\"ids\":[\"a\xff\"]}", `{"ids":["\ud800"]}`, `{"ids":["a"],"ids":["b"]}`, `{"ids":["a"]} {}`, `{"ids":["a",]}`, ``, `{`} {
		if p := h.eraseMany(body).problem(http.StatusBadRequest); len(p.Errors) != 0 {
			t.Errorf("%q is answered with %+v", body, p)
		}
	}
	for body, location := range map[string]string{
		`[]`: "body", `null`: "body", `{}`: "body.ids", `{"ids":null}`: "body.ids", `{"ids":"a"}`: "body.ids", `{"ids":{}}`: "body.ids",
		`{"ids":[7]}`: "body.ids[0]", `{"ids":["a",null]}`: "body.ids[1]", `{"ids":["a",["b"]]}`: "body.ids[1]", `{"ids":["a"],"IDs":["b"]}`: "body.IDs",
	} {
		h.eraseMany(body).invalid(location)
	}
	long := strings.Repeat("x", 100_000)
	for _, body := range []string{`{"ids":["` + long + `"]}`, `{"ids":"` + long + `"}`, `{"ids":["a"],"` + long + `":1}`} {
		if a := h.eraseMany(body); a.Code != http.StatusUnprocessableEntity || a.Body.Len() > 4096 {
			t.Errorf("the answer is %d, %d bytes", a.Code, a.Body.Len())
		}
	}
	bad := `"` + strings.Repeat("x", 900) + `"`
	if a := h.eraseMany(`{"ids":[` + strings.Repeat(bad+",", 999) + bad + `]}`); a.Code != http.StatusUnprocessableEntity || a.Body.Len() > 16<<10 {
		t.Errorf("the answer is %d, %d bytes", a.Code, a.Body.Len())
	}
	h.eraseMany(`{"ids":["` + strings.Repeat(long, 11) + `"]}`).problem(http.StatusRequestEntityTooLarge)
	for _, mediaType := range []string{"", "text/plain", mergePatchType, "application/x-www-form-urlencoded"} {
		h.do(http.MethodPost, "/v1/erasures", `{"ids":["a"]}`, header{"Authorization": "Bearer admin", "Content-Type": mediaType}).problem(http.StatusUnsupportedMediaType)
	}
}

// A thousand at a time, and no more.
func TestEraseThousand(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var ids, events []string
		for i := range 1000 {
			ids = append(ids, fmt.Sprintf("u%d", i))
			events = append(events, happened("2026-11-01T00:00:00Z", ids[i], "user.registered", `{}`))
		}
		w.happen(events...)
		w.patience(time.Minute)
		text, err := json.Marshal(map[string]any{"ids": ids})
		if err != nil {
			t.Fatal(err)
		}
		var got Erased
		if err := json.Unmarshal(w.eraseMany(string(text)).ok(http.StatusOK).Body.Bytes(), &got); err != nil || len(got.Erased) != 1000 || len(got.NotFound) != 0 {
			t.Errorf("%d erased, %d not found, %v", len(got.Erased), len(got.NotFound), err)
		}
		w.eraseMany(strings.Replace(string(text), `"u0"`, `"u0","one more"`, 1)).invalid("body.ids")
	})
}

// An erasure is later than all profile events, so that none of them can be
// taken for a new user's.
func TestErasureIsLaterThanTheProfile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2026-11-23T12:04:00Z", "ana", "user.registered", `{}`))
		w.erase("ana").ok(http.StatusNoContent)
		events := w.get(RoleAuditor, "/v1/events?type=user.erased").ok(http.StatusOK).Body.String()
		if !strings.Contains(events, `"time":"2026-11-23T12:04:00.000001Z"`) {
			t.Errorf("the events are %s", events)
		}
	})
}

// A slowReader has read models beside the live ones that are slow to forget.
type slowReader struct {
	accounts.Reader
	left atomic.Int64 // looks until they have
}

func (r *slowReader) Forgotten(ctx context.Context, head eventstore.Head) (bool, error) {
	if r.left.Add(-1) >= 0 {
		return false, nil
	}
	return r.Reader.Forgotten(ctx, head)
}

// No answer says that somebody is erased before all read models have forgotten
// them, and one that can't say so yet says when to ask again.
func TestEraseWaitsForEveryGeneration(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		slow := &slowReader{Reader: w.reader}
		w.exchange(func(c *accounts.Config) { c.Reader = slow })
		w.happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`), happened("2026-11-01T00:00:00Z", "ben", "user.registered", `{}`))
		slow.left.Store(3)
		w.erase("ana").ok(http.StatusNoContent)
		if left := slow.left.Load(); left >= 0 {
			t.Errorf("it answered %d looks too early", left+1)
		}
		slow.left.Store(1 << 40)
		w.patience(300 * time.Millisecond)
		if p := w.erase("ben"); p.problem(http.StatusServiceUnavailable).Detail == "" || p.Header().Get("Retry-After") == "" {
			t.Errorf("the answer is %s", p.Body)
		}
		w.broker.fail = errBroken
		w.happenLater("cy")
		w.erase("cy").problem(http.StatusServiceUnavailable)
	})
}

// Asked again, no answer says that there is nobody while they can still be read.
func TestEraseAgainWaitsToo(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		slow := &slowReader{Reader: w.reader}
		w.exchange(func(c *accounts.Config) { c.Reader = slow })
		w.happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`), happened("2026-11-01T00:00:00Z", "ben", "user.registered", `{}`))
		w.patience(300 * time.Millisecond)
		slow.left.Store(1 << 40)
		for range 2 {
			w.erase("ana").problem(http.StatusServiceUnavailable)
		}
		w.eraseMany(`{"ids":["nobody","ana"]}`).problem(http.StatusServiceUnavailable)
		// Nothing has to be waited for of those who never were there.
		w.erase("nobody").problem(http.StatusNotFound)
		slow.left.Store(3)
		w.patience(10 * time.Second)
		w.erase("ana").problem(http.StatusNotFound)
		if left := slow.left.Load(); left >= 0 {
			t.Errorf("it answered %d looks too early", left+1)
		}
	})
}

// Where one of several is refused, nobody is told that nothing was changed.
func TestEraseSomeOfMany(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"ana", "ben", "cy"} {
			w.happen(happened("2026-11-01T00:00:00Z", id, "user.registered", `{}`))
		}
		ingest := w.broker.take
		w.broker.take = func(ctx context.Context, messages []wire.Message) error {
			messages[0].Header[wire.HeaderReceivedAt] = []string{"2026-11-23T11:00:00Z"} // the event is in the future
			return ingest(ctx, messages)
		}
		if p := w.eraseMany(`{"ids":["ana","ben","cy"]}`).problem(http.StatusServiceUnavailable); !strings.Contains(p.Detail, "2 users are erased, but 1 are not") {
			t.Error(p.Detail)
		}
		w.get(RoleSupport, "/v1/users/ana").ok(http.StatusOK)
		w.get(RoleSupport, "/v1/users/ben").problem(http.StatusNotFound)
		if p := w.erase("ana").problem(http.StatusServiceUnavailable); !strings.Contains(p.Detail, "nothing was changed") {
			t.Error(p.Detail)
		}
	})
}

// Read models that are behind don't keep anybody from being erased: the event
// is stored, and the answer says that it takes longer.
func TestEraseWhileBehind(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`))
		w.patience(2 * time.Second)
		w.exchange(func(c *accounts.Config) { c.Reader = &behindReader{Reader: w.reader} })
		w.erase("ana").problem(http.StatusServiceUnavailable)
		states, err := w.store.SubjectStates(t.Context(), []string{"ana"})
		if err != nil || states[0].Taken || states[0].ErasedAt == nil {
			t.Errorf("ana is %+v, %v", states, err)
		}
	})
}

// A behindReader has read models that never come any further.
type behindReader struct{ accounts.Reader }

func (behindReader) Status(context.Context) (projections.ReaderStatus, error) {
	return projections.ReaderStatus{}, nil
}

// happenLater registers a user past the broker, which is broken.
func (w *world) happenLater(id string) {
	w.t.Helper()
	fail := w.broker.fail
	w.broker.fail = nil
	w.happen(happened("2026-11-01T00:00:00Z", id, "user.registered", `{}`))
	w.broker.fail = fail
}
