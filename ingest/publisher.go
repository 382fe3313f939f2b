// This file is publishing to the stream: one event with an answer of its own,
// or many at once.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// publishWithin is how long each answer of the broker is waited for.
const publishWithin = 10 * time.Second

// A Publisher publishes to the stream. What it has published without an error
// is stored by the broker; after an error that isn't known, and publishing it
// again is safe, for the log recognises what it has. It is safe for concurrent use.
//
// Its errors wrap [ErrUnavailable], [ErrFull], [ErrTooLarge] or [ErrDenied].
type Publisher struct {
	broker *Broker
	slots  chan struct{}
	group  group
	// single is until when it is taken for granted that the broker can't store
	// batches as a whole, in nanoseconds since 1970.
	single atomic.Int64
	// trusted says that it stored the last batch as a whole.
	trusted atomic.Bool
	closed  atomic.Bool
}

// Publisher is a publisher in Watermill's terms.
var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a publisher over b.
func NewPublisher(b *Broker) *Publisher {
	return &Publisher{broker: b, slots: make(chan struct{}, batchSlots)}
}

// errClosed says that the publisher or subscriber has been closed.
var errClosed = errors.New("closed")

// Publish publishes Watermill messages in their order, their metadata as
// headers, and returns once all are stored. The topic is the subject. Metadata
// that are the broker's own headers (Nats-…) stay behind: a message that was
// received and is published again would otherwise be judged by what was asked of
// the first, such as to be dropped as a duplicate or to be the last of a batch.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	out := make([]wire.Message, len(messages))
	ctx := context.Background()
	for i, m := range messages {
		header := nats.Header{wire.HeaderUUID: {m.UUID}}
		for name, value := range m.Metadata {
			if !wire.IsBrokers(name) {
				header[name] = []string{value}
			}
		}
		out[i] = wire.Message{Subject: topic, Header: header, Data: m.Payload}
		ctx = m.Context()
	}
	return p.PublishBatch(ctx, out)
}

// PublishBatch publishes messages in their order and returns once all are
// stored. After an error, the first of them may be stored and the others not;
// a batch of up to a thousand that is small enough is stored whole or not at all.
func (p *Publisher) PublishBatch(ctx context.Context, messages []wire.Message) error {
	if p.closed.Load() {
		return fmt.Errorf("publishing: %w", errClosed)
	}
	if len(messages) == 0 {
		return nil
	}
	if err := p.watched(ctx, messages, p.publish); err != nil {
		return fmt.Errorf("publishing: %w", publishError(err))
	}
	return nil
}

func subjectsOf(messages []wire.Message) map[string]bool {
	subjects := make(map[string]bool)
	for _, m := range messages {
		subjects[m.Subject] = true
	}
	return subjects
}

func (p *Publisher) publish(ctx context.Context, messages []wire.Message) error {
	if len(messages) == 1 {
		return p.publishAlone(ctx, messages[0])
	}
	return p.publishMany(ctx, messages)
}

func natsMessage(m wire.Message) *nats.Msg {
	return &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}
}

// publishOne publishes a message with an answer of its own.
func (p *Publisher) publishOne(ctx context.Context, m wire.Message) error {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	_, err := p.broker.js.PublishMsg(ctx, natsMessage(m), jetstream.WithExpectStream(wire.Stream))
	return err
}

// Close makes further publications fail. Those under way go on; the connection
// is the broker's to close.
func (p *Publisher) Close() error {
	p.closed.Store(true)
	return nil
}
