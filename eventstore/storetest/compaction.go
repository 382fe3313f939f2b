// This file is the rules about compaction: the index of users, and accounts that
// become fewer.

package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/eventually"
)

var compactionRules = []rule{
	{"a user's events are found however far the log is compacted", "whatever of the log is indexed, one user's history is the same, whole and in pages, with filters and without", testIndexed},
	{"compaction may overtake readers", "who reads a user's events while the log is appended to and compacted, by several processes, misses none and gets none twice", testCompactionRaces},
	{"accounts become fewer", "accounts of neighbouring and overlapping ranges become one with the sums of their counts, gaps stay, and no sequence number is lost", testAccountsCompacted},
	{"an account isn't lost", "the database refuses to remove an account whose range no other accounts for", testAccountsKept},
	{"few rows are left", "the rows of the index and of accounts don't grow with the number of batches", testFewRows},
	{"compaction runs by itself", "RunCompaction compacts what is appended, and ends without an error when its context does", testRunCompaction},
}

func testIndexed(t *testing.T, l *Log) {
	s := l.Open(t)
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []domain.Type{domain.UserUpdated, domain.PlaybackProgressed}
	// The log ends at block's ends, before and behind them.
	for n, sizes := 0, []int{1, 6, 1, 1, 23, 1, 95, 1, 3, 120, 8, 9, 120}; len(sizes) > 0; sizes = sizes[1:] {
		var messages []eventstore.Incoming
		for ; len(messages) < sizes[0]; n++ {
			messages = append(messages, event(message{kind: kinds[n%2], subject: fmt.Sprint("user ", random.IntN(5)), id: fmt.Sprint(n),
				at: fmt.Sprintf("2026-10-01T00:%02d:00Z", n%60)}))
		}
		mustAppend(t, s, batch(uint64(n+1), messages...), len(messages), 0, 0)
		for _, compact := range []bool{false, true} {
			if compact {
				mustCompact(t, s)
			}
			sameHistories(t, s)
		}
	}
}

// sameHistories holds the histories of users to what all history has of them.
func sameHistories(t *testing.T, s *eventstore.Store) {
	t.Helper()
	all := readAll(t, s)
	from, to := must(domain.ParseInstant("2026-10-01T00:10:00Z")), must(domain.ParseInstant("2026-10-01T00:40:00Z"))
	for i := range 6 {
		q := eventstore.SealedQuery{UserID: fmt.Sprint("user ", i)}
		key := subjectState(t, s, q.UserID).User
		var whole, filtered, part []string
		half := eventstore.Position(len(all) / 2)
		for _, r := range all {
			if r.Event.Subject != q.UserID {
				continue
			}
			whole = append(whole, r.Event.ID)
			if r.Event.Type == domain.UserUpdated && r.Event.Time >= from && r.Event.Time < to && r.Position > 3 {
				filtered = append(filtered, r.Event.ID)
			}
			if r.Position > half/2 && r.Position <= half {
				part = append(part, r.Event.ID)
			}
		}
		for _, limit := range []int{1, 7, 1000} {
			if diff := cmp.Diff(whole, sealedIDs(t, s, q, limit)); diff != "" {
				t.Fatalf("%d events, %s by %d: %s", len(all), q.UserID, limit, diff)
			}
		}
		q.Type, q.From, q.To, q.After = domain.UserUpdated, &from, &to, 3
		if diff := cmp.Diff(filtered, sealedIDs(t, s, q, 5)); diff != "" {
			t.Fatalf("%d events, filtered: %s", len(all), diff)
		}
		var history []string
		for r, err := range s.UserHistory(t.Context(), key, half/2, half) {
			if err != nil {
				t.Fatal(err)
			}
			history = append(history, r.Event.ID)
		}
		if diff := cmp.Diff(part, history); diff != "" {
			t.Fatalf("%d events, a part of the history: %s", len(all), diff)
		}
	}
}

func mustCompact(t *testing.T, s *eventstore.Store) {
	t.Helper()
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func testCompactionRaces(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	var working sync.WaitGroup
	appending := make(chan struct{})
	working.Go(func() {
		defer close(appending)
		for n := 0; n < 600; n += 3 {
			var messages []eventstore.Incoming
			for k := n; k < n+3; k++ {
				messages = append(messages, event(message{kind: domain.UserUpdated, subject: []string{"ana", "bo"}[k%2], id: fmt.Sprint(k)}))
			}
			if _, err := s.Append(t.Context(), batch(uint64(n+1), messages...)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, store := range []*eventstore.Store{s, other} {
		working.Go(func() {
			for ended := false; !ended; {
				select {
				case <-appending:
					ended = true
				default:
				}
				if err := store.Compact(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for ended := false; !ended; {
		select {
		case <-appending:
			ended = true
		default:
		}
		next := 0
		for r, err := range other.UserEvents(t.Context(), "ana") {
			if err != nil || r.Event.ID != fmt.Sprint(next) {
				t.Fatalf("after %d there comes %+v, %v", next-2, r, err)
			}
			next += 2
		}
		if ended && next != 600 {
			t.Errorf("only events up to %d were read", next-2)
		}
	}
	working.Wait()
}

func testAccountsCompacted(t *testing.T, l *Log) {
	s := l.Open(t)
	id := 0
	give := func(first uint64, n int) {
		t.Helper()
		var messages []eventstore.Incoming
		for range n {
			id++
			messages = append(messages, event(message{kind: domain.UserUpdated, subject: "ana", id: fmt.Sprint(id)}))
		}
		mustAppend(t, s, batch(first, messages...), n, 0, 0)
	}
	// Two processes take turns; 13 to 14 are missing; 65535 ends a window.
	for _, first := range []uint64{1, 4, 7, 10, 15, 18, 65530, 65533} {
		give(first, 3)
	}
	mustAppend(t, s, batch(5, judged([]byte("bad")), event(message{kind: domain.UserUpdated, subject: "ana", id: "1"})), 0, 1, 1) // overlaps
	give(65536, 2)
	mustCompact(t, s)
	if diff := cmp.Diff([]string{stream + ": 1-12 [12 1 1] 1-12", stream + ": 15-20 [6 0 0] 13-18",
		stream + ": 65530-65535 [6 0 0] 19-24", stream + ": 65536-65537 [2 0 0] 25-26"}, accounts(t, l, "first_sequence")); diff != "" {
		t.Error(diff)
	}
	give(13, 2) // fills the gap
	for n := range uint64(8) {
		mustAppend(t, s, batch(100+2*n, judged([]byte("bad"))), 0, 0, 1) // gaps of one
	}
	mustCompact(t, s)
	want := []string{stream + ": 1-20 [20 1 1] 1-28"}
	for n := range 8 {
		want = append(want, fmt.Sprintf("%s: %d-%d [0 0 1] 0-0", stream, 100+2*n, 100+2*n))
	}
	want = append(want, stream+": 65530-65535 [6 0 0] 19-24", stream+": 65536-65537 [2 0 0] 25-26")
	if diff := cmp.Diff(want, accounts(t, l, "first_sequence")); diff != "" {
		t.Error(diff)
	}
}

func testAccountsKept(t *testing.T, l *Log) {
	s := l.Open(t)
	for n := range uint64(9) {
		mustAppend(t, s, batch(n+1, judged([]byte("bad"))), 0, 0, 1)
	}
	refuses := func(statement string) {
		t.Helper()
		if _, err := l.SQL.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s is taken", statement)
		}
	}
	refuses("DELETE FROM accounts WHERE first_sequence = 3")
	mustCompact(t, s)
	refuses("DELETE FROM accounts")
	copied := `INSERT INTO accounts (stream, first_sequence, last_sequence, appended, duplicates, refused, recorded_at, batches)
		SELECT %s, %d, %d, 0, 0, 1, recorded_at, 1 FROM accounts WHERE batches = 9`
	for _, c := range []struct {
		stream      string
		first, last int
		goes        bool
	}{{"stream", 3, 3, true}, {"stream", 1, 9, true}, {"stream", 9, 10, false}, {"'another'", 3, 3, false}} {
		if _, err := l.SQL.ExecContext(t.Context(), fmt.Sprintf(copied, c.stream, c.first, c.last)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.SQL.ExecContext(t.Context(), "DELETE FROM accounts WHERE batches = 1"); (err == nil) != c.goes {
			t.Errorf("removing %+v beside 1 to 9: %v", c, err)
		}
	}
}

func testFewRows(t *testing.T, l *Log) {
	s := l.Open(t)
	for n := range 400 {
		mustAppend(t, s, batch(uint64(2*n+1), event(message{kind: domain.UserUpdated, subject: "ana", id: fmt.Sprint(n)}), judged([]byte("bad"))), 1, 0, 1)
		if n%7 == 0 {
			mustCompact(t, s)
		}
	}
	mustCompact(t, s)
	for _, table := range []string{"accounts", "user_blocks"} {
		var n int
		if err := l.SQL.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n > 9 {
			t.Errorf("%d rows are in %s, %v", n, table, err)
		}
	}
}

func testRunCompaction(t *testing.T, l *Log) {
	s := l.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.RunCompaction(ctx) }()
	for n := range 40 {
		mustAppend(t, s, batch(uint64(n+1), event(message{kind: domain.UserUpdated, subject: "ana", id: fmt.Sprint(n)})), 1, 0, 0)
	}
	eventually.Succeeds(t, "the index goes up to the last event", func() error {
		var indexed int
		err := l.SQL.QueryRowContext(t.Context(), "SELECT indexed_to FROM compaction").Scan(&indexed)
		if err == nil && indexed < 40 {
			err = fmt.Errorf("it goes up to %d", indexed)
		}
		return err
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
