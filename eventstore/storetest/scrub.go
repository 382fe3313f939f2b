// This file is the rules about scrubbing, and about keys in memory.

package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/eventually"
)

var scrubRules = []rule{
	{"a scrub exchanges the wrapping key", "after a scrub there is one wrapping key, another than before, and everything can be read as before, by every store", testScrubExchanges},
	{"a scrub counts what it makes hold", "a scrub that did all it has to leaves no erasure pending, and one that couldn't says why", testScrubCounts},
	{"one scrubs at a time", "while one store scrubs, another can't begin", testOneScrubs},
	{"a scrub that was interrupted is made up for", "where a scrub ended half way, everything can be read, and the next one leaves nothing under an old key", testScrubInterrupted},
	{"a key in use isn't destroyed", "a wrapping key that wraps a user's or a refused event's key can't be destroyed, whoever tries", testKeyInUse},
	{"a scrub holds nobody up", "others append, erase, refuse and read while wrapping keys are exchanged, and nothing of it is lost", testScrubAmongOthers},
	{"an idle store forgets", "a store that nobody asks anything drops the keys in memory once another store has erased a user", testIdleStoreForgets},
}

// mustScrub scrubs once.
func mustScrub(t *testing.T, s *eventstore.Store) {
	t.Helper()
	c, err := s.BeginScrub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problem := func(err error) { t.Error(err) }
	if err := errors.Join(c.ExchangeKeys(t.Context(), func(int64) {}), c.Rewrite(t.Context(), problem), c.End(t.Context(), "")); err != nil {
		t.Fatal(err)
	}
}

// wrappingKeys returns the numbers of the keys that wrap something, and those of
// the wrapping keys that there are.
func wrappingKeys(t *testing.T, l *Log) (used, there []int64) {
	t.Helper()
	numbers := func(query string) (found []int64) {
		rows, err := l.SQL.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			found = append(found, n)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return found
	}
	used = numbers(`SELECT wrapping_key FROM users UNION SELECT wrapping_key FROM refused WHERE wrapping_key IS NOT NULL ORDER BY 1`)
	return used, numbers("SELECT id FROM vault_keys WHERE purpose = 'wrapping' ORDER BY 1")
}

func testScrubExchanges(t *testing.T, l *Log) {
	appendPersonal(t, l)
	s, other := l.Open(t), l.Open(t)
	readAll(t, other)
	before, refusedBefore := readAll(t, s), refused(t, s)
	_, keys := wrappingKeys(t, l)
	for range 2 {
		mustScrub(t, s)
		used, there := wrappingKeys(t, l)
		if len(there) != 1 || len(used) != 1 || used[0] != there[0] || there[0] <= keys[0] {
			t.Fatalf("keys %v are there and %v are used; before it was %v", there, used, keys)
		}
		keys = there
		for _, store := range []*eventstore.Store{s, other, l.Open(t)} {
			if diff := cmp.Diff(before, readAll(t, store)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(refusedBefore, refused(t, store)); diff != "" {
				t.Error(diff)
			}
		}
	}
	mustAppend(t, other, batch(10, event(message{kind: domain.UserRegistered, subject: "bo", id: "10"}), judged([]byte("nobody's"))), 1, 0, 1)
	if used, there := wrappingKeys(t, l); !cmp.Equal(used, there) {
		t.Errorf("a store that didn't scrub uses %v where there are %v", used, there)
	}
}

func testScrubCounts(t *testing.T, l *Log) {
	s := l.Open(t)
	pending := func(want int64, problems string) {
		t.Helper()
		got, err := s.ScrubStatus(t.Context())
		if err != nil || got.Pending != want || got.Problems != problems {
			t.Errorf("got %+v, %v; want %d pending and %q", got, err, want, problems)
		}
	}
	pending(0, "")
	mustAppend(t, s, batch(1, erased("ana", "1", "2026-11-02T00:00:00Z"), erased("bo", "2", "2026-11-02T00:00:00Z")), 2, 0, 0)
	pending(2, "")
	c, err := s.BeginScrub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, batch(3, erased("cy", "3", "2026-11-02T00:00:00Z")), 1, 0, 0)
	if err := c.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	pending(1, "")
	if c, err = s.BeginScrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.End(t.Context(), "the log is in use"); err != nil {
		t.Fatal(err)
	}
	pending(1, "the log is in use")
	mustScrub(t, s)
	pending(0, "")
	if got, err := s.ScrubStatus(t.Context()); err != nil || got.EndedAt == nil || *got.EndedAt != Now {
		t.Errorf("got %+v, %v", got, err)
	}
}

func testOneScrubs(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	c, err := s.BeginScrub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.BeginScrub(t.Context()); !errors.Is(err, eventstore.ErrScrubRuns) {
		t.Errorf("got %v, want ErrScrubRuns", err)
	}
	if err := c.Abandon(); err != nil {
		t.Fatal(err)
	}
	mustScrub(t, other)
}

func testScrubInterrupted(t *testing.T, l *Log) {
	s := l.Open(t)
	const users = 2500 // more than are rewrapped in one transaction
	b := eventstore.Batch{Stream: "s"}
	for i := range users {
		in := event(message{kind: domain.UserRegistered, subject: fmt.Sprint("user ", i), id: fmt.Sprint(i)})
		in.Sequence = uint64(i + 1)
		b.Messages = append(b.Messages, in)
	}
	mustAppend(t, s, b, users, 0, 0)
	before := readAll(t, s)
	for range 2 {
		c, err := s.BeginScrub(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.ExchangeKeys(ctx, func(int64) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if err := c.Abandon(); err != nil {
			t.Fatal(err)
		}
		if used, _ := wrappingKeys(t, l); len(used) < 2 {
			t.Fatalf("it was too early or too late to interrupt: %v", used)
		}
	}
	for _, store := range []*eventstore.Store{s, l.Open(t)} {
		if diff := cmp.Diff(before, readAll(t, store)); diff != "" {
			t.Error(diff)
		}
	}
	mustScrub(t, l.Open(t))
	if used, there := wrappingKeys(t, l); len(there) != 1 || !cmp.Equal(used, there) {
		t.Errorf("keys %v are used and %v are there", used, there)
	}
	if diff := cmp.Diff(before, readAll(t, s)); diff != "" {
		t.Error(diff)
	}
}

func testKeyInUse(t *testing.T, l *Log) {
	s := l.Open(t)
	destroy := func(what string) {
		t.Helper()
		if _, err := l.SQL.ExecContext(t.Context(), "DELETE FROM vault_keys WHERE purpose = 'wrapping'"); err == nil {
			t.Errorf("the wrapping key of %s was destroyed", what)
		}
	}
	mustAppend(t, s, batch(1, judged([]byte("{"))), 0, 0, 1)
	destroy("a refused event")
	kept := refused(t, l.Open(t))
	if len(kept) != 1 || string(kept[0].Body) != "{" {
		t.Fatalf("kept %+v", kept)
	}
	mustAppend(t, s, batch(2, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})), 1, 0, 0)
	if ok, err := s.DeleteRefused(t.Context(), kept[0].ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	destroy("a user")
}

func testScrubAmongOthers(t *testing.T, l *Log) {
	const rounds = 12
	scrubbing, others := l.Open(t), []*eventstore.Store{l.Open(t), l.Open(t)}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	var appended atomic.Int64
	for n, s := range others {
		working.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				user := fmt.Sprintf("user %d %d", n, i)
				b := batch(uint64(4*i+1), event(message{kind: domain.UserRegistered, subject: user, id: user + " 1"}),
					judged(message{kind: domain.UserUpdated, subject: user, id: user + " bad", data: `{"email":7}`}.text()))
				if i%2 == 0 {
					b.Messages = append(b.Messages, erased(user, user+" 2", "2026-11-02T00:00:00Z"))
					b.Messages[2].Sequence = uint64(4*i + 3)
				}
				b.Stream = fmt.Sprint("stream ", n)
				if _, err := s.Append(t.Context(), b); err != nil {
					t.Error(err)
					return
				}
				appended.Add(1)
				if _, _, err := s.Refused(t.Context(), eventstore.RefusedQuery{Limit: 20}); err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Read(t.Context(), eventstore.Position(max(0, i-20)), 50); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// However slow the others are: someone has to be there who isn't erased.
	for n := 0; n < rounds || appended.Load() < 8 && !t.Failed(); n++ {
		mustScrub(t, scrubbing)
	}
	stop()
	working.Wait()
	fresh := l.Open(t)
	for _, r := range readAll(t, fresh) {
		if !r.Erased && r.Event.Subject == "" {
			t.Errorf("%s has lost its user", r.Event.ID)
		}
	}
	for _, r := range refused(t, fresh) {
		if r.Body == nil || r.Subject == nil {
			t.Errorf("the refused event %d has lost what it said", r.ID)
		}
	}
	mustScrub(t, fresh)
	if used, there := wrappingKeys(t, l); len(there) != 1 || len(used) != 1 {
		t.Errorf("keys %v are used and %v are there", used, there)
	}
}

func testIdleStoreForgets(t *testing.T, l *Log) {
	s, idle := l.Open(t), l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}),
		event(message{kind: domain.UserRegistered, subject: "bo", id: "2"})), 2, 0, 0)
	readAll(t, idle)
	if idle.CachedUsers() == 0 {
		t.Fatal("nothing is in memory")
	}
	mustAppend(t, s, batch(3, erased("ana", "3", "2026-11-02T00:00:00Z")), 1, 0, 0)
	eventually.Holds(t, "the key of an erased user is in memory no more", func() bool { return idle.CachedUsers() == 0 })
	if n := s.CachedUsers(); n > 1 {
		t.Errorf("the store that erased has %d users in memory", n)
	}
}
