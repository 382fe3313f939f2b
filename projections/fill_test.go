package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A countedLog counts how often reading in bulk is begun.
type countedLog struct {
	*eventstore.Store
	shards int
}

func (l *countedLog) Keys(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error) {
	l.shards++
	return l.Store.Keys(ctx, users, limit)
}

// Rows that are all there wait for their indexes only: a projector that comes
// after one that died between the two builds them, and doesn't fill again.
func TestFilledIsIndexed(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		log, f := newFilling(t, open())
		if err := f.complete(t.Context()); err != nil || log.shards == 0 || f.position == 0 {
			t.Fatalf("filled in %d shards up to %d: %v", log.shards, f.position, err)
		}
		filled, shards := f.position, log.shards
		f.undoIndexes(t)
		if indexed, err := f.gen.indexed(t.Context()); indexed || err != nil {
			t.Fatalf("the indexes are still there: %v", err)
		}
		if err := f.complete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if log.shards != shards || f.position != filled {
			t.Errorf("it was filled again, up to %d", f.position)
		}
		if indexed, err := f.gen.indexed(t.Context()); !indexed || err != nil {
			t.Errorf("the indexes aren't there: %v", err)
		}
	})
}

// Another history than the one that filling began with fails it, and no
// position is saved.
func TestFillEpoch(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		_, f := newFilling(t, open())
		head, err := f.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head.Epoch += " of before"
		if err := f.fill(t.Context(), head); !errors.Is(err, errEpoch) {
			t.Errorf("filling gives %v", err)
		}
		if h, err := readHeader(t.Context(), f.gen.db.SQL()); err != nil || h.position != 0 {
			t.Errorf("the position is %d: %v", h.position, err)
		}
	})
}

// undoIndexes brings a generation back to where it was before its indexes.
func (f *follower) undoIndexes(t *testing.T) {
	t.Helper()
	text := "SELECT 'DROP INDEX ' || name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
	if f.gen.db.Dialect().Name == sqldb.Postgres {
		text = `SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint
			WHERE connamespace = current_schema()::regnamespace AND contype = 'p'
			  AND conrelid::regclass::text NOT IN ('generation', 'schema_version', 'kpi_changes', 'kpi_hours', 'kpi_months')
			UNION ALL SELECT 'DROP INDEX ' || indexname FROM pg_indexes
			WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey'`
	}
	rows, err := f.gen.db.SQL().QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	statements := []string{"DELETE FROM schema_version WHERE version_id = 2"}
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, statement)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(statements) < 20 {
		t.Fatalf("only %d indexes", len(statements)-1)
	}
	for _, statement := range statements {
		if _, err := f.gen.db.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// newFilling makes a log of a few users and a generation that is about to be
// filled from it, with a lease on it.
func newFilling(t *testing.T, db *sqldb.DB) (*countedLog, *follower) {
	t.Helper()
	ctx := t.Context()
	if err := eventstore.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	store, err := eventstore.Open(ctx, db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	batch := eventstore.Batch{Stream: "test"}
	for i := range 40 {
		body := sent{user: "user-" + string(rune('a'+i%8)), typ: domain.UserRegistered, at: domain.Instant(i) * 1e6, data: map[string]any{}}
		e, err := body.event(i)
		if err != nil {
			t.Fatal(err)
		}
		e.Subject = body.user
		batch.Messages = append(batch.Messages, eventstore.Incoming{Sequence: uint64(i + 1), Event: e, Raw: e.MarshalCloudEvent()})
	}
	if a, err := store.Append(ctx, batch); err != nil || a.Appended != 40 {
		t.Fatal(a, err)
	}
	log := &countedLog{Store: store}
	models, err := Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { models.Close() })
	if err := Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	runner, err := NewRunner(models, log, Config{FillFrom: 1, FillBytes: 3000, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	head, err := store.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	made := buildSpec{timeZone: "UTC", foldVersion: FoldVersion, epoch: head.Epoch}
	number, err := models.acquireBuild(ctx, made, 0)
	if err != nil {
		t.Fatal(err)
	}
	g, err := models.acquire(ctx, number)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{runner: runner, status: &statusBoard{}, projector: projector{
		gen: g, log: log, spec: made, platform: platform{calendar: domain.Calendar{Zone: time.UTC}}, now: runner.config.Now,
		lease: &lease{gen: g, token: newToken(), holder: "test", length: time.Hour},
	}}
	if err := g.begin(ctx, made); err != nil {
		t.Fatal(err)
	}
	if held, err := f.lease.take(ctx); !held || err != nil {
		t.Fatal(held, err)
	}
	return log, f
}

// What is packed and opened again comes to the same, in any division, and its
// size is counted right: what is given up leaves nothing behind.
func TestShardPacks(t *testing.T) {
	t.Parallel()
	users := make([]eventstore.UserKey, 16)
	for i := range users {
		users[i] = eventstore.UserKey{byte(i * 16), 15: byte(i)}
	}
	roomy, tight := newShard(&eventstore.Keys{Users: eventstore.Everybody}, math.MaxInt64), newShard(&eventstore.Keys{Users: eventstore.Everybody}, 26_000)
	for i := range 2000 {
		e := &domain.Event{Stamp: domain.Stamp{Time: domain.Instant(i%7)*1e9 + domain.Instant(i), Source: "/s", ID: "e"}, Type: domain.PlaybackProgressed,
			Playback: &domain.PlaybackReport{SessionID: string(rune('a' + i/31%3)), ContentID: "c", Played: []domain.Range{{From: int64(i) * 1000, To: int64(i)*1000 + 1000}}}}
		if i%9 == 0 {
			e = &domain.Event{Stamp: e.Stamp, Type: domain.UserUpdated, Profile: &domain.ProfileChange{Email: domain.Some("x@example.org")}}
		}
		for _, s := range []*shard{roomy, tight} {
			if err := s.take(users[i%len(users)], e); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept, packed := 0, 0
	for _, key := range tight.sorted() {
		kept++
		for name, s := range tight.user(key).sessions {
			if s.facts == nil {
				packed++
			}
			if roomy.user(key).sessions[name] == nil {
				t.Errorf("session %v of %x is only in one", name, key)
			}
		}
		want, got := rowsOfUser(t, key, roomy.user(key)), rowsOfUser(t, key, tight.user(key))
		if want != got {
			t.Errorf("user %x:\n%s\n%s", key, want, got)
		}
		if key.Prefix() > tight.users().Last {
			t.Errorf("user %x is beyond the shard's end", key)
		}
	}
	if kept == 0 || kept == len(users) || packed == 0 {
		t.Errorf("%d of %d users are kept, %d sessions packed: the case is of no use", kept, len(users), packed)
	}
	if size := tight.size.Load(); size > tight.budget {
		t.Errorf("%d bytes are kept, of %d", size, tight.budget)
	}
	for i := range tight.stripes {
		tight.size.Add(-tight.stripes[i].giveUp(0))
	}
	if size := tight.size.Load() - tight.stripes[0].sizeOfAll(); size != 0 {
		t.Errorf("%d bytes are counted of nobody", size)
	}
}

func (st *stripe) sizeOfAll() (size int64) {
	for _, u := range st.users {
		size += u.size
	}
	return size
}

// rowsOfUser returns the rows of a user as text.
func rowsOfUser(t *testing.T, key eventstore.UserKey, u *shardUser) string {
	t.Helper()
	w := newWrites(ledger{})
	if err := w.wholeUser(sqldb.UUID(key), "id", u, platform{calendar: domain.Calendar{Zone: time.UTC}}, 0); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(fmt.Sprint(w.ledger))
	for _, of := range rowTables {
		text.WriteString(fmt.Sprint(of.name, w.to(of).added))
	}
	return text.String()
}
