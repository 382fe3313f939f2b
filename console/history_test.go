package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/internal/eventually"
)

// Who may see the log and not one user's events is told who may.
func TestOneUsersEventsAreForAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	answer := w.get(access.Auditor, "/history?user_id=louis")
	page := answer.Body.String()
	if answer.Code != http.StatusForbidden || !strings.Contains(page, "One user’s events are not for your role") || !strings.Contains(page, "This page is for: admin.") {
		t.Errorf("an auditor is answered with %d: %s", answer.Code, page)
	}
	if answer := w.get(access.Admin, "/history?user_id=louis"); answer.Code != http.StatusOK {
		t.Errorf("an admin is answered with %d", answer.Code)
	}
}

// Whom an admin sees in the log is in the trail, as whom any list shows: each once,
// and those by number whom a live page goes on to show.
func TestWhomTheLogShowsIsInTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	page := w.get(access.Admin, "/history").Body.String()
	shown := map[string]bool{}
	for _, link := range strings.Split(page, `<a href="/users/`)[1:] {
		shown[link[:strings.Index(link, `"`)]] = true
	}
	if len(shown) < 5 {
		t.Fatalf("the log shows %v", shown)
	}
	w.get(access.Auditor, "/history")
	w.get(access.Admin, "/history?user_id=louis")
	eventually.Succeeds(t, "the trail has it", func() error {
		entries, _, err := w.trail.Entries(t.Context(), trail.Query{Limit: 10, Action: "list-events"})
		if err == nil && (len(entries) != 2 || *entries[1].People != int64(len(shown)) || *entries[0].People != 1) {
			err = fmt.Errorf("it has %+v, where %d are shown", entries, len(shown))
		}
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodGet, "/live/history?after=20", nil).WithContext(ctx)
	for _, c := range w.signedIn(access.Admin) {
		r.AddCookie(c)
	}
	out, ended := &streamed{header: http.Header{}}, make(chan struct{})
	go func() { w.handler.ServeHTTP(out, r); close(ended) }()
	w.happen(oneMore)
	eventually.Holds(t, "the live page shows the event", func() bool { return strings.Contains(out.text(), "id: 21\n") })
	cancel()
	<-ended
	eventually.Succeeds(t, "the trail has whom the live page shows", func() error {
		entries, _, err := w.trail.Entries(t.Context(), trail.Query{Limit: 10, Action: "list-events"})
		if err == nil && (len(entries) != 3 || entries[0].People == nil || *entries[0].People != 1) {
			err = fmt.Errorf("it has %+v", entries)
		}
		return err
	})
}
