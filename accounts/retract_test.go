package accounts

import (
	"context"
	"errors"
	"testing"
	"time"

	"boxoffice/eventstore"
	"boxoffice/wire"
)

func TestRetract(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{"email":"ana@example.org"}`),
			happened("2026-11-02T00:00:00Z", "ana", "user.updated", `{"email":"wrong@example.org"}`),
			happened("2026-11-01T00:00:00Z", "bob", "user.registered", `{}`),
			happened("2026-11-02T00:00:00Z", "bob", "user.erased", `{}`))
		wrong := eventstore.EventID{Source: "/test", ID: "2026-11-02T00:00:00Z ana user.updated"}
		for range 2 { // the second changes nothing
			if err := w.service.Retract(t.Context(), "ana", wrong); err != nil {
				t.Fatal(err)
			}
			// No waiting here: the read models show it already.
			if user, ok := w.user("ana"); !ok || *user.Profile.Email != "ana@example.org" {
				t.Errorf("the user is %+v", user)
			}
		}
		for _, id := range []string{"bob", "nobody"} {
			if err := w.service.Retract(t.Context(), id, wrong); !errors.Is(err, ErrNoUser) {
				t.Errorf("of %s: %v", id, err)
			}
		}
		w.broker.take = func(context.Context, []wire.Message) error { return nil } // stored, and nobody ingests
		w.patience(20 * time.Millisecond)
		if u := w.unavailable(w.service.Retract(t.Context(), "ana", wrong)); u.Stored != StoredSafely {
			t.Errorf("the event is %v: %s", u.Stored, u.Reason)
		}
	})
}
