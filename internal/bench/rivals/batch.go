// This file is the honest rival: it fetches 500 messages and sends their INSERTs
// as a batch.

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/internal/bench"
	"boxoffice/wire"
)

const (
	consumerName = "bench-rival"
	batchSize    = 500
)

var insert = fmt.Sprintf("INSERT INTO boxoffice_log.events (%s) VALUES (%s)", strings.Join(bench.Columns(), ", "), "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11")

var batch = bench.Rival{Side: "batch", What: "fetch 500, a pgx.Batch of INSERT … ON CONFLICT DO NOTHING, acknowledge", Take: takeBatches}

func takeBatches(ctx context.Context, t *bench.Taking) (int64, error) {
	pool, err := pgxpool.New(ctx, t.URL)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	consumer, err := t.Broker().CreateOrUpdateConsumer(ctx, wire.Stream, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4 * batchSize,
	})
	if err != nil {
		return 0, err
	}
	for done := int64(0); done < t.Events; {
		messages, err := t.Pull(ctx, consumer, min(batchSize, t.Events-done))
		if err != nil {
			return 0, err
		}
		if err := insertBatch(ctx, t, pool, messages); err != nil {
			return 0, err
		}
		for _, m := range messages {
			if err := m.Ack(); err != nil {
				return 0, err
			}
		}
		done += int64(len(messages))
		t.Progress(done)
	}
	return t.AwaitAcked(ctx, consumerName)
}

func insertBatch(ctx context.Context, t *bench.Taking, pool *pgxpool.Pool, messages []jetstream.Msg) error {
	rows := &pgx.Batch{}
	for _, m := range messages {
		row, err := t.Row(m.Data())
		if err != nil {
			return err
		}
		rows.Queue(insert+" ON CONFLICT DO NOTHING", row...)
	}
	return pool.SendBatch(ctx, rows).Close()
}
