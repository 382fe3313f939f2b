// This file runs Watermill's own suite for publishers and subscribers.

package ingest_test

import (
	"context"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
)

// features are what is promised. Order isn't: messages are settled one by one
// and several at once, so one that is given back comes after others.
func features() tests.Features {
	return tests.Features{
		ConsumerGroups: true,
		Persistent:     true,
		GenerateTopicFunc: func(tctx tests.TestContext) string {
			return ingest.SubjectPrefix + "topic-" + string(tctx.TestID)
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

// TestConformanceOnAProcess also kills the server while messages are on their
// way.
func TestConformanceOnAProcess(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		server.KeepUp(ctx)
	}()
	defer func() { cancel(); <-kept }()
	t.Run("suite", func(t *testing.T) {
		f := features()
		f.RestartServiceCommand = []string{"sh", "-c", "kill -9 $(cat " + server.PIDFile() + ")"}
		conform(t, f, func() *ingest.Broker { return b })
	})
}
