// This file appends batches to the log, and acknowledges what is committed.

package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"boxoffice/eventstore"
	"boxoffice/internal/pause"
)

// appendAll appends the batches in their order until ctx ends.
func (i *Ingester) appendAll(ctx context.Context, batches <-chan *batch) {
	patient, cancel := graceful(ctx, i.cfg.Grace)
	defer cancel()
	for b := range batches {
		if ctx.Err() == nil && i.appendOne(ctx, patient, b) {
			b.acknowledge()
		}
	}
}

// graceful returns a context that ends some time after ctx does, so that what is
// under way can be finished.
func graceful(ctx context.Context, grace time.Duration) (context.Context, func()) {
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(patient, func() { timer.Stop() })
	})
	return patient, func() { stop(); cancel() }
}

// appendOne appends one batch, and tries until that is committed. It is false
// where ctx ended before: then nothing of the batch may be acknowledged, though
// it may have been committed.
func (i *Ingester) appendOne(ctx, patient context.Context, b *batch) bool {
	_, err := backoff.Retry(ctx, func() (eventstore.Account, error) {
		started := time.Now()
		account, err := i.appendTo(patient, b)
		i.metrics.appended(time.Since(started), b, account, err)
		i.state.appended(err)
		return account, err
	}, backoff.WithBackOff(pause.New(minPause, maxPause)), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		i.cfg.Logger.Error("appending to the log failed and is tried again", "error", err, "events", len(b.messages))
	}))
	return err == nil
}

// minPause and maxPause bound the pauses between two tries of what is tried
// until the other side is back.
const (
	minPause = 100 * time.Millisecond
	maxPause = 2 * time.Second
)

// appendTo appends a batch once.
func (i *Ingester) appendTo(ctx context.Context, b *batch) (eventstore.Account, error) {
	if b.prepared == nil {
		var err error
		if b.prepared, err = i.log.Prepare(ctx, b.append); err != nil {
			return eventstore.Account{}, err
		}
	}
	account, err := i.log.AppendPrepared(ctx, b.prepared)
	if err != nil {
		return eventstore.Account{}, err
	}
	return account, complete(account, b)
}

// complete checks that every message of the batch is accounted for.
func complete(account eventstore.Account, b *batch) error {
	if sum := account.Appended + account.Duplicates + account.Refused; sum != len(b.messages) {
		return fmt.Errorf("the log accounts for %d of %d events", sum, len(b.messages))
	}
	return nil
}

// acknowledge tells the broker that the batch is in the log. It must not be
// called before that is committed.
func (b *batch) acknowledge() {
	for _, a := range b.messages {
		a.settles.Ack()
	}
}
