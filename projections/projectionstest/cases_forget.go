// This file has the cases about erasure in generations that nothing follows,
// and about rewriting tables.

package projectionstest

import (
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

const forgottenPerson = "user-003"

// retire makes a generation that is no longer live and is kept, and leaves a
// runner at work in another. It returns the name of the one that was retired.
func (h *house) retire() (was string, r *running) {
	h.t.Helper()
	h.project(h.quick())
	was = h.live()
	config := h.quick()
	config.TimeZone, config.Grace = paris, time.Hour
	h.project(config) // which may have followed the old one too, until it stopped
	r = h.start(config)
	h.caughtUp(r)
	return was, r
}

// forgotten waits until everybody who was erased is forgotten everywhere.
func (h *house) forgotten() {
	h.t.Helper()
	head, err := h.log.Head(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.eventually("every generation has forgotten", func() bool {
		done, err := h.models.Forgotten(h.t.Context(), head)
		if err != nil {
			h.t.Fatal(err)
		}
		return done
	})
}

func erasureEverywhere(t *testing.T, database Database) {
	m := newMaker(t, 24)
	events := append(m.history(10),
		m.event(domain.SubscriptionStarted, forgottenPerson, now-day, fields{"subscription_id": "x", "offer_id": "o"}),
		m.event(domain.SubscriptionCanceled, forgottenPerson, now-hour, fields{"subscription_id": "x", "comment": "known to " + forgottenPerson}))
	erasure := m.event(domain.UserErased, forgottenPerson, now, nil)
	h := newHouse(t, database)
	h.append(events...)
	was, r := h.retire()
	if !h.dumpOf(was).contains(forgottenPerson) {
		t.Fatal("the person isn't there before the erasure")
	}
	before := h.head()
	h.append(erasure)
	h.forgotten()
	if h.dump().contains(forgottenPerson) || h.dumpOf(was).contains(forgottenPerson) {
		t.Error("the person can still be read")
	}
	want := newHouse(t, database)
	want.append(append(events, erasure)...)
	want.project(want.quick())
	wantSame(t, "the generation that nothing follows", want.dump(), h.dumpOf(was))
	if position := h.positionOf(was); position != before {
		t.Errorf("the generation that nothing follows has moved from %d to %d", before, position)
	}
	r.stop()
}

// positionOf returns the position of a generation.
func (h *house) positionOf(name string) (position eventstore.Position) {
	h.t.Helper()
	db, err := h.db.Schema(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if err := db.SQL().QueryRowContext(h.t.Context(), "SELECT position FROM generation").Scan(&position); err != nil {
		h.t.Fatal(err)
	}
	return position
}

func erasureOtherVersion(t *testing.T, database Database) {
	m := newMaker(t, 25)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	was, _ := h.retire()
	old, err := h.db.Schema(t.Context(), was)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := old.SQL().ExecContext(t.Context(), "UPDATE generation SET fold_version = fold_version - 1"); err != nil {
		t.Fatal(err)
	}
	h.append(m.event(domain.UserErased, forgottenPerson, now, nil))
	h.forgotten()
	got := h.dumpOf(was)
	if got.contains(forgottenPerson) {
		t.Error("the person can still be read")
	}
	if !got.contains("user-004") || len(got["users"]) != 10 || len(got["user_facts"]) != 9 {
		t.Errorf("others aren't as they were: %d users, %d facts", len(got["users"]), len(got["user_facts"]))
	}
}

func erasureUnbegun(t *testing.T, database Database) {
	m := newMaker(t, 27)
	h := newHouse(t, database)
	h.append(m.history(10)...)
	was, _ := h.retire()
	left, err := h.db.Schema(t.Context(), was)
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	if _, err := left.SQL().ExecContext(t.Context(), "UPDATE generation SET position = 0"); err != nil {
		t.Fatal(err)
	}
	h.append(m.event(domain.UserErased, forgottenPerson, now, nil))
	h.forgotten()
	if h.dumpOf(was).contains("user-0") {
		t.Error("rows that count for nothing are still there")
	}
}

func scrubKeepsRows(t *testing.T, database Database) {
	m := newMaker(t, 26)
	h := newHouse(t, database)
	events := m.history(10)
	h.append(events...)
	was, r := h.retire()
	before, beforeWas := h.dump(), h.dumpOf(was)
	for range 2 {
		if err := h.models.Scrub(t.Context(), func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
	}
	wantSame(t, "the live generation after a scrub", before, h.dump())
	wantSame(t, "the other generation after a scrub", beforeWas, h.dumpOf(was))
	// It goes on, with the indexes that it needs.
	more := append(m.user("late"), m.event(domain.UserErased, "late", now, nil))
	h.append(more...)
	h.caughtUp(r)
	want := newHouse(t, database)
	want.append(append(events, more...)...)
	config := want.quick()
	config.TimeZone = paris
	want.project(config)
	wantSame(t, "the live generation when it has gone on", want.dump(), h.dump())
}
