// This file is the follower of one generation: it holds the lease, saves batch
// after batch, and does from time to time what time itself asks for.

package projections

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A follower keeps one generation following the log.
type follower struct {
	projector
	runner *Runner
	status *statusBoard

	live      bool // the generation is the live one
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

// run waits for the lease and then projects, until something fails.
func (f *follower) run(ctx context.Context) error {
	for {
		if err := f.checkRetired(ctx); err != nil {
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
		sleep(ctx, f.runner.config.Tick)
		if ctx.Err() != nil {
			return ctx.Err()
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

// rest is what is done when the log has been read to its end: the generation
// takes over if it was built to, and the log is waited for.
func (f *follower) rest(ctx context.Context) error {
	f.status.caughtUp()
	if !f.caughtUp && f.backlog >= largeBacklog {
		if err := f.gen.analyze(ctx); err != nil {
			return err
		}
	}
	f.caughtUp = true
	if !f.live {
		if err := f.runner.models.switchTo(ctx, f.gen.number); err != nil {
			return err
		}
		f.live = true
		f.status.isLive()
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
	if err := f.checkRetired(ctx); err != nil {
		return err
	}
	if err := f.refreshAll(ctx); err != nil {
		return err
	}
	if time.Since(f.leaseSeen) > f.lease.length/3 {
		held, err := f.lease.take(ctx)
		if err != nil || !held {
			return orElse(err, ErrLeaseLost)
		}
		f.leaseSeen = time.Now()
	}
	return f.runner.models.dropRetired(ctx, f.runner.config.Grace)
}

func (f *follower) checkRetired(ctx context.Context) error {
	retired, err := f.runner.models.isRetired(ctx, f.gen.number)
	if err == nil && retired {
		err = ErrSuperseded
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
