package api

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// A long log, which takes some minutes to make:
//
//	go test ./api -run '^$' -bench UserHistory -benchtime 1x -timeout 1h -history.events 10000000
var historyEvents = flag.Int("history.events", 100_000, "how many events the log has in BenchmarkUserHistory")

// Of the users of the log, those who are asked for have events that the read models
// have too.
const (
	historyUsers = 50_000
	askedUsers   = 200
	askedEvents  = 200 // of each
)

// BenchmarkUserHistory measures over HTTP, on a log of batches of 15, what one user's
// answers take: the median of many users, and with -95 what 95 of 100 take at most.
//
//   - page-ms: a page of 50 of their events (GET /v1/events?user_id=)
//   - data-ms: all that is held about them (GET /v1/users/{id}/data)
func BenchmarkUserHistory(b *testing.B) {
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			server := httptest.NewServer(longHistory(b, engine))
			defer server.Close()
			for b.Loop() {
				measureAnswers(b, server.URL+"/v1/events?limit=50&user_id=%s", "page-ms")
				measureAnswers(b, server.URL+"/v1/users/%s/data", "data-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// measureAnswers asks for each user once.
func measureAnswers(b *testing.B, address, metric string) {
	b.Helper()
	var took []time.Duration
	var size int64
	for user := range askedUsers {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf(address, historyUser(user)), nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer admin")
		start := time.Now()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, answer.Body)
		took = append(took, time.Since(start))
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d, %v", r.URL, answer.StatusCode, err)
		}
		size += n
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, metric)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, metric+"-95")
	b.ReportMetric(float64(size)/askedUsers, strings.Replace(metric, "ms", "bytes", 1))
}

func historyUser(n int) string { return fmt.Sprint("user-", n) }

// longHistory makes a log and read models, and an API over them.
func longHistory(b *testing.B, engine sqldb.Engine) http.Handler {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := sqldb.Open(b.Context(), sqltest.URL(b, engine))
	must(err)
	b.Cleanup(func() { db.Close() })
	now := domain.InstantOf(testNow)
	must(eventstore.Migrate(b.Context(), db))
	store, err := eventstore.Open(b.Context(), db, vault.FileMasterKey(filepath.Join(b.TempDir(), "master"), true),
		func() domain.Instant { return now })
	must(err)
	b.Cleanup(func() { store.Close() })
	n := 0
	record := func(size, events int, event func(k int) (user int, kind, data string)) {
		for k := 0; k < events; {
			batch := eventstore.Batch{Stream: "bench"}
			for ; k < events && len(batch.Messages) < size; k++ {
				n++
				user, kind, data := event(k)
				text := fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"/bench","type":%q,"subject":%q,"time":%q,"data":%s}`,
					n, kind, historyUser(user), now-domain.Instant(1e12-int64(n)*1e6), data)
				e, refusal := domain.Decode(&domain.Message{Body: text}, now)
				if e == nil {
					b.Fatal(refusal)
				}
				batch.Messages = append(batch.Messages, eventstore.Incoming{Sequence: uint64(n), Event: e, Raw: text, ReceivedAt: now})
			}
			_, err := store.Append(b.Context(), batch)
			must(err)
		}
	}
	record(5000, historyUsers, func(k int) (int, string, string) {
		return k, "user.registered", fmt.Sprintf(`{"email":"user%d@example.org"}`, k)
	})
	record(15, askedUsers*askedEvents, func(k int) (int, string, string) {
		return k % askedUsers, "playback.progressed", fmt.Sprintf(`{"session_id":"s-%d","content_id":"film-%d","position_s":%d}`, k/1000, k%500, k%7200)
	})
	models, err := projections.Open(b.Context(), db)
	must(err)
	b.Cleanup(func() { models.Close() })
	must(projections.Migrate(b.Context(), db))
	reader := projections.NewReader(models, 30*time.Minute)
	project(b, models, store, reader)

	own, err := db.Schema(b.Context(), map[sqldb.Engine]string{sqldb.Postgres: "boxoffice_log", sqldb.SQLite: "log"}[engine])
	must(err)
	b.Cleanup(func() { own.Close() })
	storetest.Lengthen(b, own, *historyEvents)
	must(store.Compact(b.Context()))

	clock := func() time.Time { return testNow }
	discard := slog.New(slog.DiscardHandler)
	broker := &notedBroker{}
	people, err := accounts.New(accounts.Config{Reader: reader, Log: store, Publisher: broker, Locks: db, Clock: clock, Logger: discard})
	must(err)
	s, err := newService(Config{
		Reader: reader, Log: store, Publisher: broker, Accounts: people, Clock: clock, Logger: discard, Metrics: prometheus.NewRegistry(),
		Gate: gateFor(&access.Guard{Keys: roleKeys(), Attempts: patient{}}), CursorKey: []byte("0123456789abcdef0123456789abcdef"),
	})
	must(err)
	return s.handler()
}

// project has the read models show the log, and then stops.
func project(b *testing.B, models *projections.Models, store *eventstore.Store, reader *projections.Reader) {
	b.Helper()
	runner, err := projections.NewRunner(models, store, projections.Config{Now: func() domain.Instant { return domain.InstantOf(testNow) }})
	if err != nil {
		b.Fatal(err)
	}
	head, err := store.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	stopped := make(chan error, 1)
	running, stop := context.WithCancel(b.Context())
	go func() { stopped <- runner.Run(running) }()
	eventually.Holds(b, "the log has been projected", func() bool {
		status, err := reader.Status(b.Context())
		return err == nil && status.Position == head.Position
	})
	stop()
	if err := <-stopped; err != nil {
		b.Fatal(err)
	}
}
