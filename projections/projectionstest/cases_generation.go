// This file has the cases about generations: building one beside the live one,
// switching, and dropping what is left behind.

package projectionstest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// live returns the name of the live generation.
func (h *house) live() string {
	h.t.Helper()
	name, err := h.models.Live(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return name
}

func timeZone(t *testing.T, database Database) {
	rebuilt(t, database, func(c *projections.Config) { c.TimeZone = paris })
}

func otherRenewalGrace(t *testing.T, database Database) {
	rebuilt(t, database, func(c *projections.Config) { c.RenewalGrace = 0 })
}

// rebuilt has read models of another configuration take the place of those that
// are live.
func rebuilt(t *testing.T, database Database, change func(*projections.Config)) {
	events := newMaker(t, 30).history(30)
	h := newHouse(t, database)
	h.append(events...)
	h.project(h.quick())
	was, before := h.live(), h.dump()

	config := h.quick()
	change(&config)
	config.BatchEvents = 20
	r := h.start(config)
	for h.live() == was {
		wantSame(t, "until the new generation is complete", before, h.dumpOf(was))
	}
	h.caughtUp(r)

	other := newHouse(t, database)
	other.append(events...)
	other.project(config)
	wantSame(t, "after the change", other.dump(), h.dump())
	if maps.EqualFunc(before, other.dump(), slices.Equal) {
		t.Fatal("the change makes no difference to these events")
	}
}

func epoch(t *testing.T, database Database) {
	h := newHouse(t, database)
	h.append(newMaker(t, 34).history(10)...)
	var recovered atomic.Bool
	log := &gatedLog{Log: h.log}
	log.head = func(ctx context.Context) (eventstore.Head, error) {
		head, err := h.log.Head(ctx)
		if recovered.Load() {
			head.Epoch += " recovered"
		}
		return head, err
	}
	r := h.startOn(h.models, log, h.quick())
	h.caughtUp(r)
	was, before := h.live(), h.dump()
	recovered.Store(true)
	h.eventually("another generation is live", func() bool { return h.live() != was })
	h.caughtUp(r)
	wantSame(t, "rebuilt", before, h.dump())
}

func views(t *testing.T, database Database) {
	h := newHouse(t, database)
	if h.db.Dialect().Name != sqldb.Postgres {
		return // a file has no schema to keep views in
	}
	h.append(newMaker(t, 35).history(10)...)
	config := h.quick()
	for _, zone := range []string{"UTC", paris} {
		config.TimeZone = zone
		h.project(config)
		for _, table := range dumped {
			if slices.Contains([]string{"user_facts", "status_terms"}, table.table) {
				continue // for the service alone
			}
			var rows int
			err := h.db.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM boxoffice."+table.table).Scan(&rows)
			if err != nil || rows == 0 {
				t.Errorf("boxoffice.%s has %d rows: %v", table.table, rows, err)
			}
		}
		var shown string
		if err := h.db.SQL().QueryRowContext(t.Context(), "SELECT time_zone FROM boxoffice.generation").Scan(&shown); err != nil || shown != zone {
			t.Errorf("the views show the generation of zone %q, want %q: %v", shown, zone, err)
		}
	}
}

func followsWhileBuilding(t *testing.T, database Database) {
	m := newMaker(t, 31)
	events, more := m.history(10), m.user("late")
	h := newHouse(t, database)
	h.append(events...)
	h.project(h.quick())
	was, known := h.live(), h.head()

	// The new generation can't get past the first events until it is let.
	pass := make(chan struct{})
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after < known {
			select {
			case <-pass:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return h.log.Read(ctx, after, limit)
	}
	config := h.quick()
	config.TimeZone = paris
	r := h.startOn(h.models, log, config)
	h.append(more...)
	h.eventually("the live generation has followed", func() bool { return h.position() == h.head() })
	if h.live() != was {
		t.Error("another generation is live before it was built")
	}
	want := newHouse(t, database)
	want.append(append(events, more...)...)
	want.project(want.quick())
	wantSame(t, "the live generation while another is built", want.dump(), h.dump())

	close(pass)
	h.caughtUp(r)
	if h.live() == was {
		t.Error("the new generation isn't live")
	}
}

// position returns the live generation's position.
func (h *house) position() eventstore.Position {
	h.t.Helper()
	var position eventstore.Position
	h.query("SELECT position FROM generation", func(scan func(...any) error) error { return scan(&position) })
	return position
}

func superseded(t *testing.T, database Database) {
	m := newMaker(t, 32)
	h := newHouse(t, database)
	h.append(m.history(5)...)
	old := h.startOn(h.openModels(h.open()), h.log, h.quick())
	h.caughtUp(old)

	config := h.quick()
	config.TimeZone = paris
	r := h.start(config)
	h.caughtUp(r)
	is := h.live()
	h.eventually("the old runner stands idle", func() bool {
		return errors.Is(old.Status().Problem, projections.ErrSuperseded)
	})
	h.append(m.user("late")...)
	h.caughtUp(r)
	if h.live() != is {
		t.Error("yet another generation is live")
	}
}

// supersededAway is superseded for a runner that can't work at the moment when the
// other takes over, and so doesn't see it.
func supersededAway(t *testing.T, database Database) {
	h := newHouse(t, database)
	h.append(newMaker(t, 32).history(5)...)
	var away atomic.Bool
	log := &gatedLog{Log: h.log, head: func(ctx context.Context) (eventstore.Head, error) {
		if away.Load() {
			return eventstore.Head{}, errors.New("the log is away")
		}
		return h.log.Head(ctx)
	}, read: func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if away.Load() {
			return nil, errors.New("the log is away")
		}
		return h.log.Read(ctx, after, limit)
	}}
	old := h.startOn(h.openModels(h.open()), log, h.quick())
	h.caughtUp(old)
	away.Store(true)
	h.eventually("the old runner is interrupted", func() bool { return old.Status().Problem != nil })

	config := h.quick()
	config.TimeZone = paris
	r := h.start(config)
	h.caughtUp(r)
	is := h.live()
	away.Store(false)
	h.eventually("the old runner stands idle", func() bool {
		return errors.Is(old.Status().Problem, projections.ErrSuperseded)
	})
	if h.live() != is {
		t.Error("the old runner has made its own generation live again")
	}
}

func dropsRetired(t *testing.T, database Database) {
	m := newMaker(t, 33)
	h := newHouse(t, database)
	h.append(m.history(5)...)
	h.project(h.quick())
	was := h.live()

	config := h.quick()
	config.TimeZone, config.Grace = paris, time.Hour
	h.project(config)
	if !h.there(was) {
		t.Error("the old generation is gone at once")
	}
	config.Grace = time.Microsecond
	h.start(config)
	h.eventually("the old generation is dropped", func() bool { return !h.there(was) })
	if len(h.dump()["users"]) != 5 {
		t.Error("the live generation has lost its users")
	}
}

// there says whether a generation has its tables.
func (h *house) there(name string) bool {
	h.t.Helper()
	db, err := h.db.Schema(h.t.Context(), name)
	if err != nil {
		return false // a file that is being removed can't be opened
	}
	defer db.Close()
	_, err = db.SQL().ExecContext(h.t.Context(), "SELECT COUNT(*) FROM users")
	return err == nil
}
