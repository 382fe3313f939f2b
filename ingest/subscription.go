// This file is one subscription: it receives for as long as it is wanted,
// whatever becomes of the connection, the stream and the consumer meanwhile.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"boxoffice/internal/pause"
	"boxoffice/wire"
)

const (
	// pullHeartbeat is how often the server shows that it still serves an open
	// request; without two in a row the request is made again.
	pullHeartbeat = 5 * time.Second
	pullExpires   = 30 * time.Second
	// drainWithin is how long the end of a subscription waits for a server that
	// doesn't answer.
	drainWithin = 5 * time.Second
	askWithin   = 5 * time.Second
)

type subscription struct {
	broker *Broker
	cfg    SubscriberConfig
	topic  string
	// ctx ends with the subscription.
	ctx    context.Context
	flight *flight
	// room bounds the bytes that are in flight.
	room *semaphore.Weighted
	// hand hands out a delivery; false where the subscription ends before somebody
	// takes it. done says that there are no more.
	hand func(*delivery) bool
	done func()
	// receiving is held while a message is received: the broker's client doesn't say
	// reliably that it has handed out its last one, such as when its connection is gone.
	receiving sync.Mutex
	// settling counts the messages that are waited for one by one.
	settling sync.WaitGroup
}

func (s *subscription) run() {
	defer s.done()
	beat := make(chan struct{})
	go s.keep(beat)
	pauses := pause.New(minPause, maxPause)
	// It ends with the subscription, and whatever it ends with is no news.
	_, _ = backoff.Retry(s.ctx, func() (struct{}, error) {
		started := time.Now()
		err := s.consume()
		if time.Since(started) > maxPause {
			pauses.Reset()
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		s.broker.log.Warn("receiving from the broker was interrupted", "error", err)
	}))
	s.awaitReceived()
	s.settling.Wait()
	// Who takes deliveries as they are, and settles them itself, has stopped by now.
	for _, d := range s.flight.all() {
		d.settle(jetstream.Msg.Nak)
	}
	close(beat)
	s.flush()
}

// awaitReceived waits until no message is being received. One that comes later
// goes back unseen, since the subscription has ended.
func (s *subscription) awaitReceived() {
	s.receiving.Lock()
	defer s.receiving.Unlock()
}

// flush tells the server what has been settled last.
func (s *subscription) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	// Without a connection there is nobody to tell: it will be delivered again.
	_ = s.broker.Flush(ctx)
}

// consume receives until the subscription ends (nil) or the consumer is gone.
func (s *subscription) consume() error {
	ctx, cancel := context.WithTimeout(s.ctx, askWithin)
	defer cancel()
	consumer, stream, err := s.broker.consumer(ctx, s.cfg, s.topic)
	if err != nil {
		return err
	}
	trouble := make(chan error, 1)
	consuming, err := consumer.Consume(
		func(m jetstream.Msg) { s.receive(stream, m) },
		jetstream.PullMaxMessagesWithBytesLimit(s.cfg.Prefetch, s.prefetchBytes()),
		jetstream.PullExpiry(pullExpires),
		jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			select {
			case trouble <- err:
			default:
			}
		}))
	if err != nil {
		return fmt.Errorf("receiving from the stream %s: %w", wire.Stream, err)
	}
	defer s.end(consuming)
	return s.watch(consumer, consuming, trouble)
}

// watch waits for the end of the subscription, or of the consumer. Most errors
// pass by themselves; one that leaves no consumer behind doesn't.
func (s *subscription) watch(consumer jetstream.Consumer, consuming jetstream.ConsumeContext, trouble chan error) error {
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-consuming.Closed():
			return errors.New("the consumer was closed")
		case err := <-trouble:
			ctx, cancel := context.WithTimeout(s.ctx, askWithin)
			_, infoErr := consumer.Info(ctx)
			cancel()
			if errors.Is(infoErr, jetstream.ErrConsumerNotFound) || errors.Is(infoErr, jetstream.ErrStreamNotFound) ||
				errors.Is(err, jetstream.ErrConsumerDeleted) {
				return fmt.Errorf("the consumer is gone: %w", err)
			}
			s.broker.log.Debug("receiving from the broker", "error", err)
		}
	}
}

// end stops receiving and waits until no message is being handed out. What
// was received and not handed out goes back.
func (s *subscription) end(consuming jetstream.ConsumeContext) {
	consuming.Drain()
	select {
	case <-consuming.Closed():
	case <-time.After(drainWithin):
		consuming.Stop()
	}
}

// prefetchBytes is what may be asked for at once: the largest message must fit
// in, or it would never be delivered.
func (s *subscription) prefetchBytes() int {
	return max(s.cfg.PrefetchBytes, 2*int(s.broker.conn.MaxPayload()))
}

// receive hands out one message. It blocks as long as nobody takes it, or there
// is no room for it, which stops the flow.
func (s *subscription) receive(stream string, m jetstream.Msg) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	d, err := newDelivery(s, stream, m)
	if err != nil {
		s.broker.log.Error("a message has no number in the stream", "error", err)
		return
	}
	if s.ctx.Err() != nil {
		_ = m.Nak()
		return
	}
	if !s.flight.add(d) {
		return
	}
	if s.room.Acquire(s.ctx, d.weight) != nil {
		_ = s.flight.remove(d).Nak()
		return
	}
	if !s.hand(d) {
		d.settle(jetstream.Msg.Nak)
	}
}

// settle waits for what becomes of a Watermill message, and tells the broker. Where
// the subscription ends, what has been said about it comes before giving it back.
func (s *subscription) settle(d *delivery, m *message.Message) {
	select {
	case <-m.Acked():
		d.settle(jetstream.Msg.Ack)
	case <-m.Nacked():
		d.settle(jetstream.Msg.Nak)
	case <-s.ctx.Done():
		select {
		case <-m.Acked():
			d.settle(jetstream.Msg.Ack)
		default:
			d.settle(jetstream.Msg.Nak)
		}
	}
}

// keep tells the broker, until done is closed, that the messages in flight are
// being worked on, so that it doesn't deliver them again meanwhile.
func (s *subscription) keep(done <-chan struct{}) {
	ticker := time.NewTicker(s.cfg.AckWait / 3)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			s.flight.each(func(m jetstream.Msg) {
				// Without a connection the broker will deliver them again.
				_ = m.InProgress()
			})
		}
	}
}
