package eventstore_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// A long log, for which it takes some minutes:
//
//	go test ./eventstore -run '^$' -bench History -benchtime 1x -timeout 1h -history.events 10000000
var (
	historyEvents = flag.Int("history.events", 100_000, "how many events the log has in BenchmarkHistory")
	historyUsers  = flag.Int("history.users", 50_000, "how many users they are about")
)

// BenchmarkHistory measures on a long log of small batches what it takes to find
// one user's events, and what compaction adds to appending and following.
//
//   - compaction-µs/event: compacting the whole log, which nobody had,
//     with the accounts of batches of 16
//   - page-ms, all-ms: a page of 50 of a user's events, and all of them, opened: the
//     median of many users, and with -95 what 95 of 100 take at most
//   - lost-15-%, lost-1500-%: the share of compaction in the time that it takes to
//     append batches of that size while read models follow, and then to compact; which
//     is at every 4,096 events where they come singly, and at every 65,536 where they
//     pour in
func BenchmarkHistory(b *testing.B) {
	eachEngine(b, func(b *testing.B, engine sqldb.Engine) {
		s, db, own := historyStore(b, engine)
		register(b, s, *historyUsers)
		followed, stop := follow(b, db, s)
		followed()
		for b.Loop() {
			next := *historyUsers
			b.ReportMetric(measureLost(b, s, followed, &next, 15, 1<<12), "lost-15-%")
			b.ReportMetric(measureLost(b, s, followed, &next, 1500, 1<<16), "lost-1500-%")
			stop()
			storetest.Lengthen(b, own, *historyEvents)
			start := time.Now()
			compact(b, s)
			b.ReportMetric(float64(time.Since(start).Microseconds())/float64(*historyEvents), "compaction-µs/event")
			measureUsers(b, s)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// historyStore opens a store whose commits needn't be durable: filling is quicker.
func historyStore(b *testing.B, engine sqldb.Engine) (s *eventstore.Store, db, own *sqldb.DB) {
	b.Helper()
	url := sqltest.URL(b, engine)
	master := vault.FileMasterKey(filepath.Join(b.TempDir(), "master.json"), true)
	db, err := sqldb.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := eventstore.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	s, err = eventstore.Open(b.Context(), db, master, (&storetest.Clock{}).Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	own, err = db.Schema(b.Context(), map[sqldb.Engine]string{sqldb.Postgres: "boxoffice_log", sqldb.SQLite: "log"}[engine])
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { own.Close() })
	return s, db, own
}

func historyEvent(b *testing.B, k, user int) eventstore.Incoming {
	b.Helper()
	kind, data := "playback.progressed", fmt.Sprintf(`{"session_id":"s-%d","content_id":"film-%d","position_s":%d}`, k/20, k%500, k%7200)
	if k%10 == 0 {
		kind, data = "user.updated", fmt.Sprintf(`{"email":"user%d@example.org","first_name":"Ana"}`, user)
	}
	text := fmt.Appendf(nil, `{"specversion":"1.0","id":"event-%d","source":"/platform","type":%q,"subject":"user-%d","time":"2026-11-01T00:00:00Z","data":%s}`, k, kind, user, data)
	e, refusal := domain.Decode(&domain.Message{Body: text}, storetest.Now)
	if e == nil {
		b.Fatal(refusal)
	}
	return eventstore.Incoming{Sequence: uint64(k + 1), Event: e, Raw: text, ReceivedAt: storetest.Now}
}

// appendHistory appends n events from the k-th on in batches of a size.
func appendHistory(b *testing.B, s *eventstore.Store, k, n, size int, user func(k int) int) {
	b.Helper()
	for end := k + n; k < end; {
		batch := eventstore.Batch{Stream: "bench"}
		for ; len(batch.Messages) < size && k < end; k++ {
			batch.Messages = append(batch.Messages, historyEvent(b, k, user(k)))
		}
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

// register appends an event about each user.
func register(b *testing.B, s *eventstore.Store, users int) {
	b.Helper()
	appendHistory(b, s, 0, users, 5000, func(k int) int { return k })
}

func compact(b *testing.B, s *eventstore.Store) {
	b.Helper()
	if err := s.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// measureUsers asks for the events of a hundred users, whom nobody has asked for.
func measureUsers(b *testing.B, s *eventstore.Store) {
	b.Helper()
	var page, all []time.Duration
	n := 0
	for i := range 200 {
		id := fmt.Sprint("user-", (i*7919+13)%*historyUsers)
		start := time.Now()
		if _, err := s.ReadSealed(b.Context(), eventstore.SealedQuery{UserID: id, Limit: 50}); err != nil {
			b.Fatal(err)
		}
		page = append(page, time.Since(start))
		start = time.Now()
		for _, err := range s.UserEvents(b.Context(), id) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		all = append(all, time.Since(start))
	}
	for name, took := range map[string][]time.Duration{"page-ms": page, "all-ms": all} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, name)
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, name+"-95")
	}
	b.ReportMetric(float64(n)/float64(len(page)), "events/user")
}

// measureLost appends, has read models follow, and compacts, in turns.
func measureLost(b *testing.B, s *eventstore.Store, followed func(), next *int, size, events int) float64 {
	b.Helper()
	const turns = 16
	compact(b, s)
	var working, compacting time.Duration
	for range turns {
		start := time.Now()
		appendHistory(b, s, *next, events, size, func(k int) int { return k * 7919 % *historyUsers })
		followed()
		working += time.Since(start)
		*next += events
		start = time.Now()
		compact(b, s)
		compacting += time.Since(start)
	}
	return 100 * compacting.Seconds() / (working + compacting).Seconds()
}

// follow has read models follow the log until the function that it returns is called.
// The other waits until they have come to its end.
func follow(b *testing.B, db *sqldb.DB, s *eventstore.Store) (followed, stop func()) {
	b.Helper()
	models, err := projections.Open(b.Context(), db)
	if err != nil {
		b.Fatal(err)
	}
	if err := projections.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	runner, err := projections.NewRunner(models, s, projections.Config{Now: (&storetest.Clock{}).Now})
	if err != nil {
		b.Fatal(err)
	}
	reader := projections.NewReader(models, 30*time.Minute)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	followed = func() {
		head, err := s.Head(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		eventually.Holds(b, "the read models have followed", func() bool {
			status, err := reader.Status(b.Context())
			return err == nil && status.Position == head.Position
		})
	}
	return followed, func() {
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		models.Close()
	}
}
