// This file has the cases about filling new read models in bulk.

package projectionstest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// filling are the limits under which read models are filled, however short the
// log is, in shards of so few users that there are several.
func (h *house) filling() projections.Config {
	config := h.quick()
	config.FillFrom, config.FillBytes = 1, 2_000
	return config
}

// A fillingLog is a log whose reader may not follow it from its beginning.
func (h *house) fillingLog() *gatedLog {
	log := &gatedLog{Log: h.log}
	head := h.head()
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after < head && limit > 1 {
			h.t.Errorf("events after %d are followed and not filled in", after)
		}
		return h.log.Read(ctx, after, limit)
	}
	return log
}

// fill fills read models with the whole log and stops.
func (h *house) fill(config projections.Config) {
	h.t.Helper()
	r := h.startOn(h.models, h.fillingLog(), config)
	h.caughtUp(r)
	r.stop()
}

// erased makes the erasures of some of the users of a history.
func (m *maker) erased(users int) []*domain.Event {
	var events []*domain.Event
	for i := range users {
		if m.rand.IntN(6) == 0 {
			events = append(events, m.event(domain.UserErased, fmt.Sprintf("user-%03d", i), start+m.within(120*day), nil))
		}
	}
	return events
}

func filled(t *testing.T, database Database) {
	for seed := range uint64(8) {
		m := newMaker(t, 40+seed)
		users := 1 + m.rand.IntN(25)
		var events []*domain.Event
		for i := range users {
			events = append(events, m.user(fmt.Sprintf("user-%03d", i))...)
			events = append(events, m.changeful(fmt.Sprintf("user-%03d", i))...)
		}
		// Whoever is erased in the middle of their history comes again as another.
		events = m.shuffled(append(events, m.erased(users)...))
		config := projections.Config{FillBytes: 1 << (6 + m.rand.IntN(15)), TimeZone: m.pick("UTC", paris).(string)}
		t.Run(fmt.Sprintf("%d users, shards of %d bytes", users, config.FillBytes), func(t *testing.T) {
			followed, filled := newHouse(t, database), newHouse(t, database)
			for _, h := range []*house{followed, filled} {
				for rest := events; len(rest) > 0; {
					n := min(70, len(rest))
					h.appendJudged(rest[:n]...)
					rest = rest[n:]
				}
			}
			quick := followed.quick()
			quick.TimeZone = config.TimeZone
			followed.project(quick)
			bulk := filled.filling()
			bulk.TimeZone, bulk.FillBytes = config.TimeZone, config.FillBytes
			filled.fill(bulk)
			wantSame(t, "filled", followed.dump(), filled.dump())

			// And it is followed from there as if it had been from the beginning.
			more := m.user("user-000")
			for _, h := range []*house{followed, filled} {
				h.appendJudged(more...)
				h.project(quick)
			}
			wantSame(t, "filled and followed", followed.dump(), filled.dump())
		})
	}
}

// happens waits until a channel is closed.
func (h *house) happens(what string, c <-chan struct{}) {
	h.t.Helper()
	select {
	case <-c:
	case <-time.After(deadline):
		h.t.Fatalf("waited in vain until %s", what)
	}
}

// appendJudged puts events into the log, some of which may be refused because
// their users were erased.
func (h *house) appendJudged(events ...*domain.Event) {
	h.t.Helper()
	b := eventstore.Batch{Stream: "projectionstest"}
	for _, e := range events {
		h.sequence++
		b.Messages = append(b.Messages, eventstore.Incoming{
			Sequence: h.sequence, Event: e, Raw: e.MarshalCloudEvent(), ReceivedAt: now,
		})
	}
	if _, err := h.log.Append(h.t.Context(), b); err != nil {
		h.t.Fatal(err)
	}
}

func fillsUnseen(t *testing.T, database Database) {
	events := newMaker(t, 60).history(20)
	h := newHouse(t, database)
	r := h.start(h.quick())
	h.eventually("the read models are live", func() bool { return r.Status().Live })
	r.stop()
	was := h.live()
	h.append(events...)

	// A shard with users is written, and another isn't read until it is let.
	log, stopped, pass := h.stoppedLog(h.usersFilled())
	r = h.startOn(h.models, log, h.filling())
	h.happens("another shard is asked for", stopped)
	if h.live() != was || h.position() != 0 {
		t.Errorf("%s at %d answers while the read models are being filled", h.live(), h.position())
	}
	for table, lines := range h.dump() {
		if len(lines) > 0 {
			t.Errorf("while the read models are being filled, %d rows of %s can be seen", len(lines), table)
		}
	}
	s := r.Status()
	if !s.Projecting || s.Live || !s.Filling || s.Filled <= 0 || s.Filled >= 1 || s.Position != 0 ||
		s.Behind() != int64(h.head()) || s.Lag <= 0 || s.Problem != nil {
		t.Errorf("the status while the read models are being filled: %+v", s)
	}
	close(pass)
	h.caughtUp(r)
	if s := r.Status(); s.Filling || s.Filled != 0 || s.Position != h.head() {
		t.Errorf("the status afterwards: %+v", s)
	}
	if h.live() == was {
		t.Error("what was filled isn't live")
	}
	wantSame(t, "filled", uninterrupted(t, database, events), h.dump())
}

// stoppedLog is a log that can be filled from up to a shard, from the second on,
// which is asked for when enough holds, and waits until pass is closed.
func (h *house) stoppedLog(enough func() bool) (log *gatedLog, stopped, pass chan struct{}) {
	log = h.fillingLog()
	stopped, pass = make(chan struct{}), make(chan struct{})
	var once sync.Once
	log.keys = func(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error) {
		if users.First > 0 && enough() {
			once.Do(func() { close(stopped) })
			select {
			case <-pass:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return h.log.Keys(ctx, users, limit)
	}
	return log, stopped, pass
}

// usersFilled says whether users are in the generation that is filled, and a shard
// after the first has been read. The first shards may have no users, since keys are
// random.
func (h *house) usersFilled() func() bool {
	var asked atomic.Int64
	return func() bool { return asked.Add(1) > 1 && h.rowsOf(2, "users") > 0 }
}

// rowsOf counts the rows of a table of a generation.
func (h *house) rowsOf(generation int, table string) (rows int) {
	h.t.Helper()
	name, _ := strings.CutSuffix(h.live(), "_1")
	db, err := h.db.Schema(h.t.Context(), fmt.Sprint(name, "_", generation))
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if err := db.SQL().QueryRowContext(h.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&rows); err != nil {
		return 0 // it isn't there yet
	}
	return rows
}

func fillKilled(t *testing.T, database Database) {
	events := newMaker(t, 61).history(20)
	for name, next := range map[string]func(h *house) projections.Config{"filled": (*house).filling, "followed": (*house).quick} {
		t.Run(name+" by the next", func(t *testing.T) {
			h := newHouse(t, database)
			h.append(events...)
			config := h.filling()
			log, stopped, _ := h.stoppedLog(h.usersFilled())
			models := h.openModels(h.open())
			h.startOn(models, log, config)
			h.happens("another shard is asked for", stopped)
			if err := models.Close(); err != nil {
				t.Fatal(err)
			}
			h.exec(2, "UPDATE generation SET lease_until = NULL") // its lease runs out
			config = next(h)
			config.FillFrom *= 10
			r := h.start(config)
			h.caughtUp(r)
			wantSame(t, "after a projector was killed while it filled", uninterrupted(t, database, events), h.dump())
		})
	}
}

func fillLostLease(t *testing.T, database Database) {
	events := newMaker(t, 62).history(20)
	h := newHouse(t, database)
	h.append(events...)

	// The slow one has read its first shard, and can't renew its lease.
	asleep, awake := make(chan struct{}), make(chan struct{})
	var once sync.Once
	log := h.fillingLog()
	log.erasedSince = func(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error) {
		once.Do(func() {
			close(asleep)
			<-awake
		})
		return h.log.ErasedSince(ctx, keys)
	}
	errs := &errorLog{}
	config := h.filling()
	config.Lease, config.Logger = time.Hour, slog.New(errs)
	h.startOn(h.openModels(h.open()), log, config)
	h.happens("a shard is folded", asleep)
	h.exec(2, "UPDATE generation SET lease_until = NULL")

	other, stopped, pass := h.stoppedLog(func() bool { return true })
	undisturbed := &errorLog{}
	config = h.filling()
	config.Logger = slog.New(undisturbed)
	r := h.startOn(h.models, other, config)
	h.happens("another shard is asked for", stopped)
	close(awake)
	h.eventually("the slow one can't save", func() bool {
		return errs.count(func(err error) bool { return errors.Is(err, projections.ErrLeaseLost) }) > 0
	})
	close(pass)
	h.caughtUp(r)
	if n := undisturbed.count(func(error) bool { return true }); n > 0 {
		t.Errorf("what the slow one wrote disturbed the other: %v", undisturbed.errs)
	}
	wantSame(t, "with a projector that lost its lease", uninterrupted(t, database, events), h.dump())
}

// exec changes a generation.
func (h *house) exec(generation int, text string) {
	h.t.Helper()
	name, _ := strings.CutSuffix(h.live(), "_1")
	db, err := h.db.Schema(h.t.Context(), fmt.Sprint(name, "_", generation))
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.SQL().ExecContext(h.t.Context(), text); err != nil {
		h.t.Fatal(err)
	}
}

func fillByOne(t *testing.T, database Database) {
	m := newMaker(t, 63)
	events := m.history(20)
	h := newHouse(t, database)
	h.append(events...)
	var shards atomic.Int64
	var runners []*running
	for range 3 {
		log := &gatedLog{Log: h.log}
		log.keys = func(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error) {
			if users.First == 0 {
				shards.Add(1)
			}
			return h.log.Keys(ctx, users, limit)
		}
		runners = append(runners, h.startOn(h.openModels(h.open()), log, h.filling()))
	}
	h.eventually("one of them has caught up", func() bool {
		for _, r := range runners {
			if s := r.Status(); s.Live && s.Projecting && s.Position == h.head() {
				return true
			}
		}
		return false
	})
	if n := shards.Load(); n != 1 {
		t.Errorf("the read models were filled %d times", n)
	}
	h.append(m.event(domain.UserRegistered, "late", start, nil))
	h.eventually("it is followed", func() bool { return h.position() == h.head() })
	for _, r := range runners {
		if err := r.Status().Problem; errors.Is(err, projections.ErrSuperseded) {
			t.Error("a runner stands idle, though what is live is what it wants")
		}
	}
}

func fillErasure(t *testing.T, database Database) {
	m := newMaker(t, 65)
	h := newHouse(t, database)
	const person = "whoever"
	h.append(m.history(3)...)
	h.append(m.event(domain.UserRegistered, person, start, fields{"email": person + "@example.org"}),
		m.event(domain.SubscriptionStarted, person, start, fields{"subscription_id": "x", "offer_id": "o"}),
		m.event(domain.SubscriptionCanceled, person, now-hour, fields{"subscription_id": "x", "comment": "known to " + person}))
	head := h.head()

	// The erasure comes when everything is folded and nothing written, and is
	// not followed until that is let.
	pass := make(chan struct{})
	var once sync.Once
	log := &gatedLog{Log: h.log}
	log.erasedSince = func(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error) {
		once.Do(func() { h.append(m.event(domain.UserErased, person, now, nil)) })
		return h.log.ErasedSince(ctx, keys)
	}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after >= head {
			select {
			case <-pass:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return h.log.Read(ctx, after, limit)
	}
	config := h.filling()
	config.FillBytes = 1 << 20
	r := h.startOn(h.models, log, config)
	h.eventually("the read models are filled", func() bool { return r.Status().Position == head })
	name, _ := strings.CutSuffix(h.live(), "_1")
	before := h.dumpOf(name + "_2")
	if before.contains(person) || !before.contains("user-002") {
		t.Errorf("users after the erasure: %v", before["users"])
	}
	close(pass)
	h.caughtUp(r)
	r.stop()
	wantSame(t, "after the erasure has been followed", before, h.dump())
	h.rebuild()
	wantSame(t, "rebuilt", before, h.dump())
}

func fillErasureStorm(t *testing.T, database Database) {
	m := newMaker(t, 66)
	h := newHouse(t, database)
	const users = 20
	h.append(m.history(users)...)
	var mu sync.Mutex
	erased := 0
	erase := func() {
		mu.Lock()
		defer mu.Unlock()
		if erased < users {
			h.append(m.event(domain.UserErased, fmt.Sprintf("user-%03d", erased), now, nil))
			erased++
		}
	}
	var begun atomic.Int64
	log := &gatedLog{Log: h.log}
	log.keys = func(ctx context.Context, of eventstore.UserRange, limit int) (*eventstore.Keys, error) {
		if of.First == 0 {
			begun.Add(1)
		}
		keys, err := h.log.Keys(ctx, of, limit)
		erase()
		return keys, err
	}
	log.erasedSince = func(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error) {
		defer erase() // after the look, before the rows are written
		return h.log.ErasedSince(ctx, keys)
	}
	r := h.startOn(h.models, log, h.filling())
	h.caughtUp(r)
	for erased < users {
		erase()
	}
	h.caughtUp(r)
	if n := begun.Load(); n != 1 {
		t.Errorf("filling was begun %d times", n)
	}
	if h.dump().contains("user-0") {
		t.Error("somebody can still be read")
	}
	if counted := h.usersCounted(); counted != 0 {
		t.Errorf("%d users are counted, want none", counted)
	}
	r.stop()
	got := h.dump()
	h.rebuild()
	wantSame(t, "rebuilt", got, h.dump())
}
