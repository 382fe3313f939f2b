// This file is the follower of one generation: it holds the lease, saves batch
// after batch, and does from time to time what time itself asks for.

package projections

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
)

// A follower keeps one generation following the log.
type follower struct {
	projector
	runner *Runner
	status *statusBoard

	live      bool // the generation is the live one
	yields    bool // it ends where another of the same spec is to take its place
	ticked    time.Time
	leaseSeen time.Time // when the lease was renewed last

	// caughtUp says that the end of the log was reached, and backlog is how
	// many events were projected until then.
	caughtUp bool
	backlog  int
}

// largeBacklog is how many events change the tables so much that questions
// can't wait until the database looks at them again by itself.
const largeBacklog = 10_000

// errReached says that a follower has come to where it was to stop.
var errReached = errors.New("the read models have come to the position where they stop")

// run waits for the lease and then projects, until something fails or the
// position is reached where it is to stop.
func (f *follower) run(ctx context.Context) error {
	for {
		if err := f.checkEntry(ctx); err != nil {
			return err
		}
		held, err := f.lease.take(ctx)
		if err != nil {
			return err
		}
		if held {
			break
		}
		f.status.standsBy(f.gen.number)
		if err := pause.Wait(ctx, f.runner.config.Tick); err != nil {
			return err
		}
	}
	defer f.release(ctx)
	f.leaseSeen = time.Now()
	h, err := readHeader(ctx, f.gen.db.SQL())
	if err != nil {
		return err
	}
	live, _, err := f.runner.models.live(ctx)
	if err != nil {
		return err
	}
	f.position, f.live = h.position, live == f.gen.number
	f.status.holds(f.gen.number, h.position, f.live)
	if f.live {
		err = f.checkEmpty(ctx)
	} else {
		err = f.complete(ctx)
	}
	if err != nil {
		return err
	}
	return f.project(ctx)
}

// release ends the lease also where ctx has ended, but not for long: the
// lease ends by itself.
func (f *follower) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := f.lease.release(ctx); err != nil {
		f.runner.config.Logger.Warn("the lease runs out by itself", "error", err)
	}
}

// A reading is a batch on its way.
type reading struct {
	batch *batch
	err   error
}

// readAhead reads a batch while the one before is being saved.
func (f *follower) readAhead(ctx context.Context, after eventstore.Position) <-chan reading {
	done := make(chan reading, 1)
	go func() {
		b, err := f.read(ctx, after, f.limits)
		done <- reading{b, err}
	}()
	return done
}

// project saves batch after batch, and rests when it has caught up.
func (f *follower) project(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := f.readAhead(ctx, f.position)
	for {
		read := <-next
		if read.err != nil {
			return read.err
		}
		b := read.batch
		if b == nil {
			if err := f.rest(ctx); err != nil {
				return err
			}
			next = f.readAhead(ctx, f.position)
			continue
		}
		next = f.readAhead(ctx, b.last)
		saved, err := f.saveBatch(ctx, b)
		if err != nil {
			return err
		}
		if saved.last != b.last { // it was read again, and is shorter
			<-next
			next = f.readAhead(ctx, saved.last)
		}
		if err := f.tickIfDue(ctx); err != nil {
			return err
		}
	}
}

func (f *follower) saveBatch(ctx context.Context, b *batch) (*batch, error) {
	f.status.reads(b)
	began := time.Now()
	saved, err := f.saveOrReread(ctx, b)
	if err != nil {
		return nil, err
	}
	f.leaseSeen = time.Now()
	if !f.caughtUp {
		f.backlog += saved.events
	}
	f.status.saved(saved)
	f.runner.metrics.saved(saved, f.leaseSeen.Sub(began))
	return saved, nil
}

// rest is what is done when the log has been read to its end, or to where the
// generation stops: the generation takes over if it was built to, and the log is
// waited for.
func (f *follower) rest(ctx context.Context) error {
	f.status.caughtUp()
	if !f.caughtUp && f.backlog >= largeBacklog {
		if err := f.gen.analyze(ctx); err != nil {
			return err
		}
	}
	f.caughtUp = true
	if f.stop > 0 && f.position >= f.stop {
		return errReached
	}
	if !f.live && f.stop == 0 {
		if err := f.takeOver(ctx); err != nil {
			return err
		}
	}
	if err := f.tickIfDue(ctx); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, f.runner.config.Tick)
	defer cancel()
	if err := f.log.Wait(wait, f.position); err != nil && wait.Err() == nil {
		return fmt.Errorf("wait for the log: %w", err)
	}
	return ctx.Err()
}

// tickIfDue does what has to be done from time to time, however much there is
// to project.
func (f *follower) tickIfDue(ctx context.Context) error {
	now := time.Now()
	if now.Sub(f.ticked) < f.runner.config.Tick {
		return nil
	}
	f.ticked = now
	if err := f.checkEntry(ctx); err != nil {
		return err
	}
	if err := f.refreshAll(ctx); err != nil {
		return err
	}
	if time.Since(f.leaseSeen) > f.lease.length/3 {
		held, err := f.lease.take(ctx)
		if err != nil {
			return err
		}
		if !held {
			return ErrLeaseLost
		}
		f.leaseSeen = time.Now()
	}
	return f.runner.models.dropRetired(ctx, f.runner.config.Grace)
}

// takeOver makes the generation live, unless the one that is live has come
// further: readers never see the log go back. The header of that one is locked,
// so that it goes no further, until the pointer has moved.
func (f *follower) takeOver(ctx context.Context) error {
	models := f.runner.models
	number, ok, err := models.live(ctx)
	if err != nil {
		return err
	}
	if !ok {
		err = models.switchTo(ctx, f.gen.number)
	} else {
		err = models.with(ctx, number, func(live *generation) error { return f.takeOverFrom(ctx, live) })
	}
	if errors.Is(err, errNotYet) {
		return nil
	}
	if err == nil {
		f.live = true
		f.status.isLive()
	}
	return err
}

// errNotYet says that a generation can't take over at this moment.
var errNotYet = errors.New("the live read models have come further, or are in use")

// switchWithin bounds for how long the live generation is held up by a switch:
// on PostgreSQL a switch waits for those who read the views.
const switchWithin = 2 * time.Second

func (f *follower) takeOverFrom(ctx context.Context, live *generation) error {
	return live.db.InTx(ctx, func(tx *sqldb.Tx) error {
		var position eventstore.Position
		var epoch string
		err := tx.QueryRowContext(ctx, "SELECT position, epoch FROM generation"+tx.Dialect().ForUpdate).Scan(&position, &epoch)
		if err != nil {
			return fmt.Errorf("lock the live read models: %w", err)
		}
		if epoch == f.spec.epoch && position > f.position {
			return errNotYet
		}
		within, cancel := context.WithTimeout(ctx, switchWithin)
		defer cancel()
		err = f.runner.models.switchTo(within, f.gen.number)
		if err != nil && within.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", errNotYet, err)
		}
		return err
	})
}

// errSuccessor says that there is a newer successor of the same spec: a candidate
// that was compared and chosen.
var errSuccessor = errors.New("other read models are to take the place of these")

// checkEntry looks at what the registry says of the generation: whether it is
// still wanted.
func (f *follower) checkEntry(ctx context.Context) error {
	models := f.runner.models
	entry, err := models.lookUp(ctx, f.gen.number)
	switch {
	case err != nil:
		return err
	case entry.retired && (entry.Kind == KindLive || entry.Kind == KindSuccessor):
		return ErrSuperseded
	case entry.retired:
		return ErrDropped
	case entry.FinishedAt != nil:
		return errReached
	case !f.yields:
		return nil
	}
	newest, err := find(ctx, models.registry.SQL(), f.spec)
	if err == nil && newest != f.gen.number {
		err = errSuccessor
	}
	return err
}

// stepsAtOnce is how many steps of refresh are taken before the log has its
// turn again.
const stepsAtOnce = 20

func (f *follower) refreshAll(ctx context.Context) error {
	for range stepsAtOnce {
		more, err := f.refresh(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// newToken makes the secret by which a projector knows its lease.
func newToken() sqldb.UUID {
	var token sqldb.UUID
	rand.Read(token[:]) // it never fails
	return token
}

// holder names the process, for people who look at who projects.
func holder() string {
	host, _ := os.Hostname() // without it the number has to do
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
