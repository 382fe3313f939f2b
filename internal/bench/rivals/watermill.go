// This file is a Watermill router over watermill-nats, as its README sets it up,
// with one INSERT a message.

package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill"
	watermillnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"boxoffice/internal/bench"
	"boxoffice/wire"
)

const subscribers = 64

var router = bench.Rival{Side: "watermill", What: "Watermill router, watermill-nats, 64 subscribers, one INSERT a message", OneIn: 10, Take: takeByRouter}

func takeByRouter(ctx context.Context, t *bench.Taking) (int64, error) {
	pool, err := pgxpool.New(ctx, t.URL)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	// The subscriber closes the connection that it is given.
	own, err := t.Connect(ctx)
	if err != nil {
		return 0, err
	}
	defer own.Close()
	subscriber, err := watermillnats.NewSubscriberWithNatsConn(own.JetStream().Conn(), watermillnats.SubscriberSubscriptionConfig{
		SubscribersCount: subscribers,
		QueueGroupPrefix: consumerName,
		Unmarshaler:      &watermillnats.NATSMarshaler{},
		JetStream: watermillnats.JetStreamConfig{
			DurablePrefix:    consumerName,
			SubscribeOptions: []nats.SubOpt{nats.DeliverAll(), nats.AckExplicit(), nats.ManualAck()},
		},
	}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	// An INSERT that fails ends it: the router would try it for ever.
	waiting, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var done atomic.Int64
	router.AddConsumerHandler("insert", wire.Subjects, subscriber, func(m *message.Message) error {
		row, err := t.Row(m.Payload)
		if err == nil {
			_, err = pool.Exec(m.Context(), insert, row...)
		}
		if err != nil {
			fail(err)
			return err
		}
		if d := done.Add(1); d%batchSize == 0 {
			t.Progress(d)
		}
		return nil
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- router.Run(running) }()
	<-router.Running()
	acked, err := t.AwaitAcked(waiting, consumerName)
	if cause := context.Cause(waiting); err != nil && cause != nil {
		err = cause
	}
	stop()
	return acked, errors.Join(err, <-ended)
}
