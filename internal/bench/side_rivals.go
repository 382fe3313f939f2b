// This file is what a user would write instead, on PostgreSQL: a Watermill
// router with one INSERT a message, and the honest rival, which fetches 500
// messages and sends their INSERTs as a batch. Neither judges an event,
// encrypts anything or keeps an account.

package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill"
	watermillnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
	"boxoffice/wire"
)

const (
	rivalConsumer    = "bench-rival"
	rivalBatch       = 500
	rivalSubscribers = 64
)

var rivalInsert = fmt.Sprintf("INSERT INTO boxoffice_log.events (%s) VALUES (%s)", strings.Join(bareColumns, ", "), "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11")

// batchSide fetches 500 messages at a time and sends a pgx.Batch of INSERTs.
func batchSide(ctx context.Context, r *sideRun) (Result, error) {
	return r.rival(ctx, func(ctx context.Context, from *broker, pool *pgxpool.Pool, position *atomic.Int64, n int64) (int64, error) {
		consumer, err := from.JetStream().CreateOrUpdateConsumer(ctx, wire.Stream, jetstream.ConsumerConfig{
			Durable: rivalConsumer, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4 * rivalBatch,
		})
		if err != nil {
			return 0, err
		}
		for done := int64(0); done < n; {
			messages, err := pull(ctx, consumer, min(rivalBatch, n-done))
			if err != nil {
				return 0, err
			}
			batch := &pgx.Batch{}
			for _, m := range messages {
				row, err := rowOf(m.Data(), position.Add(1))
				if err != nil {
					return 0, err
				}
				batch.Queue(rivalInsert+" ON CONFLICT DO NOTHING", row...)
			}
			if err := pool.SendBatch(ctx, batch).Close(); err != nil {
				return 0, err
			}
			for _, m := range messages {
				if err := m.Ack(); err != nil {
					return 0, err
				}
			}
			done += int64(len(messages))
			r.progress(done)
		}
		return from.awaitAcked(ctx, rivalConsumer)
	})
}

// watermillSide runs a Watermill router over watermill-nats, as its README sets
// it up, with one INSERT a message.
func watermillSide(ctx context.Context, r *sideRun) (Result, error) {
	return r.rival(ctx, func(ctx context.Context, from *broker, pool *pgxpool.Pool, position *atomic.Int64, n int64) (int64, error) {
		// The subscriber closes the connection that it is given.
		own, err := ingest.Connect(ctx, ingest.Config{Embedded: from.server, Logger: quiet})
		if err != nil {
			return 0, err
		}
		defer own.Close()
		subscriber, err := watermillnats.NewSubscriberWithNatsConn(own.JetStream().Conn(), watermillnats.SubscriberSubscriptionConfig{
			SubscribersCount: rivalSubscribers,
			QueueGroupPrefix: rivalConsumer,
			Unmarshaler:      &watermillnats.NATSMarshaler{},
			JetStream: watermillnats.JetStreamConfig{
				DurablePrefix:    rivalConsumer,
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
		var done atomic.Int64
		failed := make(chan error, 1)
		router.AddConsumerHandler("insert", wire.Subjects, subscriber, func(m *message.Message) error {
			row, err := rowOf(m.Payload, position.Add(1))
			if err == nil {
				_, err = pool.Exec(m.Context(), rivalInsert, row...)
			}
			if err != nil {
				select {
				case failed <- err:
				default:
				}
				return err
			}
			if d := done.Add(1); d%rivalBatch == 0 {
				r.progress(d)
			}
			return nil
		})
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- router.Run(running) }()
		waiting, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			select {
			case err := <-failed:
				cancel(err)
			case <-waiting.Done():
			}
		}()
		<-router.Running()
		acked, err := from.awaitAcked(waiting, rivalConsumer)
		if cause := context.Cause(waiting); err != nil && cause != nil {
			err = cause
		}
		stop()
		return acked, errors.Join(err, <-ended)
	})
}

// rival lets one of them take the events.
func (r *sideRun) rival(ctx context.Context, take func(context.Context, *broker, *pgxpool.Pool, *atomic.Int64, int64) (int64, error)) (_ Result, err error) {
	table, err := logSchema(ctx, r.database())
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	pool, err := pgxpool.New(ctx, r.URL)
	if err != nil {
		return Result{}, err
	}
	defer pool.Close()
	before, err := countEvents(ctx, table)
	if err != nil {
		return Result{}, err
	}
	var position atomic.Int64
	position.Store(before)
	return r.takeAll(ctx, table, func(ctx context.Context, from *broker, n int64) (int64, error) {
		return take(ctx, from, pool, &position, n)
	})
}
