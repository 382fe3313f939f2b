// This file fills a database with a population and its read models: for answers
// that are measured, and for a service that is then started on it.

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"boxoffice/eventstore"
)

// populateFillBytes is more than the service allows itself, so that the log is
// read once or twice and not a dozen times: filling isn't what is measured.
const populateFillBytes = 128 << 20

// populateSide sets up a database and fills it with Users users. Its read models
// are those of a service in UTC.
func populateSide(ctx context.Context, r *sideRun) (_ Result, err error) {
	d := r.database()
	if err := d.migrate(ctx); err != nil {
		return Result{}, err
	}
	log, err := d.open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	r.Events = r.Users * eventsPerUser
	models, result, err := r.populate(ctx, log, population{users: r.Users, now: time.Now()})
	if models != nil {
		err = errors.Join(err, models.close())
	}
	return result, err
}

// populate appends what happened to a population to an empty log, and fills read
// models from it. The keeper, where it isn't nil, has to be closed.
func (r *sideRun) populate(ctx context.Context, log *openLog, p population) (models *keeper, result Result, err error) {
	result = Result{Events: r.Events, Acked: -1}
	err = r.measure(ctx, log.db, &result, func() error {
		if err := p.appendAll(ctx, log.store, r.progress); err != nil {
			return err
		}
		// Only now, so that the read models of a long log are filled in bulk.
		if models, err = keepModels(ctx, log, populateFillBytes); err != nil {
			return err
		}
		at, err := models.await(ctx, eventstore.Position(r.Events), r.progress)
		result.Done = int64(at)
		return err
	})
	if err != nil {
		err = fmt.Errorf("building %d users: %w", r.Users, err)
	}
	return models, result, err
}
