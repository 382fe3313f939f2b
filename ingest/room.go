// This file tells how full the broker is, and makes room in it.

package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/domain"
	"boxoffice/wire"
)

const (
	// roomAt is the share of the limit, in tenths, past which what is in the log
	// already leaves the broker before its retention is over.
	roomAt = 9
	// largestStored is what the largest event takes in the stream: itself, its
	// subject and headers, and what the server writes around it.
	largestStored = domain.MaxEventBytes + 8<<10
	// accountWithin is how long the account's limits are waited for: a connection
	// that isn't permitted to ask for them gets no answer, and the server complains
	// each time, so they aren't asked for again before accountAgain is over.
	accountWithin = time.Second
	accountAgain  = time.Minute
)

// A Fill says how much the broker holds, and how much it may hold at most.
type Fill struct {
	// Bytes is what is held, and Limit the most that may be, both in bytes. Limit
	// is zero where no limit is known.
	Bytes, Limit uint64
}

// Full says that the broker has reached its limit: it may have no room for the
// next event, if that is a large one.
func (f Fill) Full() bool {
	return f.Limit > 0 && f.Bytes+min(largestStored, f.Limit/20) > f.Limit
}

// excess is by how many bytes nine tenths of the limit are passed.
func (f Fill) excess() uint64 {
	most := f.Limit / 10 * roomAt
	if f.Limit == 0 || f.Bytes <= most {
		return 0
	}
	return f.Bytes - most
}

// fuller returns the one of the two that is closer to its limit.
func (f Fill) fuller(other Fill) Fill {
	if other.Limit > 0 && (f.Limit == 0 || float64(other.Bytes)/float64(other.Limit) > float64(f.Bytes)/float64(f.Limit)) {
		return other
	}
	return f
}

// fill tells how close the stream, or the account that it is kept in, is to its
// limit: the one that is closer.
func (b *Broker) fill(ctx context.Context, stream jetstream.Stream) Fill {
	info := stream.CachedInfo()
	fill := Fill{Bytes: info.State.Bytes, Limit: uint64(max(info.Config.MaxBytes, 0))}
	if time.Now().UnixNano() < b.noAccountBefore.Load() {
		return fill
	}
	ctx, cancel := context.WithTimeout(ctx, accountWithin)
	defer cancel()
	account, err := b.js.AccountInfo(ctx)
	if err != nil {
		b.noAccountBefore.Store(time.Now().Add(accountAgain).UnixNano())
		return fill
	}
	for _, tier := range slices.AppendSeq([]jetstream.Tier{account.Tier}, maps.Values(account.Tiers)) {
		fill = fill.fuller(Fill{Bytes: tier.Store, Limit: uint64(max(tier.Limits.MaxStore, 0))})
	}
	return fill
}

// Early is what has left the broker before its retention was over, to make room.
type Early struct {
	// Events counts them since this process began, and Last is when the last of
	// them were removed, zero for never.
	Events uint64
	Last   time.Time
}

// early keeps Early up to date.
type early struct {
	mu  sync.Mutex
	now Early
}

func (e *early) get() Early {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *early) add(n uint64) {
	if n == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = Early{Events: e.now.Events + n, Last: time.Now()}
}

// MakeRoom removes from the stream, the oldest first, events that are
// acknowledged with all that came before them, where more than nine tenths of the
// broker's limit are taken: as many as would bring it down to that if all events
// were of one size, so it is called again and again. It returns how many those were.
func (b *Broker) MakeRoom(ctx context.Context) (uint64, error) {
	stream, err := b.js.Stream(ctx, wire.Stream)
	if err != nil {
		return 0, fmt.Errorf("looking for the stream %s: %w", wire.Stream, err)
	}
	state := stream.CachedInfo().State
	excess := b.fill(ctx, stream).excess()
	if excess == 0 || state.Msgs == 0 {
		return 0, nil
	}
	end, err := acknowledgedBefore(ctx, stream)
	if err != nil {
		return 0, err
	}
	each := max(state.Bytes/state.Msgs, 1)
	n, err := purgeBefore(ctx, stream, min(end, state.FirstSeq+excess/each+1))
	b.early.add(n)
	return n, err
}
