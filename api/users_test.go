// These tests hold what making and editing users comes to.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/accounts/accountstest"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/wire"
)

// create asks to make a user, with an admin's key.
func (h *harness) create(body string) answer {
	h.t.Helper()
	return h.do(http.MethodPost, "/v1/users", body, header{"Authorization": "Bearer admin", "Content-Type": jsonType})
}

// edit asks to edit a user, with an admin's key.
func (h *harness) edit(id, body string) answer {
	h.t.Helper()
	return h.do(http.MethodPatch, "/v1/users/"+url.PathEscape(id), body,
		header{"Authorization": "Bearer admin", "Content-Type": mergePatchType})
}

// profile returns what an answer says of the user's profile.
func (a answer) profile(status int) map[string]any {
	a.t.Helper()
	var user map[string]any
	if err := json.Unmarshal(a.ok(status).Body.Bytes(), &user); err != nil {
		a.t.Fatal(err)
	}
	return user
}

func TestCreateUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(`{"id":"auth0|1/x","email":"ana@example.org","first_name":"Ana","last_name":null,"custom":{"shoe":38.50,"tags":["a"],"none":null}}`)
		if location := made.ok(http.StatusCreated).Header().Get("Location"); location != "/v1/users/auth0%7C1%2Fx" {
			t.Errorf("it is at %s", location)
		}
		// No waiting: the answer comes when the read models show it.
		for _, answer := range []answer{made, w.get(RoleSupport, made.Header().Get("Location"))} {
			if diff := cmp.Diff(tidy(t, `{"id":"auth0|1/x","status":"registered","status_since":"2026-11-23T12:00:00Z","registered_at":"2026-11-23T12:00:00Z",
				"updated_at":"2026-11-23T12:00:00Z","email":"ana@example.org","first_name":"Ana","last_name":null,"locale":null,"country":null,"platform":null,
				"custom":{"shoe":38.50,"tags":["a"]},"subscriptions":[],"rentals":[],"free_copies":[],"viewing":{"sessions":0,"duration_s":0,"last_viewed_at":null}}`),
				tidy(t, answer.Body.String())); diff != "" {
				t.Error(diff)
			}
		}
		w.create(`{"id":"auth0|1/x"}`).problem(http.StatusConflict)

		first, second := w.create(`{}`).profile(http.StatusCreated)["id"].(string), w.create(`{"id":null}`).profile(http.StatusCreated)["id"].(string)
		if len(first) != 36 || first >= second {
			t.Errorf("made up are %s and then %s", first, second)
		}
		// Whoever is there by any event is there.
		w.happen(happened("2026-11-23T12:04:00Z", "bob", "playback.ended", `{"session_id":"s","content_id":"c"}`))
		w.create(`{"id":"bob"}`).problem(http.StatusConflict)
	})
}

// Of two that create one id one gets it, though both say the same at the same
// instant, and only the winner is in the log.
func TestCreateRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		// Both get past the first look before either is in the log.
		const racers = 4
		var arrived sync.WaitGroup
		arrived.Add(racers)
		lock := make(chan struct{}, 1)
		ingest := w.broker.take
		w.broker.take = nil
		publisher := publisherFunc(func(messages []wire.Message) error {
			arrived.Done()
			arrived.Wait()
			lock <- struct{}{}
			defer func() { <-lock }()
			return ingest(t.Context(), messages)
		})
		w.exchange(func(c *accounts.Config) { c.Publisher = publisher })
		statuses := make([]int, racers)
		var requests sync.WaitGroup
		for i := range racers {
			requests.Go(func() { statuses[i] = w.create(`{"id":"ana","email":"ana@example.org"}`).Code })
		}
		requests.Wait()
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[http.StatusCreated] != 1 || count[http.StatusConflict] != racers-1 {
			t.Errorf("the answers are %v", statuses)
		}
		if head, err := w.store.Head(t.Context()); err != nil || head.Position != 1 {
			t.Errorf("the log is at %d, %v", head.Position, err)
		}
	})
}

// What the loser entered never becomes the winner's, and isn't kept.
func TestTheLoserOfACreateIsNotSentAgain(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ingest := w.broker.take
		w.broker.take = func(ctx context.Context, messages []wire.Message) error {
			w.broker.take = ingest
			winner := accountstest.Messages(happened("2026-11-23T12:00:00Z", "ana", "user.registered", `{"email":"winner@example.org"}`))
			return ingest(ctx, append(winner, messages...))
		}
		w.create(`{"id":"ana","email":"loser@example.org"}`).problem(http.StatusConflict)
		if refused := w.get(RoleAdmin, "/v1/refused").ok(http.StatusOK).Body.String(); strings.Contains(refused, "loser") || !strings.Contains(refused, `"conflict"`) {
			t.Errorf("refused are %s", refused)
		}
		w.do(http.MethodPost, "/v1/refused/"+w.refusedID()+"/retry", "", header{"Authorization": "Bearer admin"}).problem(http.StatusConflict)
		if user := w.edit("ana", `{}`).profile(http.StatusOK); user["email"] != "winner@example.org" {
			t.Errorf("the user is %v", user)
		}
	})
}

func TestCreateAfterErasure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"ana","email":"old@example.org"}`).ok(http.StatusCreated)
		// The clock of whoever erased is ahead.
		w.happen(happened("2026-11-23T12:04:00Z", "ana", "user.erased", `{}`))
		w.edit("ana", `{"email":"x"}`).problem(http.StatusNotFound)
		user := w.create(`{"id":"ana","first_name":"Ana"}`).profile(http.StatusCreated)
		if user["registered_at"] != "2026-11-23T12:04:00.000001Z" || user["email"] != nil || user["first_name"] != "Ana" {
			t.Errorf("the new user is %v", user)
		}
		w.create(`{"id":"ana"}`).problem(http.StatusConflict)
	})
}

func TestEditUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"ana","email":"ana@example.org","first_name":"Ana","country":"FR","custom":{"a":1,"b":"x","c":true}}`).ok(http.StatusCreated)
		user := w.edit("ana", `{"email":"new@example.org","country":null,"custom":{"a":null,"b":["y"],"d":"z"}}`).profile(http.StatusOK)
		want := map[string]any{"b": []any{"y"}, "c": true, "d": "z"}
		if diff := cmp.Diff(want, user["custom"]); diff != "" {
			t.Error(diff)
		}
		if user["email"] != "new@example.org" || user["country"] != nil || user["first_name"] != "Ana" || user["updated_at"] != "2026-11-23T12:00:00.000001Z" {
			t.Errorf("edited, the user is %v", user)
		}
		if user := w.edit("ana", `{"custom":null}`).profile(http.StatusOK); len(user["custom"].(map[string]any)) != 0 {
			t.Errorf("without custom, the user is %v", user)
		}
		for _, nothing := range []string{`{}`, ` { "custom" : { } } `} {
			if user := w.edit("ana", nothing).profile(http.StatusOK); user["updated_at"] != "2026-11-23T12:00:00.000002Z" {
				t.Errorf("after %s the user is %v", nothing, user)
			}
		}
		// An edit counts, however far ahead the clock was of who edited before.
		w.happen(happened("2026-11-23T12:04:59Z", "ana", "user.updated", `{"email":"ahead@example.org"}`))
		if user := w.edit("ana", `{"email":"last@example.org"}`).profile(http.StatusOK); user["email"] != "last@example.org" || user["updated_at"] != "2026-11-23T12:04:59.000001Z" {
			t.Errorf("edited after a clock that is ahead, the user is %v", user)
		}
		w.edit("nobody", `{}`).problem(http.StatusNotFound)
		w.edit("nobody", `{"email":"x"}`).problem(http.StatusNotFound)
	})
}

// A staleReader finds users as they were, until it is waited for.
type staleReader struct {
	accounts.Reader
	stale projections.FoundUsers
	fresh bool
}

func (r *staleReader) FindUsers(ctx context.Context, ids, emails []string, at domain.Instant) (projections.FoundUsers, error) {
	if !r.fresh {
		return r.stale, nil
	}
	return r.Reader.FindUsers(ctx, ids, emails, at)
}

func (r *staleReader) Status(ctx context.Context) (projections.ReaderStatus, error) {
	r.fresh = true
	return r.Reader.Status(ctx)
}

// An edit counts though the read models are behind and don't show an event whose
// clock is ahead yet.
func TestEditWhileBehind(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(`{"id":"ana"}`).ok(http.StatusCreated)
		stale, err := w.reader.FindUsers(t.Context(), []string{"ana"}, nil, domain.InstantOf(testNow))
		if err != nil {
			t.Fatal(err)
		}
		w.happen(happened("2026-11-23T12:04:59Z", "ana", "user.updated", `{"email":"ahead@example.org"}`))
		w.exchange(func(c *accounts.Config) { c.Reader = &staleReader{Reader: w.reader, stale: stale} })
		if user := w.edit("ana", `{"email":"last@example.org"}`).profile(http.StatusOK); user["email"] != "last@example.org" {
			t.Errorf("the user is %v", user)
		}
		w.edit("nobody", `{"email":"last@example.org"}`).problem(http.StatusNotFound)
	})
}

// What breaks a rule is named, all of it at once, and nothing is published.
func TestBadProfiles(t *testing.T) {
	h := newHarness(t, nil)
	for _, ask := range map[string]func(string) answer{
		"create": h.create, "edit": func(body string) answer { return h.edit("ana", body) },
	} {
		p := ask(`{"email":7,"first_name":"Ana","custom":["a"],"nickname":"A","locale":"a\u0000"}`).problem(http.StatusUnprocessableEntity)
		got := map[string]string{}
		for _, e := range p.Errors {
			got[e.Location] = e.Message
		}
		if diff := cmp.Diff(map[string]string{"body.email": "must be a text", "body.nickname": "unknown field",
			"body.custom": "must be an object", "body.locale": "must not have U+0000 in a text"}, got); diff != "" {
			t.Error(diff)
		}
		for _, body := range []string{``, ` `, `{`, `{"email":"a","email":"b"}`, `{"email":"` + "\xff" + `"}`, `{} {}`, `{"email":"a",}`, `[`} {
			ask(body).problem(http.StatusBadRequest)
		}
		for _, body := range []string{`[]`, `null`, `"a"`, `7`} {
			ask(body).invalid("body")
		}
		ask(`{"email":"` + strings.Repeat("a", 256<<10) + `"}`).problem(http.StatusRequestEntityTooLarge)
	}
	// With its envelope, it is the event that is too large.
	h.exchange(func(c *accounts.Config) { c.Log = nobodyKnown{} })
	h.create(`{"email":"` + strings.Repeat("a", 256<<10-20) + `"}`).problem(http.StatusRequestEntityTooLarge)
	for body, message := range map[string]string{`{"id":7}`: "must be text", `{"id":"."}`: "", `{"id":""}`: "", fmt.Sprintf(`{"id":%q}`, strings.Repeat("é", 65)): ""} {
		if p := h.create(body).invalid("body.id"); message != "" && p.Errors[0].Message != message {
			t.Errorf("of %s it is said: %s", body, p.Errors[0].Message)
		}
	}
	h.edit(".", `{}`).invalid("path.id")
	for mediaType, want := range map[string]int{"text/plain": 415, "": 415, mergePatchType: 415, "application/json; charset=utf-8": 422} {
		if got := h.do(http.MethodPost, "/v1/users", `[]`, header{"Authorization": "Bearer admin", "Content-Type": mediaType}); got.Code != want {
			t.Errorf("%q is answered with %d: %s", mediaType, got.Code, got.Body)
		}
	}
	for _, role := range access.Roles {
		if role == RoleAdmin {
			continue
		}
		for method, path := range map[string]string{http.MethodPost: "/v1/users", http.MethodPatch: "/v1/users/ana"} {
			h.do(method, path, `{}`, header{"Authorization": "Bearer " + string(role), "Content-Type": jsonType}).problem(http.StatusForbidden)
		}
	}
	if len(h.broker.got) != 0 {
		t.Errorf("%d events were published", len(h.broker.got))
	}
}

// nobodyKnown is a log of which only the states are asked: nobody is there.
type nobodyKnown struct{ unused }

func (nobodyKnown) SubjectStates(_ context.Context, ids []string) ([]eventstore.SubjectState, error) {
	return make([]eventstore.SubjectState, len(ids)), nil
}

// A publisherFunc is a broker that is a function.
type publisherFunc func([]wire.Message) error

func (f publisherFunc) PublishBatch(_ context.Context, messages []wire.Message) error {
	return f(messages)
}
