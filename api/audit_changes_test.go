// These tests hold that no change of people goes untold: each says how many it
// was about, and an erasure is told before nobody can say any more of whom.

package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"boxoffice/access"
	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// changes does, for every operation that changes people, what makes it succeed.
// Ana is there, and one event of hers was refused.
var changes = map[string]func(w *world) answer{
	"publish-events": func(w *world) answer {
		return w.publish("admin", wire.StructuredType, happened("2026-11-05T00:00:00Z", "ana", "user.updated", `{}`), nil)
	},
	"create-user":  func(w *world) answer { return w.create(`{"id":"new"}`) },
	"edit-user":    func(w *world) answer { return w.edit("ana", `{"country":"FR"}`) },
	"import-users": func(w *world) answer { return w.importTable("", csvType, "id,email\ncy,cy@example.org\n") },
	"erase-user":   func(w *world) answer { return w.erase("ana") },
	"erase-users":  func(w *world) answer { return w.eraseMany(`{"ids":["ana"]}`) },
	"retry-refused": func(w *world) answer {
		return w.do(http.MethodPost, "/v1/refused/"+w.refusedID()+"/retry", happened("2026-11-06T00:00:00Z", "ana", "user.updated", `{}`),
			header{"Authorization": "Bearer admin", "Content-Type": wire.StructuredType})
	},
	"delete-refused": func(w *world) answer {
		return w.do(http.MethodDelete, "/v1/refused/"+w.refusedID(), "", header{"Authorization": "Bearer admin"})
	},
}

// refusedID returns the id of the only refused event.
func (w *world) refusedID() string {
	w.t.Helper()
	events, _, err := w.store.Refused(w.t.Context(), eventstore.RefusedQuery{Limit: 2})
	if err != nil || len(events) != 1 {
		w.t.Fatalf("%d are refused, %v", len(events), err)
	}
	return strconv.FormatInt(events[0].ID, 10)
}

// operationMethods returns the method of each operation.
func operationMethods(t *testing.T) map[string]string {
	t.Helper()
	methods := map[string]string{}
	for _, item := range describedService(t).api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Put, item.Delete} {
			if op != nil {
				methods[op.OperationID] = op.Method
			}
		}
	}
	return methods
}

func TestEveryChangeSaysHowManyItIsAbout(t *testing.T) {
	methods := operationMethods(t)
	for op, method := range methods {
		if !(access.Identity{Role: access.Admin}).Audited(op) || method == http.MethodGet {
			continue
		}
		change := changes[op]
		if change == nil {
			t.Errorf("%s isn't tested", op)
			continue
		}
		t.Run(op, func(t *testing.T) {
			eachTrailedWorld(t, func(t *testing.T, w *world) {
				w.publish("admin", wire.BatchType, "["+happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{}`)+","+
					happened("2026-11-04T00:00:00Z", "ana", "user.updated", `{"email":7}`)+"]", nil).ok(http.StatusAccepted)
				w.platform.CaughtUp()
				if a := change(w); a.Code/100 != 2 {
					t.Fatalf("the answer is %d: %s", a.Code, a.Body)
				}
				found := false
				for _, e := range w.told(2) {
					found = found || e.Action == op
					if e.People == nil || *e.People == 0 {
						t.Errorf("the trail says %s", e)
					}
				}
				if !found {
					t.Error("it isn't in the trail")
				}
			})
		})
	}
}

// A crash after an erasure must not lose whom it was about: that can't be looked
// up any more.
func TestErasuresAreToldBeforeTheyArePublished(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"ana", "ben", "cy"} {
			w.happen(happened("2026-11-01T00:00:00Z", id, "user.registered", `{}`))
		}
		ingest := w.broker.take
		subjects := -1
		w.broker.take = func(ctx context.Context, messages []wire.Message) error {
			subjects = -1
			entries, _, err := w.service.Trail.Entries(ctx, trail.Query{Limit: 10})
			if err != nil {
				t.Error(err)
			}
			for _, e := range entries {
				if strings.HasPrefix(e.Action, "erase-") && e.Status == 0 {
					subjects = len(e.Subjects)
					break // the latest
				}
			}
			return ingest(ctx, messages)
		}
		w.erase("ana").ok(http.StatusNoContent)
		w.told(4) // so that this entry isn't taken for the next
		if subjects != 1 {
			t.Errorf("when one erasure is published, %d subjects are told", subjects)
		}
		w.eraseMany(`{"ids":["cy","nobody","ben"]}`).ok(http.StatusOK)
		if subjects != 2 {
			t.Errorf("when several erasures are published, %d subjects are told", subjects)
		}
		w.eraseMany(`{"ids":["."]}`).invalid("body.ids[0]")
		var erasures []string
		for _, e := range w.told(6) {
			if e.Action != "publish-events" {
				erasures = append(erasures, e.String())
			}
		}
		want := []string{"admin key admin erase-user 204 people:1 subjects:1 ", "admin key admin erase-users 200 people:3 subjects:2 ",
			"admin key admin erase-users 422 people:- subjects:0 "}
		if diff := cmp.Diff(want, erasures); diff != "" {
			t.Error(diff)
		}
	})
}

// Whom nobody can tell isn't erased.
func TestErasuresThatCannotBeTold(t *testing.T) {
	for _, broken := range []*brokenTrail{{}, {broken: true}} {
		h := newHarness(t, func(c *Config) { c.Trail = broken })
		h.eraseMany(`{"ids":["ana"]}`).problem(http.StatusServiceUnavailable)
		if len(h.broker.got) != 0 {
			t.Error("an erasure was published")
		}
	}
}

// However many sessions of one person are exported, it is about one.
func TestAnExportOfOnePersonIsAboutOne(t *testing.T) {
	eachTrailedWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		w.get(RoleSupport, "/v1/exports/sessions?format=csv&user_id=ana").ok(http.StatusOK)
		w.told(2)
		page, _, err := w.service.Trail.Entries(t.Context(), trail.Query{Action: "export-sessions", Limit: 2})
		if err != nil || len(page) != 1 || *page[0].People != 1 || len(page[0].Subjects) != 1 {
			t.Errorf("the trail is %+v, %v", page, err)
		}
	})
}

// A refused event that was repaired isn't there to be deleted.
func TestDeleteOfARefusedEventThatIsRepaired(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.publish("admin", wire.StructuredType, happened("2026-11-04T00:00:00Z", "ana", "user.updated", `{"email":7}`), nil)
		id := w.refusedID()
		w.do(http.MethodPost, "/v1/refused/"+id+"/retry", happened("2026-11-04T00:00:00Z", "ana", "user.updated", `{}`),
			header{"Authorization": "Bearer admin", "Content-Type": wire.StructuredType}).ok(http.StatusAccepted)
		w.do(http.MethodDelete, "/v1/refused/"+id, "", header{"Authorization": "Bearer admin"}).problem(http.StatusNotFound)
	})
}
