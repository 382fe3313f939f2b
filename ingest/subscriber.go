// This file is the Watermill subscriber: it keeps thousands of messages in
// flight and settles each as it is acknowledged, in whatever order.

package ingest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"boxoffice/wire"
)

// A SubscriberConfig says how a Subscriber receives. Its zero value is ready.
type SubscriberConfig struct {
	// Durable names the consumer, which keeps the position in the stream and which
	// subscribers of the same name share; empty is ConsumerName. A subscription
	// to a part of the subjects has a consumer of its own under this name.
	Durable string
	// MaxInFlight is how many messages may be unsettled at once, over all
	// subscribers that share the consumer; zero is 20,000.
	MaxInFlight int
	// MaxInFlightBytes is what they may take in memory in a subscription; zero is
	// 32 MiB. One that is larger comes alone.
	MaxInFlightBytes int
	// Prefetch is how many messages are asked for at a time; zero is 5,000. As
	// many may wait in this process besides those that were handed out.
	Prefetch int
	// PrefetchBytes is the size of what is asked for at a time; zero is 16 MiB.
	// It is never less than twice the largest message that the server takes.
	PrefetchBytes int
	// AckWait is how long the broker waits for a message to be settled by a
	// process that says nothing any more; zero is 30 seconds. Messages in flight
	// are kept for as long as this process lives.
	AckWait time.Duration
	// Stream is how to create the stream where there is none.
	Stream StreamConfig
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	c.Durable = cmp.Or(c.Durable, ConsumerName)
	c.MaxInFlight = cmp.Or(max(c.MaxInFlight, 0), 20_000)
	c.MaxInFlightBytes = cmp.Or(max(c.MaxInFlightBytes, 0), 32<<20)
	c.Prefetch = cmp.Or(max(c.Prefetch, 0), 5_000)
	c.PrefetchBytes = cmp.Or(max(c.PrefetchBytes, 0), 16<<20)
	c.AckWait = cmp.Or(max(c.AckWait, 0), 30*time.Second)
	return c
}

// consumer returns the consumer's settings for a topic.
func (c SubscriberConfig) consumer(topic string) jetstream.ConsumerConfig {
	name := c.Durable
	if topic != wire.Subjects {
		name += "-" + strings.NewReplacer(".", "_", "*", "-", ">", "--").Replace(topic)
	}
	return jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: topic,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		// Each message on its own: to acknowledge all up to one would settle
		// what other processes have in hand.
		AckPolicy: jetstream.AckExplicitPolicy,
		AckWait:   c.AckWait,
		// What is bad is decided by the rules, not by how often it was tried.
		MaxDeliver:    -1,
		MaxAckPending: c.MaxInFlight,
	}
}

// A Subscriber receives from the stream as Watermill has it, except that it
// doesn't wait for one message to be settled before it hands out the next. So
// the order is the stream's only as long as nothing is delivered again. It is
// safe for concurrent use.
type Subscriber struct {
	broker *Broker
	cfg    SubscriberConfig

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
}

// Subscriber is a subscriber in Watermill's terms.
var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber makes a subscriber over b.
func NewSubscriber(b *Broker, cfg SubscriberConfig) *Subscriber {
	return &Subscriber{broker: b, cfg: cfg.withDefaults(), closing: make(chan struct{})}
}

// Subscribe receives the messages of a topic, which is a subject of the stream
// and may have wildcards, until ctx ends or the subscriber is closed; the
// channel is closed then, and what wasn't settled is delivered again, here or
// elsewhere. A broker that isn't there is no error: it is waited for.
//
// A message's metadata are its headers, with line feeds between the values of one
// that came several times, and MetadataStream, MetadataSequence and MetadataSubject.
// Its context ends when it is settled.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	sub := &subscription{topic: topic, done: func() { close(out) }}
	sub.hand = func(d *delivery) bool {
		m := d.message()
		ctx, settled := context.WithCancel(sub.ctx)
		m.SetContext(ctx)
		select {
		case out <- m:
			sub.settling.Go(func() {
				defer settled()
				sub.settle(d, m)
			})
			return true
		case <-sub.ctx.Done():
			settled()
			return false
		}
	}
	return out, s.start(ctx, sub)
}

// handedAhead is how many messages may wait for an Ingester, so that neither side
// waits for the other at each.
const handedAhead = 512

// arrivals is Subscribe for an Ingester, which settles what it was handed itself,
// thousands at once. It must have stopped before the subscriber is closed.
func (s *Subscriber) arrivals(ctx context.Context, topic string) (<-chan *arrival, error) {
	out := make(chan *arrival, handedAhead)
	sub := &subscription{topic: topic, done: func() { close(out) }}
	sub.hand = func(d *delivery) bool {
		select {
		case out <- &d.arrival:
			return true
		case <-sub.ctx.Done():
			return false
		}
	}
	return out, s.start(ctx, sub)
}

func (s *Subscriber) start(ctx context.Context, sub *subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("subscribing to %s: %w", sub.topic, errClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	sub.broker, sub.cfg, sub.ctx, sub.flight = s.broker, s.cfg, ctx, newFlight()
	sub.room = semaphore.NewWeighted(int64(s.cfg.MaxInFlightBytes))
	s.running.Go(func() {
		defer cancel()
		sub.run()
	})
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return nil
}

// SubscribeInitialize creates the stream and the consumer for a topic, so that
// what is published from then on is waiting for a subscription.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
	defer cancel()
	_, _, err := s.broker.consumer(ctx, s.cfg, topic)
	return err
}

// Close ends all subscriptions and waits until their channels are closed and
// the broker has been told what wasn't settled.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
