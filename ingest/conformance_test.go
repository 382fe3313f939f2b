// This file runs Watermill's own suite for publishers and subscribers.

package ingest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/wire"
)

// features are what is promised. Order isn't: messages are settled one by one
// and several at once, so one that is given back comes after others.
func features() tests.Features {
	return tests.Features{
		ConsumerGroups: true,
		Persistent:     true,
		GenerateTopicFunc: func(tctx tests.TestContext) string {
			return wire.SubjectPrefix + "topic-" + string(tctx.TestID)
		},
	}
}

// conform runs the suite against the servers that connect reaches.
func conform(t *testing.T, features tests.Features, connect func() *ingest.Broker) {
	group := func(_ *testing.T, group string) (message.Publisher, message.Subscriber) {
		b := connect()
		return ingest.NewPublisher(b), ingest.NewSubscriber(b, ingest.SubscriberConfig{
			Durable: group, AckWait: 5 * time.Second, Prefetch: 100,
		})
	}
	tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) {
		return group(t, ingest.ConsumerName)
	}, group)
}

func TestConformanceOnTheEmbeddedServer(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	t.Run("suite", func(t *testing.T) {
		conform(t, features(), func() *ingest.Broker { return b })
	})
}

// TestConformanceOnAProcess has the suite but for its restart of the server, which
// is in conformance_restart_test.go.
func TestConformanceOnAProcess(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{URL: natstest.Start(t, natstest.Options{}).URL()}))
	t.Run("suite", func(t *testing.T) {
		conform(t, features(), func() *ingest.Broker { return b })
	})
}

// TestReconnecting does, with the race detector, what the suite's restart does:
// it kills the server while messages are published and received:
// each that was published comes.
func TestReconnecting(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	publisher := ingest.NewPublisher(b)
	subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{AckWait: 2 * time.Second})
	messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	const n, publishers = 3000, 30
	ids := make(chan string)
	go func() {
		defer close(ids)
		for k := range n {
			ids <- strconv.Itoa(k)
		}
	}()
	for range publishers {
		go func() {
			for id := range ids {
				for publisher.Publish(wire.SubjectPrefix+"x", message.NewMessage(id, nil)) != nil {
					time.Sleep(50 * time.Millisecond)
				}
			}
		}()
	}
	received := make(map[string]bool)
	timeout := time.After(patience)
	for len(received) < n {
		select {
		case m := <-messages:
			if m.Ack(); received[m.UUID] {
				continue
			}
			received[m.UUID] = true
			if k := len(received); k == n/3 || k == n/2 {
				server.Restart()
			}
		case <-timeout:
			t.Fatalf("%d of %d messages came", len(received), n)
		}
	}
	if err := subscriber.Close(); err != nil {
		t.Fatal(err)
	}
}
