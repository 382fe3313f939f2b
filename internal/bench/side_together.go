// This file is the product's side of ingest and projections together: events
// that are on the broker are in the log, acknowledged, and in all read models.

package bench

import (
	"context"
	"errors"
	"fmt"
)

func togetherSide(ctx context.Context, r *sideRun) (_ Result, err error) {
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
	models, err := keepModels(ctx, log, 0)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, models.close()) }()
	return r.takeAll(ctx, table, func(ctx context.Context, from *broker, n int64) (int64, error) {
		acked, err := r.ingestAll(ctx, log.store, from, n)
		if err != nil {
			return 0, err
		}
		head, err := log.store.Head(ctx)
		if err != nil {
			return 0, err
		}
		at, err := models.await(ctx, head.Position, func(int64) {})
		if err == nil && at != head.Position {
			err = fmt.Errorf("the read models are at %d and the log at %d", at, head.Position)
		}
		return acked, err
	})
}
