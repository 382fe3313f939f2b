// This file is the product's side of ingest: events that are on the broker are
// in the log, and acknowledged.

package bench

import (
	"context"
	"errors"

	"boxoffice/eventstore"
	"boxoffice/ingest"
)

func ingestSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	log, err := r.database().open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	table, err := logSchema(ctx, r.database())
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	return r.takeAll(ctx, table, func(ctx context.Context, from *broker, n int64) (int64, error) {
		return r.ingestAll(ctx, log.store, from, n)
	})
}

// ingestAll runs the service's ingest until the broker's n events are in the
// log and acknowledged.
func (r *sideRun) ingestAll(ctx context.Context, store *eventstore.Store, from *broker, n int64) (acked int64, err error) {
	ingester, err := ingest.NewIngester(ingest.NewSubscriber(from.Broker, ingest.SubscriberConfig{}), store, ingest.IngesterConfig{Logger: quiet})
	if err != nil {
		return 0, err
	}
	head, err := store.Head(ctx)
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- ingester.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	for done := eventstore.Position(0); int64(done) < n; {
		if err := store.Wait(ctx, head.Position+done); err != nil {
			return 0, err
		}
		now, err := store.Head(ctx)
		if err != nil {
			return 0, err
		}
		done = now.Position - head.Position
		r.progress(int64(done))
	}
	return from.awaitAcked(ctx, ingest.ConsumerName)
}

func (r *sideRun) database() *database {
	return &database{Engine: r.Engine, URL: r.URL, MasterKey: r.MasterKey}
}
