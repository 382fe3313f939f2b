// This file is a message in this process, until it is settled, and the register of
// those in flight.

package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// A streamSequence is a message's number in an incarnation of the stream.
type streamSequence struct {
	stream   string
	sequence uint64
}

// A delivery is one message of the stream in this process, until it is settled.
type delivery struct {
	arrival
	subscription *subscription
	weight       int64
	// msg is what the broker delivered last; it is guarded by flight.
	msg jetstream.Msg
}

// overhead is roughly what a message takes in memory besides its body, in bytes.
const overhead = 256

func newDelivery(s *subscription, stream string, m jetstream.Msg) (*delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("reading a message's metadata: %w", err)
	}
	weight := min(len(m.Data())+overhead, s.cfg.MaxInFlightBytes) // one that is larger takes all the room
	d := &delivery{subscription: s, weight: int64(weight), msg: m}
	d.arrival = arrival{streamSequence{stream, meta.Sequence.Stream}, m.Subject(), m.Headers(), m.Data(), d}
	return d, nil
}

// message makes the Watermill message of the delivery. It shares the body's memory.
func (d *delivery) message() *message.Message {
	m := message.NewMessage(d.msg.Headers().Get(wire.HeaderUUID), d.body)
	for name, values := range d.header {
		if name != wire.HeaderUUID {
			m.Metadata[name] = strings.Join(values, betweenValues)
		}
	}
	m.Metadata[MetadataStream] = d.stream
	m.Metadata[MetadataSequence] = strconv.FormatUint(d.sequence, 10)
	m.Metadata[MetadataSubject] = d.subject
	return m
}

// Ack tells the broker that the message needn't come again.
func (d *delivery) Ack() bool {
	d.settle(jetstream.Msg.Ack)
	return true
}

// settle tells the broker what became of the message. A failure to tell it means
// that the message comes again.
func (d *delivery) settle(tell func(jetstream.Msg) error) {
	s := d.subscription
	s.room.Release(d.weight)
	if err := tell(s.flight.remove(d)); err != nil {
		s.broker.log.Debug("a message could not be settled and will come again", "error", err)
	}
}

// A flight is the register of messages that were received and aren't settled.
// It is safe for concurrent use.
type flight struct {
	mu   sync.Mutex
	open map[streamSequence]*delivery
}

func newFlight() *flight { return &flight{open: make(map[streamSequence]*delivery)} }

// add registers a delivery. It is false where the message is in flight already
// and the broker, which hadn't heard of it, has delivered it again: then the
// one in hand answers for both.
func (f *flight) add(d *delivery) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if before, ok := f.open[d.streamSequence]; ok {
		before.msg = d.msg
		return false
	}
	f.open[d.streamSequence] = d
	return true
}

// remove takes a delivery out, and returns the message to settle it by.
func (f *flight) remove(d *delivery) jetstream.Msg {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, d.streamSequence)
	return d.msg
}

// all returns what is in flight.
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
