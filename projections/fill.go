// This file fills a new generation in bulk. Following a long log from its
// beginning, batch by batch, would write most rows over and over. Instead the
// log up to a position is folded in memory, a shard of the users at a time, and
// each shard's rows are loaded once, into tables without indexes, which are
// built afterwards. From then on the generation follows the log like any other.
//
// Until its indexes are there, a generation isn't live and nobody asks it
// anything. Its header says how far it is, under the same lease as always:
//
//	no indexes, position 0: it is being filled, or was when the projector died;
//	  whoever has the lease empties the tables and begins.
//	no indexes, another position: all rows are there, and the indexes are built.
//	indexes: it follows the log.

package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A BulkLog is what filling needs of the event store, beside what a Log has.
type BulkLog interface {
	// Keys returns the keys of users of a range: of all of them, or of about limit
	// of them in a range that ends earlier.
	Keys(ctx context.Context, users eventstore.UserRange, limit int) (*eventstore.Keys, error)
	// ReadOf hands over the events of users of a range that has the keys, after
	// a position and up to last, in any order. An event holds during the call.
	ReadOf(ctx context.Context, keys *eventstore.Keys, users eventstore.UserRange, after, last eventstore.Position,
		take func(eventstore.UserKey, *domain.Event) error) error
	// RetractionsOf hands over the retractions about the users of a range that were
	// recorded up to a position, in any order.
	RetractionsOf(ctx context.Context, users eventstore.UserRange, upTo eventstore.Position, take func(eventstore.Retraction)) error
	// ErasedSince returns those of the users who were erased since their keys
	// were read.
	ErasedSince(ctx context.Context, keys *eventstore.Keys) ([]eventstore.UserKey, error)
}

const (
	// pieceEvents is how many positions one goroutine reads at a time.
	pieceEvents = 8192
	// keyBytes is about how much the key of a user takes.
	keyBytes = 320
	// foldedBytes is about how much is kept for an event, on average: what the
	// first shard's size is guessed by.
	foldedBytes = 32
	// ledgerEntries is how many entries of the ledger are kept in memory at most.
	ledgerEntries = 1 << 17
)

// A filler fills one generation up to a position.
type filler struct {
	*follower
	target eventstore.Position
	// epoch is the log's at the target. Who is erased later is so by an event
	// after the target, which is followed before the generation is live. One that
	// stops there is told.
	epoch      string
	recordedAt domain.Instant // of the event at the target

	ledger ledger // of the shards that are written, where it isn't in the tables
}

// fill loads all rows up to the head of the log, or to where the generation stops.
func (f *follower) fill(ctx context.Context, head eventstore.Head) error {
	began := time.Now()
	fl := &filler{follower: f, target: f.target(head), epoch: head.Epoch, ledger: ledger{}}
	logger := f.runner.config.Logger.With("generation", f.gen.number, "events", int64(fl.target))
	logger.Info("filling read models in bulk")
	if err := fl.begin(ctx); err != nil {
		return fmt.Errorf("begin to fill the read models: %w", err)
	}
	if err := fl.shards(ctx); err != nil {
		return fmt.Errorf("fill the read models: %w", err)
	}
	if err := fl.finish(ctx); err != nil {
		return fmt.Errorf("finish filling the read models: %w", err)
	}
	took := time.Since(began)
	f.position = fl.target
	f.status.filled(fl.target)
	f.runner.metrics.events.Add(float64(fl.target))
	logger.Info("read models are filled; building their indexes", "duration_s", took.Seconds(),
		"events_per_s", int64(float64(fl.target)/took.Seconds()))
	return nil
}

// begin reads what the status and the header need, and empties the tables: a
// projector may have died over filling them.
func (f *filler) begin(ctx context.Context) error {
	first, err := f.recorded(ctx, 1)
	if err != nil {
		return err
	}
	if f.recordedAt, err = f.recorded(ctx, f.target); err != nil {
		return err
	}
	f.status.fills(f.target, first.Time())
	return f.emptyTables(ctx)
}

// recorded returns when the event at a position was recorded.
func (f *filler) recorded(ctx context.Context, at eventstore.Position) (domain.Instant, error) {
	records, err := f.log.Read(ctx, at-1, 1)
	if err == nil && len(records) == 0 {
		err = errEpoch // the log has become shorter
	}
	if err != nil {
		return 0, err
	}
	return records[0].RecordedAt, nil
}

// emptyTables removes all rows of a generation at position 0.
func (f *follower) emptyTables(ctx context.Context) error {
	empty := "DELETE FROM "
	if f.gen.db.Dialect().Name == sqldb.Postgres {
		empty = "TRUNCATE "
	}
	return f.gen.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := f.lease.advance(ctx, tx, 0, 0, nil); err != nil {
			return err
		}
		for _, t := range rowTables {
			if _, err := tx.ExecContext(ctx, empty+t.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// shards folds and writes all users, a shard after the other. A shard is
// written while the next is folded.
func (f *filler) shards(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	folded := make(chan *shard)
	work.Go(func() error {
		for s := range folded {
			if err := f.write(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	work.Go(func() error {
		defer close(folded)
		width := firstWidth(f.target, f.runner.config.FillBytes)
		for users := eventstore.Everybody; ; {
			users.Last = users.First + min(width, math.MaxUint64-users.First)
			s, err := f.foldShard(ctx, users)
			if err != nil {
				return err
			}
			select {
			case folded <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
			done := s.users()
			if done.Last == math.MaxUint64 {
				return nil
			}
			users.First, width = done.Last+1, nextWidth(s, done)
		}
	})
	return work.Wait()
}

// firstWidth guesses how wide the first shard's range may be.
func firstWidth(events eventstore.Position, budget int) uint64 {
	shards := uint64(events)*foldedBytes/uint64(budget) + 1
	return math.MaxUint64 / shards
}

// nextWidth lets the next shard be as wide as the one before, or wider where
// that came out small.
func nextWidth(s *shard, users eventstore.UserRange) uint64 {
	width := users.Last - users.First
	if s.size.Load() < s.budget/3 && width < math.MaxUint64/2 {
		width = 2*width + 1
	}
	return width
}

// foldShard folds the events of the users of a range, or of those in its
// beginning whose facts fit into memory.
func (f *filler) foldShard(ctx context.Context, users eventstore.UserRange) (*shard, error) {
	if err := f.checkEntry(ctx); err != nil {
		return nil, err
	}
	budget := f.runner.config.FillBytes
	keys, err := f.log.Keys(ctx, users, max(budget/keyBytes, 1))
	if err != nil {
		return nil, err
	}
	s := newShard(keys, int64(budget))
	if err := f.log.RetractionsOf(ctx, s.users(), f.target, s.retract); err != nil {
		return nil, err
	}
	work, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() error {
			for {
				last := eventstore.Position(next.Add(pieceEvents))
				after := last - pieceEvents
				if after >= f.target {
					return nil
				}
				if err := f.log.ReadOf(ctx, keys, s.users(), after, min(last, f.target), s.take); err != nil {
					return err
				}
				f.status.fillsOn(shareDone(s.users(), float64(after)/float64(f.target)))
			}
		})
	}
	return s, work.Wait()
}

// shareDone says how much of everything is done when a share of the log has
// been read for a shard.
func shareDone(users eventstore.UserRange, share float64) float64 {
	return (float64(users.First) + share*float64(users.Last-users.First)) / math.MaxUint64
}

// write writes the rows of a shard in one transaction. Nothing personal is
// written of users who have been erased since their events were read.
func (f *filler) write(ctx context.Context, s *shard) error {
	erased, err := f.log.ErasedSince(ctx, s.keys)
	if err != nil {
		return err
	}
	s.forget(erased)
	var sum ledger
	var spilled bool
	err = f.gen.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := f.lease.advance(ctx, tx, 0, 0, nil); err != nil {
			return err
		}
		var err error
		if sum, err = f.load(ctx, tx, s); err != nil {
			return err
		}
		for key, delta := range f.ledger {
			sum[key] += delta
		}
		if spilled = len(sum) > ledgerEntries; spilled {
			return sum.write(ctx, tx, f.calendar)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.ledger = sum; spilled {
		f.ledger = ledger{}
	}
	return nil
}

// finish writes what is left of the ledger, and the position: with it the rows
// count.
func (f *filler) finish(ctx context.Context) error {
	return f.gen.db.InTx(ctx, func(tx *sqldb.Tx) error {
		if err := f.lease.advance(ctx, tx, 0, f.target, &f.recordedAt); err != nil {
			return err
		}
		if err := f.ledger.write(ctx, tx, f.calendar); err != nil {
			return err
		}
		head, err := f.log.Head(ctx)
		if err == nil && (head.Epoch != f.epoch || head.Position < f.target) {
			err = errEpoch
		}
		return err
	})
}

// errFillAnother says that the live generation is empty and the log long: it is
// quicker to fill another and to switch.
var errFillAnother = errors.New("the live read models are empty, and the log is long: others are filled")

// checkEmpty fails with errFillAnother where it is so.
func (f *follower) checkEmpty(ctx context.Context) error {
	if f.position > 0 {
		return nil
	}
	head, err := f.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	if f.isLong(head) {
		return errFillAnother
	}
	return nil
}

// complete brings a generation that isn't live to where it can follow the log:
// it fills it where that is quicker than following, and builds the indexes.
func (f *follower) complete(ctx context.Context) error {
	indexed, err := f.gen.indexed(ctx)
	if err != nil || indexed {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		f.keepLease(ctx, cancel)
	}()
	if err = f.completeUnder(ctx); err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	<-kept
	f.leaseSeen = time.Now()
	return err
}

// completeUnder does what complete does, under a lease that is kept.
func (f *follower) completeUnder(ctx context.Context) error {
	if f.position == 0 {
		head, err := f.log.Head(ctx)
		if err != nil {
			return fmt.Errorf("read the log's head: %w", err)
		}
		if head.Epoch != f.spec.epoch {
			return errEpoch
		}
		fill := f.emptyTables
		if f.isLong(head) {
			f.runner.filling.Lock()
			defer f.runner.filling.Unlock()
			fill = func(ctx context.Context) error { return f.fill(ctx, head) }
		}
		if err := fill(ctx); err != nil {
			return err
		}
	}
	if err := f.gen.index(ctx); err != nil {
		return err
	}
	return f.gen.analyze(ctx)
}

// target is how far a generation can come in a log.
func (f *follower) target(head eventstore.Head) eventstore.Position {
	if f.stop > 0 {
		return min(f.stop, head.Position)
	}
	return head.Position
}

// isLong says whether the log is so long that filling is quicker than following.
func (f *follower) isLong(head eventstore.Head) bool {
	return int64(f.target(head)) >= int64(f.runner.config.FillFrom)
}

// keepLease renews the lease until ctx ends, and cancels it where the lease is
// lost. It is what stops the work early; that nothing is saved without the
// lease is seen to where it is saved.
func (f *follower) keepLease(ctx context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(max(f.lease.length/3, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// An error is no loss: the next time may do, and where it doesn't,
		// saving fails.
		if held, err := f.lease.take(ctx); err == nil && !held {
			cancel(ErrLeaseLost)
			return
		}
	}
}
