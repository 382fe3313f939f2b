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

// What threatens a subscription is told from what runs by more than its colour.
func TestWhoIsPastDueOrPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := func(id int, typ, at, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/billing","type":"subscription.%s","subject":"rose","time":"2026-%sT12:00:00Z","data":{"subscription_id":%s}}`,
			id, typ, at, data)
	}
	w.happen(
		event(1, "started", "08-05", `"due","offer_id":"o","offer_name":"Quarterly","amount":2499,"currency":"EUR","interval":"month","interval_count":3,"ends_at":"2026-11-05T12:00:00Z"`),
		event(2, "payment_failed", "11-04", `"due","grace_ends_at":"2026-12-01T12:00:00Z","comment":"the card has expired"`),
		event(3, "started", "08-06", `"back","offer_id":"b","ends_at":"2026-09-06T12:00:00Z"`),
		event(4, "paused", "08-20", `"back"`),
		event(5, "resumed", "10-01", `"back"`),
		event(6, "canceled", "10-10", `"back","reason":"switched"`),
		event(7, "started", "08-07", `"away","offer_id":"a","interval":"quarter","amount":2499,"currency":"EUR"`),
		event(8, "paused", "11-01", `"away","resumes_at":"2027-01-01T12:00:00Z","comment":"on holiday"`),
	)
	golden(t, "user-unpaid", w.get(access.Support, "/users/rose").Body.String())
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
