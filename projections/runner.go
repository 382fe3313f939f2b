// This file is the runner: it keeps the read models following the log, builds
// a new generation where the configuration or the code asks for one, and goes
// on by itself after whatever went wrong.

package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/pause"
)

// A Config says how a Runner projects. The zero value of each field is its
// default.
type Config struct {
	// TimeZone is the IANA name of the platform's time zone, by default UTC.
	TimeZone string
	// RenewalGrace is for how long after its period's end a subscription may be
	// renewed without a gap, by default not at all.
	RenewalGrace time.Duration
	// BatchEvents and BatchBytes bound how much is projected in one
	// transaction, by default 10,000 events and 32 MiB.
	BatchEvents int
	BatchBytes  int
	// FillFrom is how long a log is at least that isn't followed from its
	// beginning: the read models are filled in bulk up to where it ends, and
	// follow from there. By default 50,000 events.
	FillFrom int
	// FillBytes bounds how much is kept in memory of the users whose events are
	// folded at a time while read models are filled, by default 16 MiB. Twice as
	// much is in use while one part is written and the next one folded, and as
	// much again until the garbage of reading is collected.
	FillBytes int
	// Lease is for how long a projector that stopped without a word keeps
	// others from taking over, by default 15 s.
	Lease time.Duration
	// Tick is how often the log is looked at without having been woken, and
	// statuses are renewed that have run out, by default 1 s.
	Tick time.Duration
	// Grace is for how long a generation that is no longer live is kept, which
	// has to be longer than any answer takes, by default 5 min.
	Grace time.Duration
	// Now is the clock, by default the system's. It says which status the rows
	// of users hold, and nothing else depends on it.
	Now func() domain.Instant
	// Logger hears of what goes wrong, by default slog.Default(). What it hears
	// has nothing personal in it.
	Logger *slog.Logger
	// Registerer takes the metrics; none by default.
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	c.TimeZone = cmp.Or(c.TimeZone, "UTC")
	c.BatchEvents = cmp.Or(c.BatchEvents, 10_000)
	c.BatchBytes = cmp.Or(c.BatchBytes, 32<<20)
	c.FillFrom = cmp.Or(c.FillFrom, 50_000)
	c.FillBytes = cmp.Or(c.FillBytes, 16<<20)
	c.Lease = cmp.Or(c.Lease, 15*time.Second)
	c.Tick = cmp.Or(c.Tick, time.Second)
	c.Grace = cmp.Or(c.Grace, 5*time.Minute)
	if c.Now == nil {
		c.Now = func() domain.Instant { return domain.InstantOf(time.Now()) }
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// A Runner keeps the read models of a database following its log. Several may
// run, in one process or many: one at a time projects into a generation, and
// the others take over when it stops.
type Runner struct {
	models  *Models
	log     Log
	config  Config
	status  statusBoard
	metrics *metrics
	filling sync.Mutex // held while a generation is filled: what that takes of memory is taken once
	number  int        // the generation that Run followed last; 0 where it has followed none
}

// NewRunner makes a Runner. It fails where the configuration is wrong: an
// unknown time zone, a negative number, or metrics that are registered already.
func NewRunner(m *Models, log Log, config Config) (*Runner, error) {
	config = config.withDefaults()
	if min(config.BatchEvents, config.BatchBytes, config.FillFrom, config.FillBytes) < 0 || min(config.Lease, config.Tick, config.Grace) < 0 {
		return nil, errors.New("projections: no limit or duration may be negative")
	}
	if _, err := zoneOf(config.TimeZone); err != nil {
		return nil, fmt.Errorf("projections: time zone: %w", err)
	}
	r := &Runner{models: m, log: log, config: config}
	var err error
	if r.metrics, err = newMetrics(config.Registerer, r.Status); err != nil {
		return nil, fmt.Errorf("projections: register metrics: %w", err)
	}
	return r, nil
}

// minPause and maxPause bound the pauses between attempts that failed.
const (
	minPause = 150 * time.Millisecond
	maxPause = 7 * time.Second
)

// Run projects until ctx ends, and returns nil then. What goes wrong is
// reported in Status and the log, and tried again after a while that grows up
// to ten seconds. The only other end is a newer configuration: where another
// process has made read models of another time zone or newer code live, Run
// stands idle and says so in Status, so that the two don't build in turns.
func (r *Runner) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { r.forgetLoop(ctx) })
	beside.Go(func() { r.tendLoop(ctx) })
	pauses := pause.New(minPause, maxPause)
	for ctx.Err() == nil {
		before := r.status.saves()
		err := r.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			continue
		}
		if r.status.saves() != before {
			pauses.Reset()
		}
		r.status.failed(err)
		if errors.Is(err, ErrSuperseded) {
			r.config.Logger.Warn("projecting has ended: read models of another time zone or newer code are live", "error", err)
			<-ctx.Done()
			break
		}
		r.metrics.failures.Inc()
		r.config.Logger.Error("projecting was interrupted", "error", err)
		_ = pause.Wait(ctx, pauses.NextBackOff())
	}
	r.status.stopped()
	return nil
}

// attempt follows the log into the generation that the configuration asks for,
// and returns why it couldn't go on. While that one is still being built, the
// live one is followed too, so that its answers don't grow old.
// It returns nil where it is to be called again at once: the generation that
// it would have to follow is empty, and another was entered to be filled.
func (r *Runner) attempt(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	head, err := r.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	wanted := r.spec(head)
	number, err := r.models.acquireBuild(ctx, wanted, r.number)
	if err != nil {
		return err
	}
	r.number = number
	if err := r.makeFirst(ctx, number, wanted); err != nil {
		return err
	}
	old := make(chan struct{})
	go func() {
		defer close(old)
		r.followOld(ctx, number, wanted)
	}()
	err = r.follow(ctx, course{number: number, spec: wanted, yields: true, status: &r.status})
	cancel()
	<-old
	switch {
	case errors.Is(err, errSuccessor):
		return nil
	case errors.Is(err, errFillAnother):
		return r.models.acquireAnother(parent, wanted, number)
	case errors.Is(err, ErrSuperseded) && r.models.isLive(parent, wanted):
		return nil // another of the same spec has taken its place
	}
	return err
}

// spec is what this runner's generations of a log are built by.
func (r *Runner) spec(head eventstore.Head) buildSpec {
	return buildSpec{
		timeZone: r.config.TimeZone, renewalGrace: domain.Grace(r.config.RenewalGrace.Microseconds()),
		foldVersion: FoldVersion, epoch: head.Epoch,
	}
}

// makeFirst makes a generation live where none is.
func (r *Runner) makeFirst(ctx context.Context, number int, made buildSpec) error {
	if _, ok, err := r.models.live(ctx); err != nil || ok {
		return err
	}
	g, err := r.models.acquire(ctx, number)
	if err != nil {
		return err
	}
	defer r.models.release(g)
	if err := g.create(ctx, made); err != nil {
		return err
	}
	return r.models.makeFirst(ctx, number)
}

// followOld keeps the live generation up to date until another takes its place.
// It can do so only where this code and this log are what it was made with.
// What goes wrong here goes wrong in the new generation as well.
func (r *Runner) followOld(ctx context.Context, wanted int, newSpec buildSpec) {
	number, ok, err := r.models.live(ctx)
	if err != nil || !ok || number == wanted {
		return
	}
	live, err := r.models.lookUp(ctx, number)
	if err != nil || !live.madeLike(newSpec) {
		return
	}
	for ctx.Err() == nil {
		err := r.follow(ctx, course{number: number, spec: live.spec(), status: &statusBoard{}})
		if errors.Is(err, ErrSuperseded) || errors.Is(err, errFillAnother) {
			return // where it is empty, the new one is filled instead
		}
		_ = pause.Wait(ctx, r.config.Tick)
	}
}

// A course is what is projected into, and how far.
type course struct {
	number int
	spec   buildSpec
	stop   eventstore.Position   // 0: the log is followed for ever
	now    func() domain.Instant // nil: the runner's
	yields bool                  // it ends where another of the same spec is to take its place
	status *statusBoard
}

// follow projects into one generation while it has the lease, and waits for
// the lease while it hasn't. It returns nil only where it has come to where it
// was to stop.
func (r *Runner) follow(ctx context.Context, to course) error {
	zone, err := zoneOf(to.spec.timeZone)
	if err != nil {
		return fmt.Errorf("the time zone of the read models: %w", err)
	}
	g, err := r.models.acquire(ctx, to.number)
	if err != nil {
		return err
	}
	defer r.models.release(g)
	if err := g.begin(ctx, to.spec); err != nil {
		return err
	}
	if to.now == nil {
		to.now = r.config.Now
	}
	f := &follower{
		runner: r, status: to.status, yields: to.yields,
		projector: projector{
			gen: g, log: r.log, spec: to.spec, platform: platform{domain.Calendar{Zone: zone}, to.spec.renewalGrace}, now: to.now, stop: to.stop,
			lease:  &lease{gen: g, token: newToken(), holder: holder(), length: r.config.Lease},
			limits: batchLimits{events: r.config.BatchEvents, bytes: r.config.BatchBytes},
		},
	}
	if err := f.run(ctx); !errors.Is(err, errReached) {
		return err
	}
	return nil
}
