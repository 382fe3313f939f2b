//go:build !race

// This file runs the part of Watermill's suite that restarts the server. It reads
// its own list of what was published while that is still written, so the race
// detector can't be on; scripts/test runs it without.

package ingest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
)

func TestConformanceOverRestarts(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	features := features()
	features.RestartServiceCommand = server.RestartCommand()
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: features},
		func(*testing.T) (message.Publisher, message.Subscriber) {
			return ingest.NewPublisher(b), &heldBack{
				Subscriber: ingest.NewSubscriber(b, ingest.SubscriberConfig{AckWait: 5 * time.Second, Prefetch: 100}),
				closed:     make(chan struct{}),
			}
		})
}

// A heldBack subscriber hands a message out a moment after it came. Without that,
// the suite now and then compares before it has noted that the last message was
// published: it may come before the acknowledgement does.
type heldBack struct {
	message.Subscriber
	once   sync.Once
	closed chan struct{}
}

func (s *heldBack) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := s.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() {
		for m := range in {
			time.AfterFunc(500*time.Millisecond, func() {
				select {
				case out <- m:
				case <-s.closed:
				}
			})
		}
	}()
	return out, nil
}

func (s *heldBack) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Subscriber.Close()
}
