package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/accounts"
	"boxoffice/internal/eventually"
)

var randomTask = regexp.MustCompile(`name="task" value="[0-9a-f]{32}"`)

// register makes events of users who have registered, and no more.
func register(prefix string, n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprintf(`{"specversion": "1.0", "id": "%[1]s%[2]d", "source": "/bulk", "type": "user.registered", "subject": "%[1]s%[2]d", "time": "2026-05-01T00:00:00Z", "data": {"email": "%[1]s%[2]d@example.org"}}`, prefix, i)
	}
	return events
}

func TestEraseQuestions(t *testing.T) {
	w := newWorld(t).platform()
	for _, c := range []struct{ name, path string }{
		{"erase-one", "/users/erase?id=louis"},
		{"erase-chosen", "/users/erase?id=louis&id=%3Cb%3E%22%27%26&id=louis&id=nobody"},
		{"erase-filter", "/users/erase?q=example&registered_from=2026-11-01&registered_to=2026-12-01&as_of=2026-11-30T16:00:00Z"},
		{"erase-everybody", "/users/erase?all=1"},
		{"erase-nobody", "/users/erase"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := w.get(access.Admin, c.path)
			if answer.Code != http.StatusOK {
				t.Fatalf("%d: %s", answer.Code, answer.Body)
			}
			golden(t, c.name, randomTask.ReplaceAllString(answer.Body.String(), `name="task" value="…"`))
			fragment := w.get(access.Admin, c.path, "HX-Request", "true").Body.String()
			if !strings.Contains(fragment, " data-question>") || !strings.Contains(fragment, " data-keep ") {
				t.Errorf("the fragment is no question for a dialog: %s", fragment)
			}
		})
	}
	for path, want := range map[string]int{
		"/users/erase?id=nobody": 404, "/users/erase?id=..": 422, "/users/erase?all=1&status=rich": 422,
		"/users/erase/" + newTaskID(): 404, "/users/erase?id=x" + strings.Repeat("&id=x", accounts.MaxErased): 422,
	} {
		if got := w.get(access.Admin, path).Code; got != want {
			t.Errorf("%.60s is answered with %d, not %d", path, got, want)
		}
	}
	for _, role := range []access.Role{access.Viewer, access.Support, access.Auditor} {
		if got := w.get(role, "/users/erase?id=louis").Code; got != http.StatusForbidden {
			t.Errorf("%s is answered with %d", role, got)
		}
	}
}

// One is erased with one form, and sending it again does no harm.
func TestEraseOne(t *testing.T) {
	w := newWorld(t).platform()
	form := formOf(w.get(access.Admin, "/users/erase?id=auth0%7Cana").Body.String())
	address := "/users/erase/" + form.Get("task")
	if got := w.post(access.Support, "/users/erase", form); got.Code != http.StatusForbidden {
		t.Errorf("support is answered with %d", got.Code)
	}
	for range 2 {
		goesTo(t, w.post(access.Admin, "/users/erase", form), address)
	}
	if w.userNow("auth0|ana") != nil {
		t.Error("the user is there still")
	}
	golden(t, "erased", w.get(access.Admin, address).Body.String())
	if got := w.get(access.Admin, "/users/auth0%7Cana").Code; got != http.StatusNotFound {
		t.Errorf("the user's page is answered with %d", got)
	}
	form.Set("task", newTaskID())
	if got := w.post(access.Admin, "/users/erase", form); got.Code != http.StatusNotFound {
		t.Errorf("erasing nobody is answered with %d", got.Code)
	}
	var entries []trail.Entry
	eventually.Succeeds(t, "the trail has the erasure", func() error {
		var err error
		entries, _, err = w.trail.Entries(context.Background(), trail.Query{Action: "erase-users", Limit: 10})
		if err == nil && (len(entries) != 1 || entries[0].Status != http.StatusOK || entries[0].People == nil || *entries[0].People != 1) {
			err = fmt.Errorf("it has %+v", entries)
		}
		return err
	})
}

// From two on, the number has to be typed.
func TestEraseSeveral(t *testing.T) {
	w := newWorld(t).platform()
	form := formOf(w.get(access.Admin, "/users/erase?id=louis&id=10293").Body.String())
	for _, number := range []string{"", "1", "3", "two"} {
		form.Set("number", number)
		answer := w.post(access.Admin, "/users/erase", form)
		if answer.Code != http.StatusUnprocessableEntity || w.userNow("louis") == nil {
			t.Fatalf("the number %q is answered with %d", number, answer.Code)
		}
		if number == "3" {
			golden(t, "erase-wrong", randomTask.ReplaceAllString(answer.Body.String(), `name="task" value="…"`))
		}
	}
	form.Set("number", "2")
	goesTo(t, w.post(access.Admin, "/users/erase", form), "/users/erase/"+form.Get("task"))
	if w.userNow("louis") != nil || w.userNow("10293") != nil || w.userNow("viktor") == nil {
		t.Error("not those were erased who were chosen")
	}
}

// All of a filter are erased in portions: those who were there when it was asked.
func TestEraseFiltered(t *testing.T) {
	w := newWorld(t).platform()
	w.happen(register("bulk", accounts.MaxErased+5)...)
	page := w.get(access.Admin, "/users?q=bulk").Body.String()
	ask := regexp.MustCompile(`href="(/users/erase\?all=1[^"]*)"`).FindStringSubmatch(page)
	if ask == nil {
		t.Fatal("the list has no link to erase all of the filter")
	}
	form := formOf(w.get(access.Admin, strings.ReplaceAll(ask[1], "&amp;", "&")).Body.String())
	form.Set("number", fmt.Sprint("1,", 5))
	if got := w.post(access.Admin, "/users/erase", form).Code; got != http.StatusUnprocessableEntity {
		t.Errorf("another number is answered with %d", got)
	}
	form.Set("number", "1,005")
	address := "/users/erase/" + form.Get("task")
	goesTo(t, w.post(access.Admin, "/users/erase", form), address)
	eventually.Succeeds(t, "all are erased", func() error {
		if page := w.get(access.Admin, address).Body.String(); !strings.Contains(page, `<data value="1005">1,005</data> users are gone`) {
			return fmt.Errorf("the page is %s", page)
		}
		return nil
	})
	if w.userNow("bulk0") != nil || w.userNow("bulk1004") != nil || w.userNow("louis") == nil {
		t.Error("not those were erased whom the filter finds")
	}
	form.Set("task", newTaskID())
	if got := w.post(access.Admin, "/users/erase", form).Code; got != http.StatusUnprocessableEntity {
		t.Errorf("sent again later, it is answered with %d", got)
	}
}

// owner is what stands for the session of a role.
func (w *world) owner(role access.Role) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.signedIn(role) {
		r.AddCookie(c)
	}
	return w.browser.SessionID(r)
}

// A running erasure says how far it is, and asks itself again without scripts.
func TestErasing(t *testing.T) {
	w := newWorld(t)
	e := &erasure{total: 3000, ended: make(chan struct{}), state: erasureState{Done: 1000, Erased: 999}}
	id, owner := newTaskID(), w.owner(access.Admin)
	if !w.server.tasks.add(id, owner, e) || w.server.tasks.add(id, owner, e) {
		t.Fatal("a task is added once")
	}
	page := w.get(access.Admin, "/users/erase/"+id).Body.String()
	golden(t, "erasing", strings.ReplaceAll(page, id, "…"))
	if !strings.Contains(page, `<noscript><meta http-equiv="refresh" content="2"></noscript>`) {
		t.Error("the page doesn't ask itself again")
	}
	w.server.tasks.expire(id)
	if _, ok := w.server.tasks.find(id, w.owner(access.Support)); ok {
		t.Error("another session finds the task")
	}
	if _, ok := w.server.tasks.find(id, owner); !ok {
		t.Error("a running task has expired")
	}
	close(e.ended)
	for _, c := range []struct {
		state erasureState
		want  string
	}{
		{erasureState{Done: 1000, Erased: 999, stop: &accounts.UnavailableError{Reason: "the broker doesn't answer"}}, "It was stopped.</b> <data value=\"999\">999</data> users are erased so far. the broker doesn&#39;t answer"},
		{erasureState{Done: 1000, Soon: true}, "On its way."},
		{erasureState{Broken: true}, "It was stopped."},
	} {
		e.state = c.state
		page := w.get(access.Admin, "/users/erase/"+id).Body.String()
		if !strings.Contains(page, c.want) || strings.Contains(page, "refresh") {
			t.Errorf("of %+v the page is %s", c.state, page)
		}
	}
	w.server.tasks.expire(id)
	if got := w.get(access.Admin, "/users/erase/"+id).Code; got != http.StatusNotFound {
		t.Errorf("an expired task is answered with %d", got)
	}
}

func TestTypedNumber(t *testing.T) {
	for text, want := range map[string]int64{"2": 2, " 1,234 ": 1234, "1\u202f234": 1234, "1 234": 1234, "": -1, "x": -1, "2x": -1} {
		if got := typedNumber(text); got != want {
			t.Errorf("%q is %d, not %d", text, got, want)
		}
	}
}
