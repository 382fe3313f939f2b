// This file is projecting a log that is there: the product's side, which fills
// all read models, and its raw limit, which reads the log and does nothing with
// it.

package bench

import (
	"context"
	"errors"

	"boxoffice/eventstore"
)

// readAtOnce is how many events the raw limit reads at a time: as many as the
// projector does.
const readAtOnce = 20_000

func projectSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	log, err := r.database().open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	result := Result{Events: r.Events, Acked: -1}
	var models *keeper
	err = r.measure(ctx, log.db, &result, func() (err error) {
		if models, err = keepModels(ctx, log, 0); err != nil {
			return err
		}
		at, err := models.await(ctx, eventstore.Position(r.Events), r.progress)
		result.Done = int64(at)
		return err
	})
	if models != nil {
		err = errors.Join(err, models.close())
	}
	return result, err
}

func readSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	log, err := r.database().open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	result := Result{Events: r.Events, Acked: -1}
	err = r.measure(ctx, log.db, &result, func() error {
		for {
			records, err := log.store.Read(ctx, eventstore.Position(result.Done), readAtOnce)
			if err != nil || len(records) == 0 {
				return err
			}
			result.Done += int64(len(records))
			r.progress(result.Done)
		}
	})
	return result, err
}
