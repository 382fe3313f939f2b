// This file makes batches of messages and events of batches.

package ingest

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// A batch is what is appended and acknowledged together.
type batch struct {
	messages []*message.Message
	append   eventstore.Batch
	// prepared is nil where that failed, and then it is tried again when the
	// batch is appended.
	prepared *eventstore.Prepared
}

// gather makes batches of what comes in: a batch is given on when it is full,
// or when nothing was added for long enough and somebody takes it.
func (i *Ingester) gather(ctx context.Context, in <-chan *message.Message, out chan<- []*message.Message) {
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
		case m, ok := <-receive:
			if !ok {
				return
			}
			if g.take(m) {
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
	cfg    IngesterConfig
	batch  []*message.Message
	stream string
	bytes  int
	// waited says that the first message has waited long enough for others.
	waited bool
	// held is a message that begins the next batch: it is of another
	// incarnation of the stream.
	held *message.Message
}

// add puts a message into the batch. It is true for the first.
func (g *gathering) add(m *message.Message) bool {
	d := deliveryOf(m)
	if len(g.batch) > 0 && d.stream != g.stream {
		g.held = m
		return false
	}
	g.stream = d.stream
	g.batch = append(g.batch, m)
	g.bytes += d.size()
	return len(g.batch) == 1
}

// take adds a message that was handed over, and makes room for others.
func (g *gathering) take(m *message.Message) (first bool) {
	deliveryOf(m).taken()
	return g.add(m)
}

// takeWaiting takes what is there already: a choice between one channel and
// nothing costs a fraction of one between several.
func (g *gathering) takeWaiting(in <-chan *message.Message) {
	for !g.full() {
		select {
		case m, ok := <-in:
			if !ok {
				return // gather sees it next
			}
			g.take(m)
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

// deliveryOf gives what the broker delivered.
func deliveryOf(m *message.Message) *delivery { return m.Context().(*delivery) }

// decode judges a group of messages, several at once. Their order stays.
func (i *Ingester) decode(group []*message.Message) *batch {
	b := &batch{
		messages: group,
		append: eventstore.Batch{
			Stream:   deliveryOf(group[0]).stream,
			Messages: make([]eventstore.Incoming, len(group)),
		},
	}
	now := i.cfg.Now()
	share := max((len(group)+i.cfg.Decoders-1)/i.cfg.Decoders, 64)
	var decoders sync.WaitGroup
	for from := 0; from < len(group); from += share {
		to := min(from+share, len(group))
		decoders.Go(func() { decodeRange(b, from, to, now) })
	}
	decoders.Wait()
	return b
}

// prepare does for a batch what needs no turn of its own at the log.
func (i *Ingester) prepare(ctx context.Context, b *batch) {
	// A failure says the same as the one that comes when it is tried again.
	b.prepared, _ = i.log.Prepare(ctx, b.append)
}

func decodeRange(b *batch, from, to int, now domain.Instant) {
	for k := from; k < to; k++ {
		d := deliveryOf(b.messages[k])
		a := wire.Receive(d.first.Subject(), d.first.Headers(), d.first.Data(), now)
		b.append.Messages[k] = eventstore.Incoming{Sequence: d.sequence, ReceivedAt: now,
			Event: a.Event, Refusal: a.Refusal, MustBeNew: a.MustBeNew, Raw: a.Kept()}
	}
}
