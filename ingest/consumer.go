// This file finds the durable consumer of a subscription, and makes it where
// there is none.

package ingest

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// consumer returns the consumer for a topic, with the name of the stream's
// incarnation. Both are created where they aren't there.
func (b *Broker) consumer(ctx context.Context, cfg SubscriberConfig, topic string) (jetstream.Consumer, string, error) {
	stream, err := b.js.Stream(ctx, wire.Stream)
	if err != nil {
		report, err := b.EnsureStream(ctx, cfg.Stream)
		if err != nil {
			return nil, "", err
		}
		b.log.Info("the stream is ready", "stream", report.Stream, "created", report.Created)
		if stream, err = b.js.Stream(ctx, wire.Stream); err != nil {
			return nil, "", fmt.Errorf("looking for the stream %s: %w", wire.Stream, err)
		}
	}
	want := cfg.consumer(topic)
	consumer, err := stream.CreateOrUpdateConsumer(ctx, want)
	if err != nil {
		return nil, "", fmt.Errorf("setting up the consumer %s: %w", want.Durable, err)
	}
	if policy := consumer.CachedInfo().Config.AckPolicy; policy != jetstream.AckExplicitPolicy {
		return nil, "", fmt.Errorf("the consumer %s acknowledges by %v instead of each message: delete it", want.Durable, policy)
	}
	return consumer, incarnation(stream), nil
}
