// This file tests forgetting in a generation over which a projector stalled.

package projections

import (
	"errors"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestForgettingTakesTheLease: a filler that stalled for longer than its lease
// can't go on over rows that were forgotten meanwhile.
func TestForgettingTakesTheLease(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx := t.Context()
		db := open()
		m, err := Open(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := Migrate(ctx, db); err != nil {
			t.Fatal(err)
		}
		made := buildSpec{timeZone: "UTC", foldVersion: FoldVersion, epoch: "e"}
		number, err := m.acquireBuild(ctx, made, 0)
		if err != nil {
			t.Fatal(err)
		}
		g, err := m.acquire(ctx, number)
		if err != nil {
			t.Fatal(err)
		}
		defer m.release(g)
		if err := g.begin(ctx, made); err != nil {
			t.Fatal(err)
		}
		l := &lease{gen: g, token: newToken(), holder: "filler", length: time.Millisecond}
		if held, err := l.take(ctx); err != nil || !held {
			t.Fatal(held, err)
		}
		time.Sleep(10 * time.Millisecond) // it stalls
		forgetting := &Runner{models: m, config: Config{Now: func() domain.Instant { return 0 }}}
		if err := forgetting.forgetUsers(ctx, g, KindSuccessor, []eventstore.UserKey{{9}}); err != nil {
			t.Fatal(err)
		}
		err = g.db.InTx(ctx, func(tx *sqldb.Tx) error { return l.advance(ctx, tx, 0, 0, nil) })
		if !errors.Is(err, ErrLeaseLost) {
			t.Errorf("the filler goes on: %v", err)
		}
	})
}
