// This file has the cases about events that are retracted: the rows are those of a
// log to which they never came.

package projectionstest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// retract makes an event that retracts another one, about the same user.
func (m *maker) retract(e *domain.Event) *domain.Event { return m.retractAs(e.Subject, e) }

// retractAs makes one that is about a user and names an event of whomever.
func (m *maker) retractAs(user string, e *domain.Event) *domain.Event {
	return m.event(domain.EventRetracted, user, now-m.within(100*day), fields{"source": e.Source, "id": e.ID})
}

// A retractedHistory is a history with retractions, and the same without them and
// without what they retract.
type retractedHistory struct{ with, without []*domain.Event }

// retracted makes the history of some users, of whom some have nothing left.
func (m *maker) retracted(users int) retractedHistory {
	var h retractedHistory
	for i := range users {
		id := fmt.Sprintf("user-%03d", i)
		events := append(m.user(id), m.changeful(id)...)
		rate := m.rand.IntN(6) // one in so many is retracted
		for _, e := range events {
			h.with = append(h.with, e)
			if rate == 0 || m.rand.IntN(1+rate) == 0 {
				h.with = append(h.with, m.retract(e))
				if m.rand.IntN(4) == 0 {
					h.with = append(h.with, m.retract(e)) // by another event once more
				}
			} else {
				h.without = append(h.without, e)
			}
		}
	}
	return h
}

// idle adds retractions that do nothing.
func (m *maker) idle(events []*domain.Event) []*domain.Event {
	var idle []*domain.Event
	for range 10 {
		e := events[m.rand.IntN(len(events))]
		other := events[m.rand.IntN(len(events))]
		idle = append(idle, m.event(domain.EventRetracted, e.Subject, now, fields{"source": e.Source, "id": "nobody's"}),
			m.event(domain.EventRetracted, e.Subject, now, fields{"source": "/elsewhere", "id": e.ID}))
		if e.Subject != other.Subject {
			idle = append(idle, m.retractAs(other.Subject, e))
		}
	}
	idle = append(idle, m.retract(idle[0]))
	return append(idle, m.event(domain.EventRetracted, "nobody", now, fields{"source": "/tests", "id": events[0].ID}))
}

func retractions(t *testing.T, database Database) {
	for seed := range uint64(3) {
		m := newMaker(t, 200+seed)
		history := m.retracted(1 + m.rand.IntN(15))
		events := m.shuffled(append(history.with, m.idle(history.with)...))
		want := uninterrupted(t, database, history.without)
		for _, way := range []struct {
			name          string
			batch, append int
		}{
			{"one by one", 1, 30}, {"by sevens, live", 7, 40}, {"all at once", 100_000, 100_000},
		} {
			t.Run(fmt.Sprintf("%d: %s", seed, way.name), func(t *testing.T) {
				h := newHouse(t, database)
				config := h.quick()
				config.BatchEvents = way.batch
				r := h.start(config)
				for rest := events; len(rest) > 0; {
					n := min(way.append, len(rest))
					h.append(rest[:n]...)
					rest = rest[n:]
					h.caughtUp(r)
				}
				wantSame(t, "followed", want, h.dump())
				h.checkAll()
			})
		}
		for _, share := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d: 1/%d filled", seed, share), func(t *testing.T) {
				h := newHouse(t, database)
				h.append(events[:len(events)/share]...)
				config := h.filling()
				config.FillBytes = 1 << (9 + m.rand.IntN(12))
				h.fill(config)
				h.append(events[len(events)/share:]...)
				h.project(h.quick())
				wantSame(t, "filled, and the rest followed", want, h.dump())
				h.checkAll()
			})
		}
	}
}

// checkAll checks the rows of everybody by the log.
func (h *house) checkAll() {
	h.t.Helper()
	records, err := h.log.Read(h.t.Context(), 0, 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	reader := projections.NewReader(h.models, sessionTimeout)
	seen := map[eventstore.UserKey]bool{}
	for i := range records {
		user := records[i].User
		if seen[user] {
			continue
		}
		seen[user] = true
		if wrong, err := reader.CheckUser(h.t.Context(), h.log, user); err != nil || wrong != nil {
			h.t.Errorf("the rows of %q: %v, %v", records[i].Event.Subject, wrong, err)
		}
	}
}

// step appends events one after the other, each a batch of its own.
func (h *house) step(r *running, events ...*domain.Event) {
	h.t.Helper()
	for _, e := range events {
		h.append(e)
		h.caughtUp(r)
	}
}

func retractedAfter(t *testing.T, database Database) {
	m := newMaker(t, 210)
	var events, retractions, without []*domain.Event
	for i, last := 0, 1; i < last; i++ {
		user := fmt.Sprint("user-", i) // of whom the i-th event is retracted
		of := append(m.changeful(user), m.viewings(user)...)
		last = len(of)
		events, retractions = append(events, of...), append(retractions, m.retract(of[i]))
		without = append(without, slices.Delete(slices.Clone(of), i, i+1)...)
	}
	h := newHouse(t, database)
	h.append(events...)
	r := h.start(h.quick())
	h.caughtUp(r)
	h.step(r, retractions...)
	wantSame(t, "an event of each user is retracted", uninterrupted(t, database, without), h.dump())
}

// viewings makes the events of two viewing sessions, of which the first has
// several that each change it.
func (m *maker) viewings(user string) []*domain.Event {
	report := func(kind domain.Type, session string, at domain.Instant, more fields) *domain.Event {
		more["session_id"], more["content_id"] = session, "film"
		return m.event(kind, user, start-day+at, more)
	}
	return []*domain.Event{
		report(domain.PlaybackStarted, "v1", 0, fields{"title": "A film", "content_length_s": 100}),
		report(domain.PlaybackProgressed, "v1", 10*second, fields{"played": [][]int{{0, 10}}, "play_time_s": 10, "device": "tv"}),
		report(domain.PlaybackProgressed, "v1", 20*second, fields{"played": [][]int{{10, 90}}, "play_time_s": 90}),
		report(domain.PlaybackEnded, "v1", 30*second, fields{"position_s": 91}),
		report(domain.PlaybackStarted, "v2", hour, fields{}),
	}
}

func retractedBefore(t *testing.T, database Database) {
	m := newMaker(t, 211)
	events := append(m.changeful("ana"), m.session("ana", "v1", start+day)...)
	more := m.session("ana", "v2", start+2*day)
	h := newHouse(t, database)
	r := h.start(h.quick())
	for _, e := range events {
		h.step(r, m.retract(e))
	}
	for table, lines := range h.dump() {
		if len(lines) > 0 {
			t.Errorf("a user of whom there are retractions alone has rows of %s: %q", table, lines)
		}
	}
	h.step(r, events[1:4]...)
	for table, lines := range h.dump() {
		if len(lines) > 0 {
			t.Errorf("a user whose events are all retracted has rows of %s: %q", table, lines)
		}
	}
	r.stop() // and who comes after knows as much
	r = h.start(h.quick())
	h.step(r, events...)
	h.step(r, more...)
	wantSame(t, "what came before its events", uninterrupted(t, database, more), h.dump())
}

func retractedForNothing(t *testing.T, database Database) {
	m := newMaker(t, 212)
	events := append(m.history(5), m.changeful("user-000")...)
	erased := m.event(domain.UserErased, "user-001", now, nil)
	h := newHouse(t, database)
	log := &gatedLog{Log: h.log, userHistory: func(user eventstore.UserKey) { t.Errorf("user %s is folded again", user) }}
	h.append(events...)
	r := h.startOn(h.models, log, h.quick())
	h.caughtUp(r)
	before := h.dump()
	for _, e := range m.idle(events) {
		h.append(e)
	}
	h.append(m.retractAs("user-000", erased), m.retract(erased))
	h.caughtUp(r)
	wantSame(t, "of what isn't there, of others, and of a retraction", before, h.dump())

	h.append(erased)
	h.caughtUp(r)
	if h.dump().contains("user-001") {
		t.Error("an erasure that was retracted before it came doesn't erase")
	}
}

func retractedOnce(t *testing.T, database Database) {
	m := newMaker(t, 213)
	reports := make([]*domain.Event, 1000)
	for i := range reports {
		reports[i] = m.event(domain.PlaybackProgressed, "ana", start+domain.Instant(i)*second,
			fields{"session_id": fmt.Sprint("v", i%50), "content_id": "film", "played": [][]int{{i, i + 1}}})
	}
	others := m.history(3)
	h := newHouse(t, database)
	var folded atomic.Int64
	log := &gatedLog{Log: h.log, userHistory: func(eventstore.UserKey) { folded.Add(1) }}
	config := h.quick()
	config.BatchEvents = 10_000
	h.append(append(others, reports...)...)
	r := h.startOn(h.models, log, config)
	h.caughtUp(r)
	retractions := make([]*domain.Event, 0, len(reports))
	for _, e := range reports {
		retractions = append(retractions, m.retract(e))
	}
	h.append(retractions...)
	h.caughtUp(r)
	if n := folded.Load(); n != 1 {
		t.Errorf("a thousand retractions about one user in one batch fold the user %d times, want once", n)
	}
	wantSame(t, "a thousand retractions", uninterrupted(t, database, others), h.dump())
	h.append(retractions[0], m.retract(reports[0])) // once more, and by another event
	h.caughtUp(r)
	if n := folded.Load(); n != 1 {
		t.Error("what was retracted before is folded again")
	}
}

func retractedMany(t *testing.T, database Database) {
	m := newMaker(t, 214)
	const users = 300 // more than are folded again at once
	var events, retractions []*domain.Event
	for i := range users {
		e := m.event(domain.UserRegistered, fmt.Sprint("user-", i), start+m.within(day), nil)
		events, retractions = append(events, e), append(retractions, m.retract(e))
	}
	h := newHouse(t, database)
	config := h.quick()
	config.BatchEvents = 10_000
	var folded atomic.Int64
	log := &gatedLog{Log: h.log, userHistory: func(eventstore.UserKey) { folded.Add(1) }}
	h.append(events...)
	r := h.startOn(h.models, log, config)
	h.caughtUp(r)
	h.append(retractions...)
	h.caughtUp(r)
	if n := folded.Load(); n != users {
		t.Errorf("%d of %d users are folded again", n, users)
	}
	wantSame(t, "more retractions than are folded at once", uninterrupted(t, database, nil), h.dump())
}

func retractedErased(t *testing.T, database Database) {
	m := newMaker(t, 215)
	const person = "user-002"
	events := m.history(4)
	events = append(events,
		m.event(domain.SubscriptionStarted, person, now-3*day, fields{"subscription_id": "x", "offer_id": "o"}),
		m.event(domain.SubscriptionCanceled, person, now-2*day, fields{"subscription_id": "x", "comment": "known to " + person}),
		m.event(domain.SubscriptionResumed, person, now-day, fields{"subscription_id": "x"}))
	retraction := m.retract(events[len(events)-1])
	erased := m.event(domain.UserErased, person, now, nil)
	want := uninterrupted(t, database, append(slices.Clone(events[:len(events)-1]), erased))
	for _, way := range []struct {
		name  string
		steps [][]*domain.Event
	}{
		{"all at once", [][]*domain.Event{append(slices.Clone(events), retraction, erased)}},
		{"after each other", [][]*domain.Event{events, {retraction}, {erased}}},
		{"the two together", [][]*domain.Event{events, {retraction, erased}}},
		{"the retraction first", [][]*domain.Event{{retraction}, events, {erased}}},
	} {
		h := newHouse(t, database)
		config := h.quick()
		config.BatchEvents = 1000
		r := h.start(config)
		for _, events := range way.steps {
			h.append(events...)
			h.caughtUp(r)
		}
		got := h.dump()
		wantSame(t, way.name, want, got)
		if got.contains(person) || got.contains(events[len(events)-1].ID) {
			t.Errorf("%s: something of an erased person, or of what was retracted of them, can be read", way.name)
		}
		if h = newHouse(t, database); len(way.steps) > 1 {
			for _, events := range way.steps {
				h.append(events...)
			}
			h.fill(h.filling())
			wantSame(t, way.name+", filled", want, h.dump())
		}
	}
}

func retractedInHistory(t *testing.T, database Database) {
	m := newMaker(t, 216)
	events := append(m.history(4), m.changeful("ana")...)
	retraction := m.retract(events[len(events)-1])
	h := newHouse(t, database)
	h.append(append(slices.Clone(events), retraction)...)
	h.project(h.quick())
	before := uninterrupted(t, database, events)
	after := uninterrupted(t, database, events[:len(events)-1])
	for name, config := range map[string]projections.Config{"followed": h.quick(), "filled": h.filling()} {
		at := eventstore.Position(len(events))
		wantSame(t, name+" up to before the retraction", before, h.dumpOf(h.part(h.history(config, name+"-before", at).Number)))
		wantSame(t, name+" up to the retraction", after, h.dumpOf(h.part(h.history(config, name+"-after", at+1).Number)))
	}
}

func (l *gatedLog) UserHistory(ctx context.Context, user eventstore.UserKey, after, upTo eventstore.Position) iter.Seq2[*eventstore.Record, error] {
	if l.userHistory != nil {
		l.userHistory(user)
	}
	return l.Log.UserHistory(ctx, user, after, upTo)
}
