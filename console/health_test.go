package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/eventstore"
)

// wellParts are those of a service that works.
func wellParts() []Part {
	return []Part{
		{Name: "database", Ready: true, Values: map[string]any{"position": eventstore.Position(42)}},
		{Name: "broker", Ready: true, Values: map[string]any{"sync_interval": "always", "backlog_events": uint64(3), "backlog_seconds": 1.5}},
		{Name: "ingest", Ready: true, Detail: "done by another process"},
		{Name: "projections", Ready: true, Values: map[string]any{"position": eventstore.Position(42), "behind_events": int64(0), "behind_seconds": 0.0}},
		{Name: "erasure", Ready: true, Values: map[string]any{"pending_scrub": int64(1), "scrubbed_at": testNow.Add(-time.Hour)}},
		{Name: "workers", Ready: true, Values: map[string]any{"api": "running", "projections": "waiting", "scrub": "stopped"}},
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t).platform()
	w.parts = wellParts()
	for _, role := range []access.Role{access.Admin, access.Auditor} {
		answer := w.get(role, "/health")
		if answer.Code != http.StatusOK {
			t.Fatalf("as %s: %d %s\n%s", role, answer.Code, answer.Body, w.log)
		}
		golden(t, "health", answer.Body.String())
	}
	w.parts[0] = Part{Name: "database", Detail: "the database <doesn't> answer"}
	w.parts[5] = Part{Name: "workers", Detail: "a worker has failed", Values: map[string]any{"projections": "failed since 2026-11-30T16:00:00Z"}}
	golden(t, "health-ill", w.get(access.Auditor, "/health").Body.String())

	for _, role := range []access.Role{access.Viewer, access.Support} {
		for _, path := range []string{"/health", "/live/health"} {
			if answer := w.get(role, path); answer.Code != http.StatusForbidden {
				t.Errorf("%s as %s: %d", path, role, answer.Code)
			}
		}
	}
	french := w.get(access.Admin, "/health", "Accept-Language", "fr").Body.String()
	for _, text := range []string{`<data value="2">2</data> parties ne font pas leur travail`, "Base de données"} {
		if !strings.Contains(french, text) {
			t.Errorf("in French there is no %q", text)
		}
	}
	nobodyMarks(t, french)
}

// nobodyMarks fails where a page has the name of a text in place of the text.
func nobodyMarks(t *testing.T, page string) {
	t.Helper()
	for _, name := range []string{">health.", ">worker.", ">keys."} {
		if strings.Contains(page, name) {
			t.Errorf("a text is missing: %s", page[strings.Index(page, name):][:40])
		}
	}
}

// A service in which nothing has happened yet says that, too.
func TestHealthOfAnEmptyService(t *testing.T) {
	w := newWorld(t)
	w.parts = wellParts()
	w.happen()
	golden(t, "health-empty", w.get(access.Admin, "/health").Body.String())
}

// The last erasure is there with its position, and each reason leads to the events
// that were refused for it.
func TestHealthFollowsErasuresAndRefusals(t *testing.T) {
	w := newWorld(t).platform()
	w.parts = wellParts()
	w.happen(fmt.Sprintf(`{"specversion":"1.0","id":"gone","source":"/t","type":"user.erased","subject":"louis","time":%q,"data":{}}`, testNow.Format(time.RFC3339)))
	head, err := w.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := w.get(access.Admin, "/health").Body.String()
	for _, text := range []string{
		fmt.Sprintf(`<a href="/history/%d">`, head.Position), `<a href="/refused?reason=`, `<data value="1">1</data></dd></div></dl>`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("there is no %s in %s", text, page)
		}
	}
}
