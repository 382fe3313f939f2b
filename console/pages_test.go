package console

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/internal/eventually"
)

func TestPagesAreAsTheyWere(t *testing.T) {
	w := newWorld(t).platform()
	for _, c := range []struct {
		name, path string
		role       access.Role
	}{
		{"dashboard", "/", access.Admin},
		{"dashboard-viewer", "/?month=2026-10&months=12", access.Viewer},
		{"users", "/users", access.Admin},
		{"users-none", "/users?status=active&q=nobody&registered_from=2026-11-01&registered_to=2026-12-01", access.Support},
		{"user", "/users/louis", access.Admin},
		{"user-contents", "/users/louis?view=contents", access.Support},
		{"user-bare", "/users/%6Eew", access.Support},
		{"user-markup", "/users/%3Cb%3E%22%27&", access.Support},
		{"contents", "/contents", access.Viewer},
		{"content", "/contents/quiet-river", access.Support},
		{"content-viewer", "/contents/quiet-river?from=2026-11-01", access.Viewer},
		{"history", "/history", access.Admin},
		{"history-auditor", "/history", access.Auditor},
		{"history-filtered", "/history?type=user.updated", access.Admin},
		{"event", "/history/8", access.Admin},
		{"refused", "/refused", access.Admin},
		{"refused-event", "/refused/1", access.Admin},
		{"refused-auditor", "/refused/1", access.Auditor},
		{"users-counted", "/users?kpi=unsubscribed&month=2026-11", access.Admin},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := w.get(c.role, c.path)
			if answer.Code != http.StatusOK {
				t.Fatalf("%s is answered with %d: %s\n%s", c.path, answer.Code, answer.Body, w.log)
			}
			golden(t, c.name, answer.Body.String())
		})
	}
}

// The trail is written a little later than the pages are.
func TestWhoDidWhatIsAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	w.get(access.Admin, "/users")
	w.get(access.Support, "/users/louis?view=contents")
	w.get(access.Support, "/users?q=louis&sort=updated_at")
	eventually.Succeeds(t, "the trail has what was done", func() error {
		entries, _, err := w.trail.Entries(context.Background(), trail.Query{Limit: 10})
		if err == nil && len(entries) < 3 {
			err = fmt.Errorf("it has %d entries", len(entries))
		}
		return err
	})
	golden(t, "audit", w.get(access.Auditor, "/audit").Body.String())
}
