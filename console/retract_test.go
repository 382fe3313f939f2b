package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/domain"
	"boxoffice/internal/eventually"
)

func TestRetractQuestions(t *testing.T) {
	w := newWorld(t).platform()
	for name, path := range map[string]string{
		"retract": "/history/13/retract", "retract-gone": "/history/5/retract", "retract-markup": "/history/16/retract", "retract-viewing": "/history/19/retract",
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.get(access.Admin, path)
			if answer.Code != http.StatusOK {
				t.Fatalf("%d: %s\n%s", answer.Code, answer.Body, w.log)
			}
			golden(t, name, answer.Body.String())
		})
	}
	for _, path := range []string{"/history/0/retract", "/history/21/retract", "/history/x/retract"} {
		if got := w.get(access.Admin, path).Code; got != http.StatusNotFound {
			t.Errorf("%s is answered with %d", path, got)
		}
	}
	for _, role := range []access.Role{access.Viewer, access.Support, access.Auditor} {
		if got := w.get(role, "/history/13/retract").Code; got != http.StatusForbidden {
			t.Errorf("%s asks, and is answered with %d", role, got)
		}
		if got := w.post(role, "/history/13/retract", url.Values{}).Code; got != http.StatusForbidden {
			t.Errorf("%s retracts, and is answered with %d", role, got)
		}
		if strings.Contains(w.get(role, "/history/13").Body.String(), "/retract") {
			t.Errorf("%s is shown a way to retract", role)
		}
	}
}

// An event is retracted with one form; sending it again does no harm.
func TestRetract(t *testing.T) {
	w := newWorld(t).platform()
	canceled := func() bool {
		u, _, err := w.reader.User(t.Context(), "auth0|ana", domain.InstantOf(testNow))
		if err != nil || len(u.Subscriptions) != 1 {
			t.Fatalf("the user has %+v: %v", u.Subscriptions, err)
		}
		return u.Subscriptions[0].Periods[0].Cancellation != nil
	}
	if !canceled() {
		t.Fatal("nothing is canceled before the retraction")
	}
	form := formOf(w.get(access.Admin, "/history/13/retract").Body.String())
	for range 2 {
		goesTo(t, w.post(access.Admin, "/history/13/retract", form), "/history/13")
	}
	head, err := w.store.Head(t.Context())
	if err != nil || head.Position != 21 {
		t.Errorf("the log is at %d: %v", head.Position, err)
	}
	if canceled() {
		t.Error("the subscription is canceled after the cancellation was retracted")
	}
	golden(t, "event-retracted", w.get(access.Admin, "/history/13").Body.String())
	goesTo(t, w.get(access.Admin, "/history/13/retract"), "/history/13")
	for _, role := range []access.Role{access.Auditor, access.Admin} {
		if page := w.get(role, "/history/13").Body.String(); !strings.Contains(page, "data-retracted") || !strings.Contains(page, `href="/history/21"`) {
			t.Errorf("%s isn't told that it is retracted: %s", role, page)
		}
		page := w.get(role, "/history/21").Body.String()
		if !strings.Contains(page, `<a href="/history/13">The event that it retracts</a>`) || strings.Contains(page, "/retract") {
			t.Errorf("%s isn't led from the retraction to the event: %s", role, page)
		}
	}
	if got := w.get(access.Admin, "/history/21/retract").Code; got != http.StatusNotFound {
		t.Errorf("to retract a retraction is answered with %d", got)
	}
	var entries []trail.Entry
	eventually.Succeeds(t, "the trail has the retraction", func() error {
		entries, _, err = w.trail.Entries(context.Background(), trail.Query{Action: "retract-event", Limit: 10})
		if err == nil && (len(entries) != 2 || entries[1].People == nil || *entries[1].People != 1 || entries[1].Status != http.StatusSeeOther) {
			err = fmt.Errorf("it has %+v", entries)
		}
		return err
	})
}

// What a retraction can't reach, its page says so.
func TestRetractionsForNothing(t *testing.T) {
	w := newWorld(t).platform()
	retraction := func(id, user, named string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"event.retracted","subject":%q,"time":"2026-11-30T12:00:00Z","data":{"source":"/platform","id":%q}}`, id, user, named)
	}
	w.happen(retraction("r1", "louis", "13"), retraction("r2", "louis", "nobody's"),
		`{"specversion":"1.0","id":"gone","source":"/platform","type":"user.erased","subject":"viktor","time":"2026-11-30T12:00:00Z","data":{}}`)
	for path, want := range map[string]string{"/history/21": "It changes nothing", "/history/22": "isn’t recorded"} {
		if page := w.get(access.Admin, path).Body.String(); !strings.Contains(page, want) {
			t.Errorf("%s doesn't say %q: %s", path, want, page)
		}
	}
	for _, path := range []string{"/history/7", "/history/23"} { // of who was erased, and the erasure
		if page := w.get(access.Admin, path).Body.String(); strings.Contains(page, "/retract") {
			t.Errorf("%s can be retracted: %s", path, page)
		}
		if got := w.get(access.Admin, path+"/retract").Code; got != http.StatusNotFound {
			t.Errorf("%s/retract is answered with %d", path, got)
		}
	}
	if page := w.get(access.Admin, "/history/13").Body.String(); strings.Contains(page, "data-retracted") {
		t.Error("an event is marked that a retraction about somebody else names")
	}
}
