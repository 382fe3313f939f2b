// This file is the rules about positions, and about what a failed append leaves.

package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var appendRules = []rule{
	{"positions are dense", "positions run 1, 2, 3 … in the order of the batch and of the commits, across restarts", testPositions},
	{"a reader misses nothing", "with any number of processes appending, a reader that follows the log sees every position once, in order", testTailing},
	{"a failed append leaves nothing", "an append that fails or is given up leaves no event, no account, no user and no hole", testRollback},
	{"a prepared batch can be late", "what has changed since a batch was prepared is taken into account: users who came, erasures, registrations, recorded events", testPrepared},
	{"a batch says what it is", "a batch without a stream, and a message without a sequence number or that isn't either an event or a refusal, are an error and change nothing", testBadBatch},
	{"accounts add up", "every message of a batch ends as appended, duplicate or refused, and the accounts say for every sequence number in which batch", testAccounts},
	{"the log is append-only", "the database itself refuses to change or remove an event or an account", testAppendOnly},
	{"recorded_at never goes back", "recorded_at rises with the position, whatever the clock does", testRecordedAt},
	{"a store that is closed wakes its waiters", "Wait returns when the log moves, when its context ends and when the store is closed", testWait},
}

func testPositions(t *testing.T, l *Log) {
	s := l.Open(t)
	a := mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}),
		event(message{kind: domain.PlaybackProgressed, subject: "bo", id: "2"})), 2, 0, 0)
	if a.First != 1 || a.Last != 2 {
		t.Errorf("the first batch took %d to %d", a.First, a.Last)
	}
	if a := mustAppend(t, s, batch(3, judged([]byte("nothing"))), 0, 0, 1); a.First != 0 || a.Last != 0 {
		t.Errorf("a batch without an event took %d to %d", a.First, a.Last)
	}
	again := l.Open(t)
	if a := mustAppend(t, again, batch(4, event(message{kind: domain.UserUpdated, subject: "ana", id: "3"})), 1, 0, 0); a.First != 3 || a.Last != 3 {
		t.Errorf("after a restart: %d to %d", a.First, a.Last)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids(readAll(t, s))); diff != "" {
		t.Error(diff)
	}
	if h, err := s.Head(t.Context()); err != nil || h.Position != 3 || h.Epoch == "" {
		t.Errorf("head %+v, %v", h, err)
	}
}

// writers, batches and perBatch are the size of the concurrent cases.
const (
	writers  = 8
	batches  = 12
	perBatch = 9
)

func testTailing(t *testing.T, l *Log) {
	reader := l.Open(t)
	read := make(chan []string, 1)
	go func() { read <- tail(t, reader, writers*batches*perBatch) }()
	var wg sync.WaitGroup
	var sent sync.Map
	for w := range writers {
		s := l.Open(t)
		wg.Go(func() {
			for b := range batches {
				messages := make([]eventstore.Incoming, perBatch)
				for i := range messages {
					id := fmt.Sprintf("%d-%d-%d", w, b, i)
					sent.Store(id, true)
					messages[i] = event(message{kind: domain.PlaybackProgressed, subject: fmt.Sprint("user ", i%3), id: id})
				}
				mustAppend(t, s, batch(uint64((w*batches+b)*perBatch+1), messages...), perBatch, 0, 0)
			}
		})
	}
	wg.Wait()
	got := <-read
	for _, id := range got {
		sent.Delete(id)
	}
	sent.Range(func(id, _ any) bool {
		t.Errorf("the reader missed %v", id)
		return true
	})
}

// tail follows the log until it has read n events.
func tail(t *testing.T, s *eventstore.Store, n int) []string {
	var got []string
	for len(got) < n {
		if err := s.Wait(t.Context(), eventstore.Position(len(got))); err != nil {
			t.Error(err)
			return got
		}
		records, err := s.Read(t.Context(), eventstore.Position(len(got)), 50)
		if err != nil {
			t.Error(err)
			return got
		}
		for _, r := range records {
			if r.Position != eventstore.Position(len(got)+1) {
				t.Errorf("position %d follows %d", r.Position, len(got))
				return got
			}
			got = append(got, r.Event.ID)
		}
	}
	return got
}

func testRollback(t *testing.T, l *Log) {
	s := l.Open(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ended, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "never"}))); err == nil {
		t.Error("an append whose context has ended succeeds")
	}
	// Contexts that end at any moment of an append.
	var wg sync.WaitGroup
	var appended atomic.Int64
	for w := range 4 {
		store := l.Open(t)
		wg.Go(func() {
			for i := range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*w)*200*time.Microsecond)
				b := batch(uint64(1000*w+i+1), event(message{kind: domain.UserRegistered, subject: fmt.Sprint(w, i), id: fmt.Sprint(w, "-", i)}))
				// After an error the same again ends as appended or, where the
				// outcome of the commit wasn't known, as a duplicate.
				_, err := store.Append(ctx, b)
				cancel()
				if err != nil {
					_, err = store.Append(t.Context(), b)
				}
				if err != nil {
					t.Error(err)
				}
				appended.Add(1)
			}
		})
	}
	wg.Wait()
	if got := int64(len(readAll(t, s))); got != appended.Load() {
		t.Errorf("%d events, want %d", got, appended.Load())
	}
	if subjectState(t, s, "ana").Taken {
		t.Error("the failed append left a user")
	}
}

func testPrepared(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "known", id: "1"}),
		erased("gone", "2", "2026-11-02T00:00:00Z")), 2, 0, 0)
	late := batch(10,
		event(message{kind: domain.UserUpdated, subject: "new", id: "a"}),
		event(message{kind: domain.UserUpdated, subject: "known", id: "b"}),
		event(message{kind: domain.UserUpdated, subject: "gone", id: "c", at: "2026-11-04T00:00:00Z"}),
		event(message{kind: domain.UserUpdated, subject: "gone", id: "d"}),
		event(message{kind: domain.UserUpdated, subject: "new", id: "e"}))
	p, err := s.Prepare(t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, other, batch(20,
		event(message{kind: domain.UserRegistered, subject: "new", id: "5"}),
		event(message{kind: domain.UserUpdated, subject: "new", id: "e"}),
		event(message{kind: domain.UserRegistered, subject: "gone", id: "6", at: "2026-11-03T00:00:00Z"})), 3, 0, 0)
	again, err := s.Prepare(t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.AppendPrepared(t.Context(), p)
	if err != nil || a.Appended != 3 || a.Duplicates != 1 || a.Refused != 1 {
		t.Errorf("%+v, %v; want 3 appended, a duplicate and one refused", a, err)
	}
	mustAppend(t, other, batch(30, erased("known", "7", "2026-11-05T00:00:00Z"), erased("new", "8", "2026-11-05T00:00:00Z")), 2, 0, 0)
	// Everything is recorded by now, or refused as before.
	if a, err := s.AppendPrepared(t.Context(), again); err != nil || a.Duplicates != 4 || a.Refused != 1 {
		t.Errorf("%+v, %v; want 4 duplicates and one refused", a, err)
	}
	all := readAll(t, s)
	if diff := cmp.Diff([]string{"1", "2", "5", "e", "6", "a", "b", "c", "7", "8"}, ids(all)); diff != "" {
		t.Fatal(diff)
	}
	if all[5].User != all[2].User || all[7].User != all[4].User || all[7].User == all[1].User || all[7].Event.Subject != "gone" {
		t.Error("events that were prepared early have other users than those who came meanwhile")
	}
	later, err := s.Prepare(t.Context(), batch(40, event(message{kind: domain.UserUpdated, subject: "gone", id: "f", at: "2026-11-04T00:00:00Z"})))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, other, batch(41, erased("gone", "9", "2026-11-06T00:00:00Z")), 1, 0, 0)
	if a, err := s.AppendPrepared(t.Context(), later); err != nil || a.Refused != 1 {
		t.Errorf("%+v, %v; want one refused of the user who was erased meanwhile", a, err)
	}
}

func testBadBatch(t *testing.T, l *Log) {
	s := l.Open(t)
	good := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	both := good
	both.Refusal = &domain.Refusal{Reason: domain.Malformed}
	for name, b := range map[string]eventstore.Batch{
		"no stream":      {Messages: batch(1, good).Messages},
		"no sequence":    {Stream: stream, Messages: []eventstore.Incoming{good}},
		"nothing":        batch(1, good, eventstore.Incoming{}),
		"both":           batch(1, both),
		"beyond streams": batch(1<<63, good),
	} {
		if _, err := s.Append(t.Context(), b); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if a, err := s.Append(t.Context(), eventstore.Batch{Stream: stream}); err != nil || a != (eventstore.Account{}) {
		t.Errorf("an empty batch: %+v, %v", a, err)
	}
	if n := len(readAll(t, s)); n != 0 {
		t.Errorf("%d events are recorded", n)
	}
}

func testAccounts(t *testing.T, l *Log) {
	s := l.Open(t)
	good := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	b := batch(7, good, judged([]byte("[]")), good, event(message{kind: domain.UserUpdated, subject: "bo", id: "2"}))
	b.Messages = append(b.Messages, event(message{kind: domain.UserUpdated, subject: "bo", id: "3"}))
	b.Messages[4].Sequence = 90
	mustAppend(t, s, b, 3, 1, 1)
	mustAppend(t, s, b, 0, 4, 1)
	want := []string{stream + ": 7-10 [2 1 1] 1-2", stream + ": 90-90 [1 0 0] 3-3", stream + ": 7-10 [0 3 1] 0-0", stream + ": 90-90 [0 1 0] 0-0"}
	if diff := cmp.Diff(want, accounts(t, l, "id")); diff != "" {
		t.Error(diff)
	}
}

// accounts says what the rows of accounts do.
func accounts(t *testing.T, l *Log, order string) (all []string) {
	t.Helper()
	rows, err := l.SQL.QueryContext(t.Context(), `SELECT stream, first_sequence, last_sequence, appended, duplicates, refused,
		coalesce(first_position, 0), coalesce(last_position, 0) FROM accounts ORDER BY `+order)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n [7]int
		if err := rows.Scan(&name, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6]); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s: %d-%d %d %d-%d", name, n[0], n[1], n[2:5], n[5], n[6]))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func testAppendOnly(t *testing.T, l *Log) {
	s := l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), event(message{kind: domain.UserUpdated, subject: "ana", id: "2"})), 2, 0, 0)
	before := readAll(t, s)
	columns := "position, recorded_at, time, type, user_key, source, id, data, sealed, identity, content"
	for _, statement := range []string{
		"UPDATE events SET source = 'x'",
		"UPDATE events SET position = position + 10 WHERE position = 2",
		"DELETE FROM events WHERE position = 2",
		"TRUNCATE events",
		"TRUNCATE accounts",
		"INSERT OR REPLACE INTO events SELECT " + columns + " FROM events WHERE position = 1",
		"INSERT OR REPLACE INTO events SELECT " + strings.Replace(columns, "position", "3", 1) + " FROM events WHERE position = 1",
		"UPDATE accounts SET appended = 0",
		"DELETE FROM accounts",
		"UPDATE log_head SET position = 1",
		"UPDATE log_head SET erasures = erasures - 1",
		"DELETE FROM log_head",
	} {
		if _, err := l.SQL.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s is taken", statement)
		}
	}
	if diff := cmp.Diff(before, readAll(t, s)); diff != "" {
		t.Error(diff)
	}
}

func testRecordedAt(t *testing.T, l *Log) {
	s := l.Open(t)
	for i, step := range []time.Duration{0, time.Minute, -time.Hour, 2 * time.Hour} {
		l.Clock.Move(step)
		mustAppend(t, s, batch(uint64(i+1), event(message{kind: domain.UserUpdated, subject: "ana", id: fmt.Sprint(i)})), 1, 0, 0)
	}
	var got []time.Duration
	for _, r := range readAll(t, s) {
		got = append(got, time.Duration(r.RecordedAt-Now)*time.Microsecond)
	}
	if diff := cmp.Diff([]time.Duration{0, time.Minute, time.Minute, 61 * time.Minute}, got); diff != "" {
		t.Error(diff)
	}
}

func testWait(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	woken := make(chan error)
	go func() { woken <- s.Wait(t.Context(), 0) }()
	mustAppend(t, other, batch(1, event(message{kind: domain.UserUpdated, subject: "ana", id: "1"})), 1, 0, 0)
	if err := <-woken; err != nil {
		t.Error(err)
	}
	if err := s.Wait(t.Context(), 0); err != nil {
		t.Errorf("the log is past 0 already: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { woken <- s.Wait(ctx, 1) }()
	cancel()
	if err := <-woken; err == nil {
		t.Error("Wait returned before the log moved, without an error")
	}
	go func() { woken <- s.Wait(t.Context(), 1) }()
	s.Close()
	if err := <-woken; err == nil {
		t.Error("Wait returned without an error from a closed store")
	}
}
