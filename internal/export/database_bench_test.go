// This file measures exports from the database to the finished workbook, beside
// excelize's own stream writer, which has the same cells ready in memory.

package export

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// BenchmarkExportFromDatabase makes workbooks of 100,000 users and of as many
// viewing sessions that are in a database, in turns with bare excelize: what is
// reported is as with BenchmarkExport.
func BenchmarkExportFromDatabase(b *testing.B) {
	const n = 100_000
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			now := domain.InstantOf(time.Now())
			reader := filledReader(b, sqltest.New(b, engine)(), n, now)
			options := func() Options { return Options{TempDir: b.TempDir()} }
			b.Run("users", func(b *testing.B) {
				q := projections.UsersQuery{At: now}
				beside(b, n, bareRows(b, everyUser(b, reader, q)), 3, 5, func() (Result, error) {
					return Users(b.Context(), reader, q, io.Discard, options())
				})
			})
			b.Run("sessions", func(b *testing.B) {
				q := projections.SessionsQuery{At: now}
				beside(b, n, everySession(b, reader, q), 6, 7, func() (Result, error) {
					return Sessions(b.Context(), reader, q, io.Discard, options())
				})
			})
		})
	}
}

// beside measures an export in turns with bare excelize.
func beside(b *testing.B, n int, rows [][]any, firstTime, lastTime int, export func() (Result, error)) {
	for b.Loop() {
		var ours, bare, ratio, cpu []float64
		for range 3 {
			took, busy := timed(func() {
				if r, err := export(); err != nil || r.Rows != int64(n) {
					b.Fatalf("%d rows: %v", r.Rows, err)
				}
			})
			bareTook, bareBusy := timed(func() { bareExcelize(b, rows, firstTime, lastTime, n, io.Discard) })
			ours, bare = append(ours, float64(n)/took), append(bare, float64(n)/bareTook)
			ratio, cpu = append(ratio, bareTook/took), append(cpu, bareBusy/busy)
		}
		b.ReportMetric(median(ours), "rows/s")
		b.ReportMetric(median(bare), "bare-rows/s")
		b.ReportMetric(median(ratio), "of-bare")
		b.ReportMetric(median(cpu), "of-bare-by-cpu")
		b.ReportMetric(0, "ns/op")
	}
}

func everyUser(b *testing.B, r Reader, q projections.UsersQuery) []projections.User {
	var users []projections.User
	err := r.AllUsers(b.Context(), q, func(l *projections.UserList) error {
		for u, err := range l.Users {
			if err != nil {
				return err
			}
			users = append(users, *u)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return users
}

func everySession(b *testing.B, r Reader, q projections.SessionsQuery) [][]any {
	var rows [][]any
	err := r.AllSessions(b.Context(), q, func(l *projections.SessionList) error {
		for s, err := range l.Sessions {
			row := make([]any, len(sessionColumns))
			if err == nil {
				err = sessionRow(s, row)
			}
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

// filledReader gives a reader of read models of n users with a viewing session
// each, who came at an even pace within three years.
func filledReader(b *testing.B, db *sqldb.DB, n int, now domain.Instant) *projections.Reader {
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	store, err := eventstore.Open(b.Context(), db, vault.FileMasterKey(filepath.Join(b.TempDir(), "master-key.json"), true), eventstore.Options{})
	must(err)
	b.Cleanup(func() { store.Close() })
	for from := 0; from < 2*n; from += 5000 {
		batch := eventstore.Batch{Stream: "test"}
		for i := from; i < min(from+5000, 2*n); i++ {
			text := usualEvent(i, n, now)
			event, refusal := domain.Decode(&domain.Message{Body: text}, now)
			if refusal != nil {
				b.Fatal(refusal)
			}
			batch.Messages = append(batch.Messages, eventstore.Incoming{Sequence: uint64(i + 1), Event: event, Raw: text, ReceivedAt: now})
		}
		_, err := store.Append(b.Context(), batch)
		must(err)
	}
	models, err := projections.Open(b.Context(), db)
	must(err)
	b.Cleanup(func() { models.Close() })
	must(models.Migrate(b.Context()))
	runner, err := projections.NewRunner(models, store, projections.Config{})
	must(err)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	reader := projections.NewReader(models, 30*time.Minute)
	for {
		if status, err := reader.Status(b.Context()); err == nil && status.Position == eventstore.Position(2*n) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	must(<-ended)
	return reader
}

// usualEvent gives the i-th event about n users as a platform has them: all
// register, and all view something.
func usualEvent(i, n int, now domain.Instant) []byte {
	const threeYears = 3 * 365 * 24 * time.Hour
	user := i / 2
	at := now.Time().Add(-threeYears + time.Duration(user)*(threeYears/time.Duration(n)))
	kind, data := domain.UserRegistered, fmt.Sprintf(`{"email":"first.last.%d@example.org","first_name":"First%d","last_name":"Last%d",`+
		`"locale":"fr-FR","country":"FR","platform":"web","custom":{"plan":"offer %d","shoe":%d}}`, user*7919, user%97, user*31%997, user%7, 35+user%12)
	if i%2 == 1 {
		kind, data = domain.PlaybackProgressed, fmt.Sprintf(`{"session_id":"%016x","content_id":"film-%d","title":"The film of number %d","content_length_s":5400,`+
			`"device":"tv","platform":"android-tv","position_s":%d,"played":[[0,%d.5]],"play_time_s":%d}`, uint64(user)*0x9e3779b97f4a7c15, user%300, user%300, user%5000+10, user%5000+10, user%5000+10)
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"test","type":%q,"subject":"user-%08x","time":%q,"data":%s}`,
		i, kind, uint32(user)*2654435761, at.Format(time.RFC3339Nano), data)
}
