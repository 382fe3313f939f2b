package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/browser"
	"boxoffice/projections"
)

// What goes on by itself is stopped when who began it signs out, and when the key
// that they signed in with is revoked.
func TestATaskEndsWithWhoBeganIt(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, []*http.Cookie){
		"signed out": func(w *world, cookies []*http.Cookie) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			form := url.Values{browser.FormField: {w.browser.FormToken(r)}}
			r = httptest.NewRequest(http.MethodPost, "/signout", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, c := range cookies {
				r.AddCookie(c)
			}
			w.handler.ServeHTTP(httptest.NewRecorder(), r)
		},
		"revoked": func(w *world, _ []*http.Cookie) {
			if ok, err := w.keys.Revoke(t.Context(), "second"); !ok || err != nil {
				t.Error(ok, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.begun = access.NewGate(w.browser.Begun(), time.Millisecond)
			key, _, err := w.keys.Make(t.Context(), apikeys.Key{Name: "second", Role: string(access.Admin)})
			if err != nil {
				t.Fatal(err)
			}
			cookies := w.signInAt("/signin", url.Values{"key": {key}}).Result().Cookies()
			r := httptest.NewRequest(http.MethodPost, "/users/erase", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			v := w.server.visit(page{operation: "erase-users"}, httptest.NewRecorder(), r)
			stopped := make(chan struct{})
			err = v.inBackground("a test", func(ctx context.Context) { <-ctx.Done(); close(stopped) }, func(error) {})
			if err != nil {
				t.Fatal(err)
			}
			end(w, cookies)
			select {
			case <-stopped:
			case <-time.After(time.Minute):
				t.Fatal("it goes on")
			}
		})
	}
}

// brokenReader breaks where a list of users is asked for.
type brokenReader struct{ Reader }

func (brokenReader) Users(context.Context, projections.UsersQuery) (projections.UsersPage, error) {
	panic("of louis@example.fr")
}

// A task that breaks takes nothing else with it, tells the log nothing of people,
// and its page says that it has stopped.
func TestATaskThatBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	w.server.Reader = brokenReader{w.server.Reader}
	asked := w.post(access.Admin, "/users/erase", url.Values{"task": {newTaskID()}, "status": {"canceled"}, "all": {"1"}, "number": {"2"}})
	if asked.Code != http.StatusSeeOther {
		t.Fatal(asked.Code, asked.Body)
	}
	page := w.get(access.Admin, asked.Header().Get("Location")).Body.String()
	if !strings.Contains(page, `class="note bad" role="alert"`) || strings.Contains(page, "hx-trigger") {
		t.Errorf("the page is %s", page)
	}
	if said := w.log.String(); !strings.Contains(said, "broke") || strings.Contains(said, "louis@example.fr") {
		t.Errorf("the log says %s", said)
	}
}

// A page that waits for a task doesn't keep the session of somebody who has gone.
func TestWaitingForATaskDoesNotKeepTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	running := &erasure{server: w.server, ended: make(chan struct{})}
	id := newTaskID()
	w.server.tasks.add(id, w.owner(access.Admin), running)
	for _, c := range []struct {
		minutes time.Duration
		code    int
	}{{0, http.StatusOK}, {40, http.StatusOK}, {80, http.StatusSeeOther}} {
		w.later.Store(int64(c.minutes * time.Minute))
		if answer := w.get(access.Admin, "/users/erase/"+id); answer.Code != c.code {
			t.Errorf("after %d minutes it is answered with %d", c.minutes, answer.Code)
		}
	}
}
