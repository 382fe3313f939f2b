package console

import (
	"net/http"
	"testing"

	"boxoffice/access"
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
		{"audit", "/audit", access.Auditor},
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
