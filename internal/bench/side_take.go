// This file is what all sides share that take events from a broker: a warm-up
// that isn't measured, the measured part, and the count of what was done.

package bench

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/internal/sqldb"
)

// A taker takes n events off a broker to where the side puts them, and returns
// how many of them are acknowledged, once all are.
type taker func(ctx context.Context, from *broker, n int64) (acked int64, err error)

// takeAll lets a side take the warm-up's events and then, measured, the others.
func (r *sideRun) takeAll(ctx context.Context, db *sqldb.DB, take taker) (Result, error) {
	if r.Warm > 0 {
		if _, err := r.onBroker(ctx, r.WarmBroker, r.Warm, take); err != nil {
			return Result{}, fmt.Errorf("warming up: %w", err)
		}
	}
	before, err := countEvents(ctx, db)
	if err != nil {
		return Result{}, err
	}
	result := Result{Events: r.Events}
	result.Acked, err = r.onBroker(ctx, r.Broker, r.Events, func(ctx context.Context, from *broker, n int64) (acked int64, err error) {
		err = r.measure(ctx, db, &result, func() error {
			acked, err = take(ctx, from, n)
			return err
		})
		return acked, err
	})
	if err != nil {
		return Result{}, err
	}
	after, err := countEvents(ctx, db)
	result.Done = after - before
	return result, err
}

func (r *sideRun) onBroker(ctx context.Context, dir string, n int64, take taker) (int64, error) {
	from, err := openBroker(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer from.close()
	return take(ctx, from, n)
}

// countEvents counts the rows of the table of events.
func countEvents(ctx context.Context, db *sqldb.DB) (n int64, err error) {
	if err := db.SQL().QueryRowContext(ctx, "SELECT count(*) FROM events").Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the events: %w", err)
	}
	return n, nil
}

// logSchema opens the part of a database that holds the table of events.
func logSchema(ctx context.Context, d *database) (_ *sqldb.DB, err error) {
	whole, err := sqldb.Open(ctx, d.URL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, whole.Close()) }()
	name := "log"
	if d.Engine == sqldb.Postgres {
		name = "boxoffice_log"
	}
	return whole.Schema(ctx, name)
}
