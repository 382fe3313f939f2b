// This file has the cases about what the rows are: a function of the set of
// events.

package projectionstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// wantSame fails where two dumps differ.
func wantSame(t *testing.T, what string, want, got dump) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func anyOrder(t *testing.T, database Database) {
	m := newMaker(t, 1)
	events := m.history(40)
	straight := newHouse(t, database)
	straight.append(events...)
	straight.project(straight.quick())
	want := straight.dump()
	for _, table := range dumped {
		if len(want[table.table]) == 0 {
			t.Fatalf("the history has no rows of %s", table.table)
		}
	}

	for _, way := range []struct {
		name          string
		batch, append int
	}{
		{"one by one", 1, 100}, {"by sevens, live", 7, 40}, {"all at once", 100_000, 100_000},
	} {
		t.Run(way.name, func(t *testing.T) {
			h := newHouse(t, database)
			config := h.quick()
			config.BatchEvents = way.batch
			r := h.start(config)
			for rest := m.shuffled(events); len(rest) > 0; {
				n := min(way.append, len(rest))
				h.append(rest[:n]...)
				rest = rest[n:]
			}
			h.caughtUp(r)
			wantSame(t, "another order, other batches, some events twice", want, h.dump())
		})
	}
}

func lateEvent(t *testing.T, database Database) {
	m := newMaker(t, 2)
	var inTime, late, events []*domain.Event
	for i := range 5 {
		of := m.changeful(fmt.Sprint("late-", i))
		events = append(events, of...)
		late = append(late, of[i])
		inTime = append(inTime, slices.Delete(slices.Clone(of), i, i+1)...)
	}
	h := newHouse(t, database)
	r := h.start(h.quick())
	h.append(inTime...)
	h.caughtUp(r)
	for _, e := range late {
		h.append(e)
		h.caughtUp(r)
	}
	wantSame(t, "each event comes last once", uninterrupted(t, database, events), h.dump())
}

// changeful makes the events of a user of whom each changes what the others do.
func (m *maker) changeful(user string) []*domain.Event {
	end := func(days domain.Instant) fields {
		return fields{"subscription_id": "s", "offer_id": "o", "ends_at": (start + days*day).String()}
	}
	return []*domain.Event{
		m.event(domain.UserRegistered, user, start, fields{"email": "a@example.org"}),
		m.event(domain.SubscriptionStarted, user, start+day, end(30)),
		m.event(domain.SubscriptionCanceled, user, start+2*day, end(20)),
		m.event(domain.SubscriptionResumed, user, start+3*day, end(60)),
		m.event(domain.UserUpdated, user, start+4*day, fields{"email": "b@example.org"}),
	}
}

func emptyLog(t *testing.T, database Database) {
	h := newHouse(t, database)
	r := h.start(h.quick())
	h.eventually("the read models are live", func() bool { return r.Status().Live })
	for table, lines := range h.dump() {
		if len(lines) > 0 {
			t.Errorf("%s has rows", table)
		}
	}
}

func playback(t *testing.T, database Database) {
	m := newMaker(t, 3)
	h := newHouse(t, database)
	r := h.start(h.quick())
	h.append(m.event(domain.UserRegistered, "ana", start+day, fields{"email": "a@example.org"}))
	h.caughtUp(r)
	before := h.dump()

	h.append(m.session("ana", "s1", start+2*day)...)
	h.caughtUp(r)
	after := h.dump()
	if len(after["sessions"]) != 1 {
		t.Errorf("sessions: %d rows, want 1", len(after["sessions"]))
	}
	after["sessions"] = nil
	wantSame(t, "what a known user plays leaves all but sessions alone", before, after)

	h.append(m.event(domain.PlaybackStarted, "ana", start, fields{"session_id": "s0", "content_id": "c"}))
	h.append(m.event(domain.PlaybackStarted, "ben", start, fields{"session_id": "s0", "content_id": "c"}))
	h.caughtUp(r)
	after = h.dump()
	for _, name := range []string{"ana", "ben"} {
		want := fmt.Sprintf("user_key=%s id=%[1]s first_event_at=%d ", name, start)
		if !anyLine(after["users"], func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("users: no row begins with %q in\n%s", want, strings.Join(after["users"], "\n"))
		}
	}
}

func anyLine(lines []string, holds func(string) bool) bool {
	return slices.ContainsFunc(lines, holds)
}

func statusRunsOut(t *testing.T, database Database) {
	m := newMaker(t, 4)
	h := newHouse(t, database)
	end := now + day
	h.append(m.event(domain.SubscriptionStarted, "ana", now-day,
		fields{"subscription_id": "s", "offer_id": "o", "ends_at": end.String()}))
	r := h.start(h.quick())
	h.caughtUp(r)
	status := func(want string) func() bool {
		return func() bool {
			return anyLine(h.dump()["users"], func(line string) bool { return strings.HasSuffix(line, want) })
		}
	}
	active := fmt.Sprintf("status=active status_since=%d status_from=%[1]d status_until=%d", now-day, end)
	if !status(active)() {
		t.Fatalf("no row ends in %q in %v", active, h.dump()["users"])
	}
	h.clock.Store(int64(end - 1))
	h.append(m.event(domain.UserRegistered, "ben", now, nil))
	h.caughtUp(r)
	if !status(active)() {
		t.Errorf("a microsecond before the end: %v", h.dump()["users"])
	}
	h.clock.Store(int64(end))
	h.eventually("the status is canceled",
		status(fmt.Sprintf("status=canceled status_since=%d status_from=%[1]d status_until=-", end)))
}

func ledgerSums(t *testing.T, database Database) {
	h := newHouse(t, database)
	h.append(newMaker(t, 5).history(30)...)
	for _, name := range []string{"UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"} {
		config := h.quick()
		config.TimeZone = name
		h.project(config)
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { checkSums(t, h, domain.Calendar{Zone: zone}) })
	}
}

// checkSums sums the changes again and compares with what is kept.
func checkSums(t *testing.T, h *house, c domain.Calendar) {
	t.Helper()
	type key struct {
		counter string
		from    int64
	}
	hours, months := map[key]int64{}, map[key]int64{}
	for k, delta := range h.ledger("kpi_changes", "at") {
		at := domain.Instant(k.at)
		first := c.Start(c.MonthOf(at))
		months[key{k.counter, int64(first)}] += delta
		hours[key{k.counter, int64(first + (at-first)/hour*hour)}] += delta
	}
	for table, want := range map[string]map[key]int64{"kpi_hours": hours, "kpi_months": months} {
		got := map[key]int64{}
		for k, delta := range h.ledger(table, "from_at") {
			got[key{k.counter, k.at}] = delta
		}
		for k, delta := range want {
			if delta == 0 {
				delete(want, k)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
}

type ledgerKey struct {
	counter string
	at      int64
}

// ledger reads one of the ledger's tables of the live generation.
func (h *house) ledger(table, at string) map[ledgerKey]int64 {
	h.t.Helper()
	entries := map[ledgerKey]int64{}
	h.query("SELECT counter, "+at+", delta FROM "+table, func(scan func(...any) error) error {
		var counter string
		var at sqldb.Micros
		var delta int64
		err := scan(&counter, &at, &delta)
		if delta == 0 {
			h.t.Errorf("%s: %s at %d is zero", table, counter, at)
		}
		entries[ledgerKey{counter, int64(at)}] = delta
		return err
	})
	return entries
}

// query reads rows of the live generation.
func (h *house) query(text string, row func(scan func(...any) error) error) {
	h.t.Helper()
	db := h.liveDB()
	defer db.Close()
	rows, err := db.SQL().QueryContext(h.t.Context(), text)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
}

// liveDB opens the live generation.
func (h *house) liveDB() *sqldb.DB {
	h.t.Helper()
	name, err := h.models.Live(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	db, err := h.db.Schema(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return db
}

var _ projections.Log = (*gatedLog)(nil)
