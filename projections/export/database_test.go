// These tests hold what is asked of an export that comes from a database.

package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// Whoever goes away while rows are read stops the reading, and the work with it;
// the next export has all.
func TestGoingAwayStopsTheReading(t *testing.T) {
	const n = 6000
	now := domain.InstantOf(time.Now())
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		reader := filledReader(t, open(), 2*n, now, usualEvents(n, now))
		for name, export := range map[string]func(context.Context, Options) (Result, error){
			"users": func(ctx context.Context, o Options) (Result, error) {
				return Users(ctx, reader, projections.UsersQuery{At: now}, io.Discard, o)
			},
			"sessions": func(ctx context.Context, o Options) (Result, error) {
				return Sessions(ctx, reader, projections.SessionsQuery{At: now}, io.Discard, o)
			},
		} {
			for _, format := range []Format{XLSX, CSV} {
				ctx, goAway := context.WithCancel(t.Context())
				o := Options{Format: format, TempDir: t.TempDir(), Progress: func(int64) { goAway() }}
				// What was read ahead by then may still be written.
				if r, err := export(ctx, o); !errors.Is(err, context.Canceled) || r.Rows > n/2 {
					t.Errorf("%s, %s: %d rows, %v", name, format, r.Rows, err)
				}
				nothingIn(t, o.TempDir)
				o.Progress = nil
				if r, err := export(t.Context(), o); err != nil || r.Rows != n {
					t.Errorf("%s, %s, whole: %d rows, %v", name, format, r.Rows, err)
				}
			}
		}
	})
}

// filledReader returns a reader of read models of n events.
func filledReader(t testing.TB, db *sqldb.DB, n int, now domain.Instant, eventOf func(i int) []byte) *projections.Reader {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(eventstore.Migrate(t.Context(), db))
	store, err := eventstore.Open(t.Context(), db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master-key.json"), true), nil)
	must(err)
	t.Cleanup(func() { store.Close() })
	for from := 0; from < n; from += 5000 {
		batch := eventstore.Batch{Stream: "test"}
		for i := from; i < min(from+5000, n); i++ {
			text := eventOf(i)
			event, refusal := domain.Decode(&domain.Message{Body: text}, now)
			if refusal != nil {
				t.Fatal(refusal)
			}
			batch.Messages = append(batch.Messages, eventstore.Incoming{Sequence: uint64(i + 1), Event: event, Raw: text, ReceivedAt: now})
		}
		_, err := store.Append(t.Context(), batch)
		must(err)
	}
	models, err := projections.Open(t.Context(), db)
	must(err)
	t.Cleanup(func() { models.Close() })
	must(projections.Migrate(t.Context(), db))
	runner, err := projections.NewRunner(models, store, projections.Config{})
	must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	reader := projections.NewReader(models, 30*time.Minute)
	eventually.Holds(t, "the log has been projected", func() bool {
		status, err := reader.Status(t.Context())
		return err == nil && status.Position == eventstore.Position(n)
	})
	stop()
	must(<-ended)
	return reader
}

// usualEvents returns the events of n users as a platform has them, who came at an
// even pace within three years: all register, and all view something.
func usualEvents(n int, now domain.Instant) func(i int) []byte {
	return func(i int) []byte { return usualEvent(i/2, n, now, i%2 == 1) }
}

// registrations returns those of them that are registrations.
func registrations(n int, now domain.Instant) func(i int) []byte {
	return func(i int) []byte { return usualEvent(i, n, now, false) }
}

func usualEvent(user, n int, now domain.Instant, views bool) []byte {
	const threeYears = 3 * 365 * 24 * time.Hour
	at := now.Time().Add(-threeYears + time.Duration(user)*(threeYears/time.Duration(n)))
	id, kind := fmt.Sprint("r", user), domain.UserRegistered
	data := fmt.Sprintf(`{"email":"first.last.%d@example.org","first_name":"First%d","last_name":"Last%d",`+
		`"locale":"fr-FR","country":"FR","platform":"web","custom":{"plan":"offer %d","shoe":%d}}`, user*7919, user%97, user*31%997, user%7, 35+user%12)
	if views {
		id, kind = fmt.Sprint("v", user), domain.PlaybackProgressed
		data = fmt.Sprintf(`{"session_id":"%016x","content_id":"film-%d","title":"The film of number %d","content_length_s":5400,`+
			`"device":"tv","platform":"android-tv","position_s":%d,"played":[[0,%d.5]],"play_time_s":%d}`, uint64(user)*0x9e3779b97f4a7c15, user%300, user%300, user%5000+10, user%5000+10, user%5000+10)
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"test","type":%q,"subject":"user-%08x","time":%q,"data":%s}`,
		id, kind, uint32(user)*2654435761, at.Format(time.RFC3339Nano), data)
}
