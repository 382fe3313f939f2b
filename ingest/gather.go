// This file makes batches of messages and events of batches.

package ingest

import (
	"context"
	"sync"
	"time"

	"boxoffice/eventstore"
)

// A batch is what is appended and acknowledged together.
type batch struct {
	messages []*arrival
	append   eventstore.Batch
	// prepared is nil where that failed, and then it is tried again when the
	// batch is appended.
	prepared *eventstore.Prepared
}

// gather makes batches of what comes in until ctx ends: a batch is given on when
// it is full, or when nothing was added for long enough and somebody takes it.
func (i *Ingester) gather(ctx context.Context, in <-chan *arrival, out chan<- []*arrival) {
	g := gathering{cfg: i.cfg}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		receive, give := in, out
		if g.full() {
			receive = nil
		}
		if !g.ready() {
			give = nil
		}
		select {
		case <-ctx.Done():
			return
		case a, ok := <-receive:
			if !ok {
				return
			}
			if g.add(a) {
				timer.Reset(i.cfg.BatchWait)
			}
			g.takeWaiting(in)
		case <-timer.C:
			g.waited = true
		case give <- g.batch:
			timer.Stop()
			g.next()
			if len(g.batch) > 0 {
				timer.Reset(i.cfg.BatchWait)
			}
		}
	}
}

// A gathering is a batch that is being filled.
type gathering struct {
	cfg   IngesterConfig
	batch []*arrival
	bytes int
	// waited says that the first message has waited long enough for others.
	waited bool
	// held is a message that begins the next batch: it is of another
	// incarnation of the stream.
	held *arrival
}

// add puts a message into the batch, or holds it for the next. It is true for the
// first.
func (g *gathering) add(a *arrival) (first bool) {
	if len(g.batch) > 0 && a.stream != g.batch[0].stream {
		g.held = a
		return false
	}
	g.batch = append(g.batch, a)
	g.bytes += len(a.body) + overhead
	return len(g.batch) == 1
}

// takeWaiting takes what is there already: a choice between one channel and
// nothing costs a fraction of one between several.
func (g *gathering) takeWaiting(in <-chan *arrival) {
	for !g.full() {
		select {
		case a, ok := <-in:
			if !ok {
				return // gather sees it next
			}
			g.add(a)
		default:
			return
		}
	}
}

func (g *gathering) full() bool {
	return g.held != nil || len(g.batch) >= g.cfg.BatchEvents || g.bytes >= g.cfg.BatchBytes
}

func (g *gathering) ready() bool { return g.full() || g.waited && len(g.batch) > 0 }

// next begins a new batch.
func (g *gathering) next() {
	held := g.held
	*g = gathering{cfg: g.cfg}
	if held != nil {
		g.add(held)
	}
}

// decode judges a group of messages, several at once. Their order stays.
func (i *Ingester) decode(group []*arrival) *batch {
	b := &batch{
		messages: group,
		append: eventstore.Batch{
			Stream:   group[0].stream,
			Messages: make([]eventstore.Incoming, len(group)),
		},
	}
	now := i.cfg.Now()
	share := max((len(group)+i.cfg.Decoders-1)/i.cfg.Decoders, 64)
	var decoders sync.WaitGroup
	for from := 0; from < len(group); from += share {
		to := min(from+share, len(group))
		decoders.Go(func() {
			for k := from; k < to; k++ {
				b.append.Messages[k] = group[k].incoming(now)
			}
		})
	}
	decoders.Wait()
	return b
}

// prepare does for a batch what needs no turn of its own at the log.
func (i *Ingester) prepare(ctx context.Context, b *batch) {
	// A failure says the same as the one that comes when it is tried again.
	b.prepared, _ = i.log.Prepare(ctx, b.append)
}
