// This file has the cases about erasure: what is gone, and what stays.

package projectionstest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// paris is the configuration of another time zone: changing it and back builds
// the rows again.
const paris = "Europe/Paris"

func erasure(t *testing.T, database Database) {
	m := newMaker(t, 20)
	h := newHouse(t, database)
	const person = "user-007"
	h.append(m.history(20)...)
	h.append(m.event(domain.SubscriptionStarted, person, now-day, fields{"subscription_id": "x", "offer_id": "o"}),
		m.event(domain.SubscriptionCanceled, person, now-hour, fields{"subscription_id": "x", "comment": "known to " + person}))
	h.append(m.session(person, "the-session", now-day)...)
	r := h.start(h.quick())
	h.caughtUp(r)
	before := h.dump()
	if !before.contains(person) {
		t.Fatal("the person isn't there before the erasure")
	}

	h.append(m.event(domain.UserErased, person, now, nil))
	h.caughtUp(r)
	after := h.dump()
	if after.contains(person) {
		t.Errorf("the id can still be read")
	}
	// The counts of users, and what tells the erased among the counted apart.
	users := func(line string) bool {
		return strings.HasPrefix(line, "counter=users:") || strings.HasPrefix(line, "counter=erased:")
	}
	for _, table := range []string{"kpi_changes", "kpi_hours", "kpi_months"} {
		want, got := before.without(table, users)[table], after.without(table, users)[table]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s has changed (-before +after):\n%s", table, diff)
		}
	}
	for _, table := range []string{"users", "entitlements", "periods", "sessions", "kpi_members"} {
		if len(before[table]) != len(after[table]) {
			t.Errorf("%s had %d rows and has %d", table, len(before[table]), len(after[table]))
		}
	}
	if counted := h.usersCounted(); counted != 19 {
		t.Errorf("%d users are counted, want 19", counted)
	}
	r.stop()
	h.rebuild()
	wantSame(t, "rebuilt after the erasure", after, h.dump())
}

// usersCounted sums the counts of users of each status.
func (h *house) usersCounted() int64 {
	h.t.Helper()
	var sum int64
	for key, delta := range h.ledger("kpi_months", "from_at") {
		if strings.HasPrefix(key.counter, "users:") {
			sum += delta
		}
	}
	return sum
}

// rebuild builds the rows again from the log.
func (h *house) rebuild() {
	h.t.Helper()
	was, err := h.models.Live(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	config := h.quick()
	config.TimeZone = paris
	h.project(config)
	h.project(h.quick())
	if is, err := h.models.Live(h.t.Context()); err != nil || is == was {
		h.t.Fatalf("the rows were not rebuilt: %v", err)
	}
}

func erasureInBetween(t *testing.T, database Database) {
	m := newMaker(t, 21)
	h := newHouse(t, database)
	h.append(
		m.event(domain.UserRegistered, "ana", start, fields{"email": "ana@example.org", "first_name": "Ana Maria"}),
		m.event(domain.UserRegistered, "ben", start, fields{"email": "ben@example.org"}))
	before := h.head()

	// The erasure comes when the events have been read and not yet saved; the
	// log is seen to end before it, so that only the look at the erasures can
	// tell.
	var once sync.Once
	var open atomic.Bool
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if after >= before && !open.Load() {
			return nil, nil
		}
		records, err := h.log.Read(ctx, after, limit)
		once.Do(func() { h.append(m.event(domain.UserErased, "ana", now, nil)) })
		if !open.Load() {
			records = records[:min(len(records), int(before-after))]
		}
		return records, err
	}
	r := h.startOn(h.models, log, h.quick())
	h.eventually("the first events are saved", func() bool { return r.Status().Position == before })
	saved := h.dump()
	if saved.contains("ana") || saved.contains("Ana Maria") {
		t.Errorf("the person can be read after the erasure: %v", saved["users"])
	}
	if !saved.contains("ben") {
		t.Errorf("the other person can't be read: %v", saved["users"])
	}
	open.Store(true)
	h.caughtUp(r)
	r.stop()
	h.rebuild()
	wantSame(t, "rebuilt", saved, h.dump())
}

func erasureStorm(t *testing.T, database Database) {
	m := newMaker(t, 22)
	h := newHouse(t, database)
	const users = 30
	h.append(m.history(users)...)
	var mu sync.Mutex
	erased := 0
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		records, err := h.log.Read(ctx, after, limit)
		mu.Lock()
		defer mu.Unlock()
		if erased < users {
			h.append(m.event(domain.UserErased, fmt.Sprintf("user-%03d", users-1-erased), now, nil))
			erased++
		}
		return records, err
	}
	config := h.quick()
	config.BatchEvents = 10
	r := h.startOn(h.models, log, config)
	h.eventually("everybody is erased", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return erased == users
	})
	h.caughtUp(r)
	if h.dump().contains("user-0") {
		t.Error("somebody can still be read")
	}
	if counted := h.usersCounted(); counted != 0 {
		t.Errorf("%d users are counted, want none", counted)
	}
}

func sameIDAgain(t *testing.T, database Database) {
	for _, size := range []int{1, 1000} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			m := newMaker(t, 23)
			h := newHouse(t, database)
			h.append(
				m.event(domain.UserRegistered, "ana", start, fields{"email": "first@example.org"}),
				m.event(domain.SubscriptionStarted, "ana", start, fields{"subscription_id": "s", "offer_id": "o"}))
			config := h.quick()
			config.BatchEvents = size
			r := h.start(config)
			h.caughtUp(r)
			h.append(
				m.event(domain.UserErased, "ana", start+day, nil),
				m.event(domain.UserRegistered, "ana", start+2*day, fields{"email": "second@example.org"}))
			h.caughtUp(r)
			got := h.dump()
			want := fmt.Sprintf("user_key=ana id=ana first_event_at=%d registered_at=%[1]d updated_at=%[1]d "+
				"email=second@example.org ", start+2*day)
			if !anyLine(got["users"], func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("no row begins with %q in %v", want, got["users"])
			}
			if len(got["users"]) != 2 || got.contains("first@example.org") {
				t.Errorf("users: %v", got["users"])
			}
			if counted := h.usersCounted(); counted != 1 {
				t.Errorf("%d users are counted, want 1", counted)
			}
			r.stop()
			h.rebuild()
			wantSame(t, "rebuilt", got, h.dump())
		})
	}
}
