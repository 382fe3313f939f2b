// This file has the cases about saving exactly once, whatever fails and
// however many runners there are.

package projectionstest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

var errInjected = errors.New("injected by the case")

// uninterrupted returns the rows of a history that nothing happens to.
func uninterrupted(t *testing.T, database Database, events []*domain.Event) dump {
	t.Helper()
	h := newHouse(t, database)
	h.append(events...)
	h.project(h.quick())
	return h.dump()
}

func oneTransaction(t *testing.T, database Database) {
	events := newMaker(t, 10).history(10)
	h := newHouse(t, database)
	h.append(events...)

	errs := &errorLog{}
	failures := func() int64 {
		return int64(errs.count(func(err error) bool {
			return errors.Is(err, errInjected) && strings.Contains(err.Error(), "project positions")
		}))
	}
	// The head is asked for as the last thing in the transaction that saves: from
	// when a batch has been read nobody gets it until saving has failed.
	var failing atomic.Bool
	var readAfter atomic.Int64 // how many failures
	failing.Store(true)
	readAfter.Store(-1)
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		readAfter.Store(failures())
		return h.log.Read(ctx, after, limit)
	}
	log.head = func(ctx context.Context) (eventstore.Head, error) {
		if failing.Load() && readAfter.Load() == failures() {
			return eventstore.Head{}, errInjected
		}
		return h.log.Head(ctx)
	}
	config := h.quick()
	config.Logger = slog.New(errs)
	r := h.startOn(h.models, log, config)
	h.eventually("saving has failed twice", func() bool { return failures() >= 2 })
	if s := r.Status(); s.Position != 0 {
		t.Errorf("while saving fails the position is %d, want 0", s.Position)
	}
	for table, lines := range h.dump() {
		if len(lines) > 0 {
			t.Errorf("while saving fails, %s has %d rows", table, len(lines))
		}
	}
	failing.Store(false)
	h.caughtUp(r)
	wantSame(t, "after saving has failed", uninterrupted(t, database, events), h.dump())
}

func oneProjects(t *testing.T, database Database) {
	events := newMaker(t, 11).history(20)
	h := newHouse(t, database)
	var runners []*running
	var registries []*prometheus.Registry
	for range 3 {
		config := h.quick()
		registry := prometheus.NewRegistry()
		config.Registerer = registry
		registries = append(registries, registry)
		runners = append(runners, h.startOn(h.openModels(h.open()), h.log, config))
	}
	for rest := events; len(rest) > 0; {
		n := min(30, len(rest))
		h.append(rest[:n]...)
		rest = rest[n:]
	}
	leading := func() (leaders int, leader *running) {
		for _, r := range runners {
			if r.Status().Projecting {
				leaders, leader = leaders+1, r
			}
		}
		return leaders, leader
	}
	h.eventually("there is a leader", func() bool { n, _ := leading(); return n > 0 })
	_, leader := leading()
	h.caughtUp(leader)
	if n, _ := leading(); n != 1 {
		t.Errorf("%d runners project, want 1", n)
	}
	var projected float64
	for _, registry := range registries {
		projected += metric(t, registry, "boxoffice_projection_events_total")
	}
	if projected != float64(h.head()) {
		t.Errorf("%v events were projected of %d", projected, h.head())
	}
	wantSame(t, "with three runners", uninterrupted(t, database, events), h.dump())
}

// metric reads a counter.
func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func handsOver(t *testing.T, database Database) {
	events := newMaker(t, 12).history(20)
	h := newHouse(t, database)
	config := h.quick()
	config.Lease = time.Hour // who had to wait for its end would wait in vain
	for rest := events; len(rest) > 0; {
		n := min(60, len(rest))
		h.append(rest[:n]...)
		rest = rest[n:]
		h.project(config)
	}
	wantSame(t, "with one runner after the other", uninterrupted(t, database, events), h.dump())
}

func killed(t *testing.T, database Database) {
	events := newMaker(t, 13).history(20)
	h := newHouse(t, database)
	h.append(events...)

	// The victim reads two batches and no more, and then loses its database at
	// once, as a process does that is killed: it can't even give its lease back.
	config := h.quick()
	config.BatchEvents, config.Lease = 20, 200*time.Millisecond
	var reads atomic.Int64
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		if reads.Add(1) > 2 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return h.log.Read(ctx, after, limit)
	}
	models := h.openModels(h.open())
	victim := h.startOn(models, log, config)
	h.eventually("the victim has saved twice", func() bool { return victim.Status().Position == 40 })
	if err := models.Close(); err != nil {
		t.Fatal(err)
	}

	r := h.start(config)
	h.caughtUp(r)
	wantSame(t, "after a projector was killed", uninterrupted(t, database, events), h.dump())
}

func lostLease(t *testing.T, database Database) {
	events := newMaker(t, 14).history(20)
	h := newHouse(t, database)
	h.append(events...)

	// The slow one has read its first batch and sleeps longer than its lease.
	asleep, awake := make(chan struct{}), make(chan struct{})
	errs := &errorLog{}
	config := h.quick()
	config.Lease, config.Logger = 50*time.Millisecond, slog.New(errs)
	h.startOn(h.openModels(h.open()), h.sleepingLog(asleep, awake), config)
	<-asleep

	// The other has taken the lease and saved nothing yet, so that it is the
	// lease alone that keeps the slow one from saving.
	reading, read := make(chan struct{}), make(chan struct{})
	config = h.quick()
	config.Lease = time.Hour
	r := h.startOn(h.models, h.sleepingLog(reading, read), config)
	<-reading
	close(awake)
	h.eventually("the slow one can't save", func() bool {
		return errs.count(func(err error) bool { return errors.Is(err, projections.ErrLeaseLost) }) > 0
	})
	if at := h.position(); at != 0 {
		t.Errorf("without the lease it has saved up to position %d", at)
	}
	close(read)
	h.caughtUp(r)
	wantSame(t, "with a projector that lost its lease", uninterrupted(t, database, events), h.dump())
}

// sleepingLog is the log to a reader who, once it has read, tells asleep and
// waits for awake.
func (h *house) sleepingLog(asleep, awake chan struct{}) projections.Log {
	var once sync.Once
	log := &gatedLog{Log: h.log}
	log.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
		records, err := h.log.Read(ctx, after, limit)
		once.Do(func() {
			close(asleep)
			<-awake
		})
		return records, err
	}
	return log
}

func outage(t *testing.T, database Database) {
	m := newMaker(t, 15)
	events := m.history(10)
	h := newHouse(t, database)
	var down atomic.Bool
	log := &gatedLog{Log: h.log}
	log.head = func(ctx context.Context) (eventstore.Head, error) {
		if down.Load() {
			return eventstore.Head{}, errInjected
		}
		return h.log.Head(ctx)
	}
	r := h.startOn(h.models, log, h.quick())
	half := len(events) / 2
	h.append(events[:half]...)
	h.caughtUp(r)

	down.Store(true)
	h.append(events[half:]...)
	h.eventually("the outage is reported", func() bool { return errors.Is(r.Status().Problem, errInjected) })
	down.Store(false)
	h.caughtUp(r)
	if err := r.Status().Problem; err != nil {
		t.Errorf("after the outage there is still a problem: %v", err)
	}

	h.breakConnections()
	extra := m.history(1)
	h.append(extra...)
	h.caughtUp(r)
	wantSame(t, "after outages", uninterrupted(t, database, append(events, extra...)), h.dump())
}

// breakConnections ends all connections to a server, as its restart would.
func (h *house) breakConnections() {
	if h.db.Dialect().Name != sqldb.Postgres {
		return // a file has no server that could go away
	}
	_, err := h.db.SQL().ExecContext(h.t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		h.t.Fatal(err)
	}
}

// An errorLog keeps the errors that a runner logs.
type errorLog struct {
	mu   sync.Mutex
	errs []error
}

func (l *errorLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *errorLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *errorLog) WithGroup(string) slog.Handler            { return l }

func (l *errorLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			l.errs = append(l.errs, err)
		}
		return true
	})
	return nil
}

// count says how many of the errors are wanted ones.
func (l *errorLog) count(wanted func(error) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, err := range l.errs {
		if wanted(err) {
			n++
		}
	}
	return n
}

func startsEarly(t *testing.T, database Database) {
	events := newMaker(t, 16).history(5)
	h := newHouse(t, database)
	h.append(events...)
	empty := database(t)() // in which nothing has been made yet
	models, err := projections.Open(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { models.Close() })
	var down atomic.Bool
	down.Store(true)
	log := &gatedLog{Log: h.log}
	log.head = func(ctx context.Context) (eventstore.Head, error) {
		if down.Load() {
			return eventstore.Head{}, errInjected
		}
		return h.log.Head(ctx)
	}
	r := h.startOn(models, log, h.quick())
	h.eventually("it says that the log can't be reached", func() bool { return errors.Is(r.Status().Problem, errInjected) })
	down.Store(false)
	h.eventually("it says that the read models can't", func() bool {
		return r.Status().Problem != nil && !errors.Is(r.Status().Problem, errInjected)
	})
	if err := projections.Migrate(t.Context(), empty); err != nil {
		t.Fatal(err)
	}
	h.caughtUp(r)
	if s := r.Status(); s.Problem != nil {
		t.Errorf("there is still a problem: %v", s.Problem)
	}
}
