// This file is publishing: the product's side, which publishes durable batches,
// and its raw limit, the broker's own atomic batches.

package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"boxoffice/ingest"
	"boxoffice/wire"
)

const (
	// publishAtOnce is how many events are given to the publisher at a time: as
	// many as the command publish does.
	publishAtOnce = 5000
	// atomicBatch is how many messages a server takes as one batch.
	atomicBatch = 1000
	// atomicWithin is how long its answer is waited for.
	atomicWithin = 10 * time.Second
)

func publishSide(ctx context.Context, r *sideRun) (Result, error) {
	return r.publishAll(ctx, publishAtOnce, func(to *broker) func([]wire.Message) error {
		publisher := ingest.NewPublisher(to.Broker)
		return func(messages []wire.Message) error { return publisher.PublishBatch(ctx, messages) }
	})
}

func atomicSide(ctx context.Context, r *sideRun) (Result, error) {
	return r.publishAll(ctx, atomicBatch, func(to *broker) func([]wire.Message) error {
		return func(messages []wire.Message) error {
			batch := make([]*nats.Msg, len(messages))
			for i, m := range messages {
				batch[i] = &nats.Msg{Subject: m.Subject, Header: nats.Header{}, Data: m.Data}
			}
			// As fast as it goes: without waiting for the first message's answer.
			_, err := jetstreamext.PublishMsgBatch(ctx, to.JetStream(), batch, jetstreamext.BatchFlowControl{AckTimeout: atomicWithin})
			return err
		}
	})
}

// publishAll publishes events that are made before, atOnce at a time.
func (r *sideRun) publishAll(ctx context.Context, atOnce int64, open func(*broker) func([]wire.Message) error) (Result, error) {
	to, err := openBroker(ctx, r.Broker)
	if err != nil {
		return Result{}, err
	}
	defer to.close()
	publish := open(to)
	events := make([]wire.Message, r.Warm+r.Events)
	for i := range events {
		events[i] = mix{r.Seed}.event(int64(i))
	}
	publishRange := func(from, end int64) error {
		for ; from < end; from += atOnce {
			if err := publish(events[from:min(from+atOnce, end)]); err != nil {
				return err
			}
			r.progress(from)
		}
		return nil
	}
	if err := publishRange(0, r.Warm); err != nil {
		return Result{}, fmt.Errorf("warming up: %w", err)
	}
	result := Result{Events: r.Events, Acked: -1}
	if err := r.measure(ctx, nil, &result, func() error { return publishRange(r.Warm, r.Warm+r.Events) }); err != nil {
		return Result{}, err
	}
	result.Done, err = stored(ctx, to.JetStream())
	result.Done -= r.Warm
	return result, err
}

// stored counts the messages of the stream.
func stored(ctx context.Context, js jetstream.JetStream) (int64, error) {
	stream, err := js.Stream(ctx, wire.Stream)
	if err != nil {
		return 0, err
	}
	return int64(stream.CachedInfo().State.Msgs), nil
}
