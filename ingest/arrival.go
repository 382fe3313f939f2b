// This file is what an Ingester needs of a message, from whatever subscriber it comes.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// The metadata of a Watermill message that say where it comes from, besides its
// headers. They are named as JetStream names them where it gives a stored message
// to somebody.
const (
	// MetadataStream is the incarnation of the stream: its name and creation.
	MetadataStream = jetstream.StreamHeader
	// MetadataSequence is the message's number in it, in decimal.
	MetadataSequence = jetstream.SequenceHeader
	// MetadataSubject is the subject that it was published to.
	MetadataSubject = jetstream.SubjectHeader
)

// betweenValues stands in metadata between the values of a header that came
// several times; no value has it within.
const betweenValues = "\n"

// An arrival is a message that an Ingester takes.
type arrival struct {
	streamSequence
	subject string
	header  map[string][]string
	body    []byte
	// settles is told when the message is in the log.
	settles interface{ Ack() bool }
}

// incoming judges the message at now, for the log.
func (a *arrival) incoming(now domain.Instant) eventstore.Incoming {
	judged := wire.Receive(a.subject, a.header, a.body, now)
	return eventstore.Incoming{Sequence: a.sequence, ReceivedAt: now,
		Event: judged.Event, Refusal: judged.Refusal, MustBeNew: judged.MustBeNew, Raw: judged.Kept()}
}

// A directSubscriber hands out what an Ingester needs without making a Watermill
// message of it first, as an io.WriterTo spares io.Copy its buffer: the channels,
// the map and the goroutine of a message each cost more than deciding what to do
// with it.
type directSubscriber interface {
	arrivals(ctx context.Context, topic string) (<-chan *arrival, error)
}

// errNoSequence says that a subscriber isn't one that an Ingester can work with.
var errNoSequence = errors.New("a message doesn't say where in a stream it is")

// receive receives from any subscriber until ctx ends. fail is told of a message
// that an Ingester can't take.
func receive(ctx context.Context, from message.Subscriber, topic string, fail context.CancelCauseFunc) (<-chan *arrival, error) {
	// The subscription outlives ctx, so that what is appended last can still be
	// acknowledged.
	subscribed := context.WithoutCancel(ctx)
	if direct, ok := from.(directSubscriber); ok {
		return direct.arrivals(subscribed, topic)
	}
	messages, err := from.Subscribe(subscribed, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *arrival)
	go func() {
		defer close(out)
		for m := range messages {
			a, err := arrivalOf(m)
			if err != nil {
				fail(err)
				return
			}
			select {
			case out <- a:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// arrivalOf reads a Watermill message.
func arrivalOf(m *message.Message) (*arrival, error) {
	sequence, err := strconv.ParseUint(m.Metadata[MetadataSequence], 10, 64)
	if err != nil || m.Metadata[MetadataStream] == "" {
		return nil, fmt.Errorf("%w: %s and %s are missing in its metadata", errNoSequence, MetadataStream, MetadataSequence)
	}
	a := &arrival{streamSequence: streamSequence{m.Metadata[MetadataStream], sequence}, subject: m.Metadata[MetadataSubject], body: m.Payload, settles: m}
	a.header = make(map[string][]string, len(m.Metadata))
	for name, values := range m.Metadata {
		switch name {
		case MetadataStream, MetadataSequence, MetadataSubject:
		default:
			a.header[name] = strings.Split(values, betweenValues)
		}
	}
	return a, nil
}
