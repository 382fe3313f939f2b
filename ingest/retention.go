// This file removes from the broker what it needn't keep any more.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

const (
	// retainEvery is how often what has been kept long enough is purged.
	retainEvery = 10 * time.Minute
	// roomEvery is how often a broker that is nearly full is looked for.
	roomEvery = 500 * time.Millisecond
)

// A RefusedPurger is what retention needs of the log: it removes the refused
// events that have been kept long enough, and says how many.
type RefusedPurger interface {
	PurgeRefused(ctx context.Context) (int64, error)
}

// Retain purges, now and then until ctx ends, what the broker holds of events
// that are in the log and older than keep, and of refused events what the log
// needn't keep any more. Events that are in the log leave a broker that is nearly
// full earlier: see [Broker.MakeRoom]. What fails is logged and tried again.
func (b *Broker) Retain(ctx context.Context, keep time.Duration, refused RefusedPurger) {
	b.retain(ctx, keep, refused)
	retain, room := time.NewTicker(retainEvery), time.NewTicker(roomEvery)
	defer retain.Stop()
	defer room.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-retain.C:
			b.retain(ctx, keep, refused)
		case <-room.C:
			if _, err := b.MakeRoom(ctx); err != nil && ctx.Err() == nil {
				b.log.Debug("making room in the broker failed and is tried again", "error", err)
			}
		}
	}
}

func (b *Broker) retain(ctx context.Context, keep time.Duration, refused RefusedPurger) {
	if _, err := b.PurgeBefore(ctx, time.Now().Add(-keep)); err != nil && ctx.Err() == nil {
		b.log.Warn("purging the broker failed and is tried again", "error", err)
	}
	if _, err := refused.PurgeRefused(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("purging refused events failed and is tried again", "error", err)
	}
}

// PurgeBefore removes from the stream the events that are acknowledged, with
// all that came before them, and that the broker stored before t. It returns how
// many those were.
func (b *Broker) PurgeBefore(ctx context.Context, t time.Time) (uint64, error) {
	stream, err := b.js.Stream(ctx, wire.Stream)
	if err != nil {
		return 0, fmt.Errorf("looking for the stream %s: %w", wire.Stream, err)
	}
	end, err := acknowledgedBefore(ctx, stream)
	if err != nil {
		return 0, err
	}
	first := stream.CachedInfo().State.FirstSeq
	if end <= first {
		return 0, nil
	}
	if end, err = firstSince(ctx, stream, first, end, t); err != nil {
		return 0, fmt.Errorf("looking for the oldest event to keep: %w", err)
	}
	return purgeBefore(ctx, stream, end)
}

// acknowledgedBefore returns the sequence before which everything in the stream
// is acknowledged; zero where nothing has been taken yet.
func acknowledgedBefore(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	consumer, err := stream.Consumer(ctx, ConsumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the consumer %s: %w", ConsumerName, err)
	}
	return consumer.CachedInfo().AckFloor.Stream + 1, nil
}

// purgeBefore removes what lies before end, and returns how many events that were.
func purgeBefore(ctx context.Context, stream jetstream.Stream, end uint64) (uint64, error) {
	state := stream.CachedInfo().State
	if state.Msgs == 0 || end <= state.FirstSeq {
		return 0, nil
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(end)); err != nil {
		return 0, fmt.Errorf("purging the stream %s: %w", wire.Stream, err)
	}
	return end - state.FirstSeq, nil
}

// firstSince returns the least sequence from first to end that was stored at t or
// after, or end where none was.
func firstSince(ctx context.Context, stream jetstream.Stream, first, end uint64, t time.Time) (uint64, error) {
	var failed error
	n := sort.Search(int(end-first), func(k int) bool {
		if failed != nil {
			return true
		}
		m, err := stream.GetMsg(ctx, first+uint64(k), jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true
		}
		if err != nil {
			failed = err
			return true
		}
		return !m.Time.Before(t)
	})
	return first + uint64(n), failed
}
