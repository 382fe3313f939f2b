// This file is a message on its way through the process: what the broker
// delivered, as Watermill has it, and the register of those in flight.

package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// A delivery is one message of the stream in this process. It is also the
// context of the Watermill message that was made of it, which ends when the
// message is settled.
type delivery struct {
	context.Context
	place
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

func newDelivery(ctx context.Context, stream string, m jetstream.Msg) (*delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("reading a message's metadata: %w", err)
	}
	return &delivery{
		Context: ctx,
		place:   place{stream, meta.Sequence.Stream},
		done:    make(chan struct{}),
		msg:     m,
		first:   m,
	}, nil
}

// message makes the Watermill message: a header that came several times has
// its first value there.
func (d *delivery) message() *message.Message {
	m := message.NewMessage(d.first.Headers().Get(headerUUID), d.first.Data())
	for name, values := range d.first.Headers() {
		if name != headerUUID && len(values) > 0 {
			m.Metadata[name] = values[0]
		}
	}
	m.SetContext(d)
	return m
}

// size is what the message takes in memory, roughly.
func (d *delivery) size() int { return len(d.first.Data()) + 256 }

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

// each calls do with every message in flight.
func (f *flight) each(do func(jetstream.Msg)) {
	f.mu.Lock()
	all := make([]jetstream.Msg, 0, len(f.open))
	for _, d := range f.open {
		all = append(all, d.msg)
	}
	f.mu.Unlock()
	for _, m := range all {
		do(m)
	}
}
