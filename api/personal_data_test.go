// These tests hold the document of everything that is held about a person.

package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A personalView is what a test reads of the document.
type personalView struct {
	AsOf     string         `json:"as_of"`
	Position *int64         `json:"position"`
	User     map[string]any `json:"user"`
	Sessions []map[string]any
	Events   []recordedView
	Refused  []refusedView
}

func (w *world) personal(id string) (v personalView) {
	w.t.Helper()
	a := w.get(RoleSupport, "/v1/users/"+id+"/data").ok(http.StatusOK)
	if a.Header().Get("Content-Type") != jsonType {
		w.t.Error(a.Header())
	}
	a.decode(&v)
	return v
}

func TestEverythingAboutAPerson(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		bad := happened("2026-11-01T10:00:00Z", "ana", "rental.started", `{}`)
		other := happened("2026-11-01T10:00:00Z", "bob", "rental.started", `{}`)
		w.publish("admin", wire.BatchType, "["+bad+","+other+"]", nil).ok(http.StatusUnprocessableEntity)
		got := w.personal("ana")
		if got.AsOf != "2026-11-23T12:00:00Z" || *got.Position != 6 {
			t.Errorf("%s %d", got.AsOf, *got.Position)
		}
		// The user and the sessions are as they are elsewhere.
		var user map[string]any
		w.get(RoleSupport, "/v1/users/ana").ok(http.StatusOK).decode(&user)
		if diff := cmp.Diff(user, got.User); diff != "" {
			t.Error(diff)
		}
		if sessions := w.walk(RoleSupport, "/v1/users/ana/sessions", "sessions", 10); len(sessions) != 1 || len(got.Sessions) != 1 || got.Sessions[0]["session_id"] != "v1" {
			t.Errorf("%v, and not %v", got.Sessions, sessions)
		}
		// The events are those that an admin reads.
		if diff := cmp.Diff(w.history(RoleAdmin, "?user_id=ana").Events, got.Events); diff != "" || len(got.Events) != 3 {
			t.Error(diff)
		}
		if len(got.Refused) != 1 || *got.Refused[0].Body != bad || got.Refused[0].Reason != "invalid_data" {
			t.Errorf("refused: %+v", got.Refused)
		}
		for _, role := range []Role{RoleViewer, RoleAuditor, RolePublisher} {
			w.get(role, "/v1/users/ana/data").problem(http.StatusForbidden)
		}
		w.get(RoleSupport, "/v1/users/nobody/data").problem(http.StatusNotFound)
		w.eraseAna()
		w.get(RoleSupport, "/v1/users/ana/data").problem(http.StatusNotFound)
	})
}

// Something can be held about somebody of whom there is no user.
func TestOnlyRefusedEventsAboutAPerson(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		bad := happened("2026-11-01T10:00:00Z", "a/b", "rental.started", `{}`)
		w.publish("admin", wire.BatchType, "["+bad+"]", nil).ok(http.StatusUnprocessableEntity)
		got := w.personal("a%2Fb")
		if got.User != nil || got.Position != nil || len(got.Sessions)+len(got.Events) > 0 || len(got.Refused) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// A lateReader shows nobody until it is waited for.
type lateReader struct {
	accounts.Reader
	fresh bool
}

func (r *lateReader) WholeUser(ctx context.Context, id string, at domain.Instant, f func(*projections.UserWhole) error) error {
	if !r.fresh {
		return projections.ErrNoUser
	}
	return r.Reader.WholeUser(ctx, id, at, f)
}

func (r *lateReader) Status(ctx context.Context) (projections.ReaderStatus, error) {
	r.fresh = true
	return r.Reader.Status(ctx)
}

// Nobody is told that nothing is held about them where the log holds events: be
// it that they are ahead of the clock, or that the read models are behind.
func TestEverythingAboutAPersonWhoIsNotShownYet(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(happened("2026-11-23T12:04:59Z", "ana", "user.registered", `{"email":"ana@example.org"}`),
			happened("2026-11-23T12:00:00Z", "ben", "user.registered", `{"email":"ben@example.org"}`))
		w.get(RoleSupport, "/v1/users/ana").problem(http.StatusNotFound)
		if got := w.personal("ana"); len(got.Events) != 1 || got.User["email"] != "ana@example.org" || got.AsOf != "2026-11-23T12:05:00Z" {
			t.Errorf("ahead of the clock: %+v", got)
		}
		w.exchange(func(c *accounts.Config) { c.Reader = &lateReader{Reader: w.reader} })
		if got := w.personal("ben"); len(got.Events) != 1 || got.User["email"] != "ben@example.org" || got.AsOf != "2026-11-23T12:00:00Z" {
			t.Errorf("with read models that are behind: %+v", got)
		}
		w.get(RoleSupport, "/v1/users/nobody/data").problem(http.StatusNotFound)
	})
}

// A user with more events than are in memory at a time, erased in the middle:
// the answer breaks off.
func TestAPersonWhoIsErasedMeanwhile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var events []string
		for i := range 400 {
			at := domain.InstantOf(testNow) - domain.Instant(i+1)*1_000_000
			events = append(events, happened(at.String(), "ana", "user.updated", `{"email":"`+strings.Repeat("a", 300)+`"}`))
		}
		w.happen(events...)
		if got := w.personal("ana"); len(got.Events) != 400 {
			t.Errorf("%d events", len(got.Events))
		}
		erase := erasingReader{w.reader, w.eraseAna}
		w.exchange(func(c *accounts.Config) { c.Reader = erase })
		w.get(RoleSupport, "/v1/users/ana/data").problem(http.StatusNotFound) // nothing was sent yet
		w.exchange(func(c *accounts.Config) { c.Reader = w.reader })

		w.happen(events[0])
		server := httptest.NewServer(w.handler)
		defer server.Close()
		answer, err := w.fetch(t.Context(), server.URL+"/v1/users/ana/data")
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != http.StatusNotFound {
			t.Fatal(answer.Status)
		}
		var later []string
		for i := range 400 {
			at := domain.InstantOf(testNow) - domain.Instant(i+1)*1_000
			later = append(later, happened(at.String(), "bob", "user.updated", `{"email":"`+strings.Repeat("a", 300)+`"}`))
		}
		w.happen(later...)
		broken := &breakingWriter{ResponseRecorder: httptest.NewRecorder(), then: func() {
			w.happen(strings.Replace(happened("2026-11-22T00:00:00Z", "bob", "user.erased", "null"), `"data":null,`, "", 1))
		}}
		r := httptest.NewRequest(http.MethodGet, "/v1/users/bob/data", nil)
		r.Header.Set("Authorization", "Bearer support")
		func() {
			defer func() {
				if cause := recover(); cause != http.ErrAbortHandler {
					t.Errorf("it ended with %v, and says %.200s", cause, broken.Body)
				}
			}()
			w.handler.ServeHTTP(broken, r)
		}()
	})
}

// An erasingReader has a user erased between the read models and the log.
type erasingReader struct {
	*projections.Reader
	erase func()
}

func (r erasingReader) WholeUser(ctx context.Context, id string, at domain.Instant, f func(*projections.UserWhole) error) error {
	err := r.Reader.WholeUser(ctx, id, at, f)
	r.erase()
	return err
}

// A breakingWriter does something when the first piece is sent.
type breakingWriter struct {
	*httptest.ResponseRecorder
	then func()
}

func (b *breakingWriter) Write(p []byte) (int, error) {
	if b.then != nil {
		then := b.then
		b.then = nil
		then()
	}
	return b.ResponseRecorder.Write(p)
}

// A writer that fails ends the document with its error.
func TestADocumentThatNobodyTakes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		gone := errors.New("gone")
		if err := w.service.writeUserData(t.Context(), failingWriter{gone}, "ana"); !errors.Is(err, gone) {
			t.Errorf("it ended with %v", err)
		}
	})
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }
