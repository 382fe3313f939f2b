// This file is the part of a schedule that takes messages into the log, as
// ingest does: in batches, acknowledged after the commit and never before.

package projectionstest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/internal/sqldb"
)

// stream is the broker's stream in its incarnation.
const stream = "BOXOFFICE@2026-01-01T00:00:00Z"

// logSchemas are the names of the log's part of the database.
var logSchemas = map[sqldb.Engine]string{sqldb.Postgres: "boxoffice_log", sqldb.SQLite: "log"}

// batch draws some of the messages that wait, in any order.
func (s *schedule) batch() []uint64 {
	if len(s.waiting) == 0 {
		return nil
	}
	order := rapid.Permutation(s.waiting).Draw(s.t.rt, "order")
	return order[:rapid.IntRange(1, len(order)).Draw(s.t.rt, "size")]
}

func (s *schedule) store() *eventstore.Store {
	return s.stores[rapid.IntRange(0, processes-1).Draw(s.t.rt, "process")]
}

// ingest takes a batch in, during which something may go wrong in the database.
func (s *schedule) ingest() {
	if numbers := s.batch(); numbers != nil {
		s.deliver(s.store(), numbers, s.drawFault(logSchemas[s.db.Dialect().Name]))
	}
}

// loseAnswer takes a batch in through a process that dies before it
// acknowledges anything.
func (s *schedule) loseAnswer() {
	waiting := slices.Clone(s.waiting)
	if numbers := s.batch(); numbers != nil {
		s.deliver(s.store(), numbers, noFault)
		s.waiting = waiting
	}
}

// redeliver has the broker deliver again what was acknowledged, as it does
// where the acknowledgement didn't reach it.
func (s *schedule) redeliver() {
	for n := range s.messages {
		if number := uint64(n + 1); !slices.Contains(s.waiting, number) && rapid.Bool().Draw(s.t.rt, "again") {
			s.waiting = append(s.waiting, number)
		}
	}
}

// deliver appends a batch to a store and acknowledges it where that succeeds. The
// model takes it too where it is in the log: after an error too, if it was the
// answer to the commit that got lost.
func (s *schedule) deliver(store *eventstore.Store, numbers []uint64, f fault) {
	after, want := s.model.Clone(), map[storetest.Outcome]int{}
	b := eventstore.Batch{Stream: stream}
	for _, n := range numbers {
		d := s.messages[n-1]
		want[after.Take(n, d)]++
		in := d.Incoming(n, now)
		if (in.Refusal != nil) != (d.Bad || d.Broken) {
			s.t.Fatalf("the schedule's own event: %v", in.Refusal)
		}
		b.Messages = append(b.Messages, in)
	}
	s.install(f)
	account, err := store.Append(s.t.Context(), b)
	s.remove(f)
	if err != nil {
		if !f.set() {
			s.t.Fatalf("append: %v", err)
		}
		if cmp.Equal(logOf(after), s.readLog(s.stores[0])) {
			s.model = after
		}
		return
	}
	s.model = after
	got := map[storetest.Outcome]int{storetest.Appended: account.Appended, storetest.Duplicate: account.Duplicates, storetest.Refused: account.Refused}
	for outcome, n := range got {
		if want[outcome] != n {
			s.t.Fatalf("%v of the batch, want %v", got, want)
		}
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(n uint64) bool { return slices.Contains(numbers, n) })
}

// compareLog holds the log to the model, through every process.
func (s *schedule) compareLog() {
	want := logOf(s.model)
	for _, store := range s.stores {
		if diff := cmp.Diff(want, s.readLog(store)); diff != "" {
			s.t.Fatalf("the log (-want +got):\n%s", diff)
		}
	}
	s.compareAccounts()
}

// logOf says what a log should hold, as readLog reads it.
func logOf(m *storetest.Model) []string {
	lines := []string{}
	first := map[*storetest.ModelUser]int{}
	for i, e := range m.Events {
		if _, ok := first[e.User]; !ok {
			first[e.User] = i
		}
		subject := e.Draft.Subject
		if e.User.Erased {
			subject = ""
		}
		lines = append(lines, fmt.Sprintf("%d %s %s of user %d %q", i+1, e.Draft.Kind, e.Draft.ID, first[e.User], subject))
	}
	var kept []string
	for _, r := range m.Refused {
		body := string(r.Draft.Text())
		if r.Bare {
			body = ""
		}
		kept = append(kept, fmt.Sprintf("%s %s", r.Reason, body))
	}
	slices.Sort(kept)
	return append(lines, kept...)
}

// readLog reads every position, and what is kept as refused.
func (s *schedule) readLog(store *eventstore.Store) []string {
	lines := []string{}
	first := map[eventstore.UserKey]int{}
	records, err := store.Read(s.t.Context(), 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, r := range records {
		if _, ok := first[r.User]; !ok {
			first[r.User] = i
		}
		lines = append(lines, fmt.Sprintf("%d %s %s of user %d %q", r.Position, r.Event.Type, r.Event.ID, first[r.User], r.Event.Subject))
	}
	refused, _, err := store.Refused(s.t.Context(), eventstore.RefusedQuery{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	var kept []string
	for _, r := range refused {
		kept = append(kept, fmt.Sprintf("%s %s", r.Reason, r.Body))
	}
	slices.Sort(kept)
	return append(lines, kept...)
}

// compareAccounts holds the sums over all accounts to the log: what they say was
// appended is what is there. The positions that they name follow each other, but
// for those of one batch, which may overlap: there are as many as were appended.
func (s *schedule) compareAccounts() {
	db := s.schema(logSchemas[s.db.Dialect().Name])
	defer db.Close()
	rows, err := db.SQL().QueryContext(s.t.Context(),
		"SELECT appended, first_position, last_position FROM accounts WHERE appended > 0 ORDER BY first_position")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	end, sum := 0, 0 // of the positions that were named so far
	for rows.Next() {
		var appended, from, to int
		if err := rows.Scan(&appended, &from, &to); err != nil {
			s.t.Fatal(err)
		}
		if from > end && (from != end+1 || sum != end) {
			s.t.Fatalf("up to position %d the accounts have %d events, and the next says %d to %d", end, sum, from, to)
		}
		end, sum = max(end, to), sum+appended
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	if end != len(s.model.Events) || sum != end {
		s.t.Fatalf("the accounts have %d events and end at position %d, want %d", sum, end, len(s.model.Events))
	}
}
