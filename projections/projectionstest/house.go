// This file is what a case works with: a log and its read models in a database
// of their own, and runners that are started and waited for.

package projectionstest

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// deadline is for how long a case waits for what has to come. It only ever
// passes where something is broken.
const deadline = 60 * time.Second

// now is the instant at which the cases take place, unless they say otherwise.
var now = domain.InstantOf(time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC))

// A house is one installation: a database with a log and read models.
type house struct {
	t        testing.TB
	open     func() *sqldb.DB
	db       *sqldb.DB
	log      *eventstore.Store
	models   *projections.Models
	key      vault.MasterKey
	clock    atomic.Int64 // the runners' clock
	sequence uint64
}

func newHouse(t testing.TB, database Database) *house {
	t.Helper()
	open := database(t)
	h := &house{t: t, open: open, db: open()}
	h.clock.Store(int64(now))
	h.key = vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
	h.log = h.openStore(h.db)
	h.models = h.openModels(h.db)
	return h
}

// openStore opens the log on a handle, as a process would.
func (h *house) openStore(db *sqldb.DB) *eventstore.Store {
	h.t.Helper()
	if err := eventstore.Migrate(h.t.Context(), db); err != nil {
		h.t.Fatalf("migrate the log: %v", err)
	}
	store, err := eventstore.Open(h.t.Context(), db, h.key, func() domain.Instant { return now })
	if err != nil {
		h.t.Fatalf("open the log: %v", err)
	}
	h.t.Cleanup(func() { store.Close() })
	return store
}

// openModels opens the read models on a handle, as a process would.
func (h *house) openModels(db *sqldb.DB) *projections.Models {
	h.t.Helper()
	models, err := projections.Open(h.t.Context(), db)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { models.Close() })
	if err := projections.Migrate(h.t.Context(), db); err != nil {
		h.t.Fatal(err)
	}
	return models
}

// append puts events into the log, in one batch.
func (h *house) append(events ...*domain.Event) {
	h.t.Helper()
	if len(events) == 0 {
		return
	}
	b := eventstore.Batch{Stream: "projectionstest"}
	for _, e := range events {
		h.sequence++
		b.Messages = append(b.Messages, eventstore.Incoming{
			Sequence: h.sequence, Event: e, Raw: e.MarshalCloudEvent(), ReceivedAt: now,
		})
	}
	var account eventstore.Account
	var err error
	for range 10 { // a case may have broken the connections
		if account, err = h.log.Append(h.t.Context(), b); err == nil {
			break
		}
	}
	if err != nil {
		h.t.Fatalf("append: %v", err)
	}
	if account.Refused != 0 {
		h.t.Fatalf("append: %d events of the case were refused", account.Refused)
	}
}

// head returns the log's last position.
func (h *house) head() eventstore.Position {
	h.t.Helper()
	head, err := h.log.Head(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return head.Position
}

// A running is a Runner at work.
type running struct {
	*projections.Runner
	t      testing.TB
	cancel context.CancelFunc
	done   chan error
}

// quick are the limits under which the cases run: batches and waits so short
// that everything happens several times.
func (h *house) quick() projections.Config {
	return projections.Config{
		BatchEvents:  50,
		RenewalGrace: renewalGrace,
		Tick:         10 * time.Millisecond,
		Now:          func() domain.Instant { return domain.Instant(h.clock.Load()) },
		Logger:       slog.New(slog.DiscardHandler),
	}
}

// renewalGrace is the platforms' of the cases: some renewals come within it.
const renewalGrace = 30 * time.Hour

// start starts a runner on the house's log and models.
func (h *house) start(config projections.Config) *running {
	h.t.Helper()
	return h.startOn(h.models, h.log, config)
}

func (h *house) startOn(models *projections.Models, log projections.Log, config projections.Config) *running {
	h.t.Helper()
	runner, err := projections.NewRunner(models, log, config)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Runner: runner, t: h.t, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- runner.Run(ctx) }()
	h.t.Cleanup(r.stop)
	return r
}

// stop stops the runner and waits until it has.
func (r *running) stop() {
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("Run: %v", err)
	}
	r.done <- nil // for whoever stops it again
}

// eventually waits until a condition holds.
func (h *house) eventually(what string, holds func() bool) {
	h.t.Helper()
	eventually.Holds(h.t, what, holds)
}

// caughtUp waits until a runner has projected the whole log into the live
// generation.
func (h *house) caughtUp(r *running) {
	h.t.Helper()
	head := h.head()
	h.eventually("the log has been projected", func() bool {
		s := r.Status()
		return s.Live && s.Projecting && s.Position >= head
	})
}

// project projects the whole log and stops.
func (h *house) project(config projections.Config) {
	h.t.Helper()
	r := h.start(config)
	h.caughtUp(r)
	r.stop()
}

// A gatedLog is a log of which a case decides what its reader gets to see.
type gatedLog struct {
	projections.Log
	// read and head, where they are set, stand in for the log's own.
	read func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error)
	head func(ctx context.Context) (eventstore.Head, error)
	// keys and erasedSince likewise.
	keys        func(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error)
	erasedSince func(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error)
	// userHistory hears whose history is read.
	userHistory func(user eventstore.UserKey)
}

func (l *gatedLog) Keys(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error) {
	if l.keys != nil {
		return l.keys(ctx, users, limit)
	}
	return l.Log.Keys(ctx, users, limit)
}

func (l *gatedLog) ErasedSince(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error) {
	if l.erasedSince != nil {
		return l.erasedSince(ctx, keys)
	}
	return l.Log.ErasedSince(ctx, keys)
}

func (l *gatedLog) Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	if l.read != nil {
		return l.read(ctx, after, limit)
	}
	return l.Log.Read(ctx, after, limit)
}

func (l *gatedLog) Head(ctx context.Context) (eventstore.Head, error) {
	if l.head != nil {
		return l.head(ctx)
	}
	return l.Log.Head(ctx)
}
