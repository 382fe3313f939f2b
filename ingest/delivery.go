// This file is a message on its way through the process: what the broker
// delivered, as Watermill has it, and the register of those in flight.

package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// A delivery is one message of the stream in this process. It is also the
// context of the Watermill message that was made of it, which ends when the
// message is settled.
type delivery struct {
	context.Context
	place
	subscription *subscription
	// done is nil where the consumer settles its deliveries itself, and then
	// nobody waits for one.
	done chan struct{}
	// msg is what the broker delivered last; it is guarded by flight.
	msg jetstream.Msg
	// first is what the broker delivered first, which has the same content.
	first jetstream.Msg
}

// A place is a message's number in an incarnation of the stream.
type place struct {
	stream   string
	sequence uint64
}

func newDelivery(s *subscription, stream string, m jetstream.Msg) (*delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("reading a message's metadata: %w", err)
	}
	return &delivery{
		Context:      s.ctx,
		place:        place{stream, meta.Sequence.Stream},
		subscription: s,
		msg:          m,
		first:        m,
	}, nil
}

// bare makes a Watermill message for a consumer that settles its deliveries
// itself: only the body, and nothing that waits for what becomes of it.
func (d *delivery) bare() *message.Message {
	m := &message.Message{Payload: d.first.Data()}
	m.SetContext(d)
	return m
}

// message makes the Watermill message: a header that came several times has
// its first value there.
func (d *delivery) message() *message.Message {
	d.done = make(chan struct{})
	m := message.NewMessage(d.first.Headers().Get(wire.HeaderUUID), d.first.Data())
	for name, values := range d.first.Headers() {
		if name != wire.HeaderUUID && len(values) > 0 {
			m.Metadata[name] = values[0]
		}
	}
	m.SetContext(d)
	return m
}

// size is what the message takes in memory, roughly.
func (d *delivery) size() int { return len(d.first.Data()) + 256 }

// weight is its size, but no more than there ever is room for.
func (d *delivery) weight() int64 { return int64(min(d.size(), handedBytes)) }

// taken says that the message doesn't wait any more for a consumer that takes
// messages in bulk.
func (d *delivery) taken() { d.subscription.room.Release(d.weight()) }

// Done is closed when the message is settled, or its subscription has ended.
func (d *delivery) Done() <-chan struct{} { return d.done }

// Err is nil until Done is closed.
func (d *delivery) Err() error {
	select {
	case <-d.done:
		return context.Canceled
	default:
		return nil
	}
}

// Deadline is none: a message may be worked on for as long as it takes.
func (d *delivery) Deadline() (time.Time, bool) { return time.Time{}, false }

// A flight is the register of messages that were received and aren't settled.
// It is safe for concurrent use.
type flight struct {
	mu   sync.Mutex
	open map[place]*delivery
}

func newFlight() *flight { return &flight{open: make(map[place]*delivery)} }

// add registers a delivery. It is false where the message is in flight already
// and the broker, which hadn't heard of it, has delivered it again: then the
// one in hand answers for both.
func (f *flight) add(d *delivery) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if before, ok := f.open[d.place]; ok {
		before.msg = d.msg
		return false
	}
	f.open[d.place] = d
	return true
}

// remove takes a delivery out, and gives the message to settle it by.
func (f *flight) remove(d *delivery) jetstream.Msg {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, d.place)
	return d.msg
}

// all gives what is in flight.
func (f *flight) all() []*delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.open))
}

// each calls do with every message in flight.
func (f *flight) each(do func(jetstream.Msg)) {
	f.mu.Lock()
	messages := make([]jetstream.Msg, 0, len(f.open))
	for _, d := range f.open {
		messages = append(messages, d.msg)
	}
	f.mu.Unlock()
	for _, m := range messages {
		do(m)
	}
}
