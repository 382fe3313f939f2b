// This file is what a runner does beside following the log: it builds the
// histories that were entered, builds those again that other code or another log
// has made, and clears away what was begun and given up.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/internal/sqldb"
)

// tendLoop tends the generations until ctx ends. Several processes may do that.
func (r *Runner) tendLoop(ctx context.Context) {
	idle, pauses := idleBuilds{}, pause.New(minPause, maxPause)
	for ctx.Err() == nil {
		err := r.tend(ctx, idle)
		if err == nil {
			pauses.Reset()
			_ = pause.Wait(ctx, r.config.Tick)
		} else if ctx.Err() == nil {
			r.config.Logger.Error("histories of the read models could not be tended to", "error", err)
			_ = pause.Wait(ctx, pauses.NextBackOff())
		}
	}
}

func (r *Runner) tend(ctx context.Context, idle idleBuilds) error {
	generations, err := generationsWhere(ctx, r.models.registry.SQL(), "kind IN ('successor', 'history') AND retired_at IS NULL")
	if err != nil || len(generations) == 0 {
		return err
	}
	head, err := r.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	var errs []error
	for i := range generations {
		switch g := &generations[i]; g.Kind {
		case KindSuccessor:
			errs = append(errs, r.tendSuccessor(ctx, g, r.spec(head), idle))
		case KindHistory:
			errs = append(errs, r.tendHistory(ctx, g, head))
		}
	}
	return errors.Join(errs...)
}

// tendHistory builds a history where that is to be done. One that was made by
// older code or from another log is built again under its name, and answers
// until that is done where it was finished.
func (r *Runner) tendHistory(ctx context.Context, g *Generation, head eventstore.Head) error {
	spec := r.spec(head)
	spec.timeZone, spec.renewalGrace = g.TimeZone, g.RenewalGrace
	switch {
	case g.madeLike(spec) && g.FinishedAt == nil && g.StopAt <= head.Position:
		err := r.buildHistory(ctx, g, head)
		if errors.Is(err, ErrDropped) {
			return nil
		}
		return err
	case !g.madeLike(spec) && g.FoldVersion <= spec.foldVersion:
		return r.models.renew(ctx, g, spec)
	}
	return nil
}

// renew enters a history again, by another spec. One that isn't finished is
// given up for it.
func (m *Models) renew(ctx context.Context, g *Generation, spec buildSpec) error {
	return m.change(ctx, fmt.Sprintf("build history %q again", g.Name), func(tx *sqldb.Tx, _ sql.NullInt64) error {
		named, err := generationsWhere(ctx, tx, "name = $1 AND kind = 'history' AND retired_at IS NULL", g.Name)
		if err != nil || len(named) == 0 || named[len(named)-1].Number != g.Number {
			return err // it was dropped, or entered again already
		}
		if g.FinishedAt == nil {
			if err := retire(ctx, tx, g.Number); err != nil {
				return err
			}
		}
		_, err = enterNamed(ctx, tx, KindHistory, g.Name, spec, g.StopAt)
		return err
	})
}

// idleBuilds says since when nobody has been seen building a successor.
type idleBuilds map[int]time.Time

// tendSuccessor retires a successor of another spec that nobody has built for the
// time of grace: the configuration for which it was begun is no more.
func (r *Runner) tendSuccessor(ctx context.Context, g *Generation, wanted buildSpec, idle idleBuilds) error {
	if g.spec() == wanted {
		return nil
	}
	var led bool
	err := r.models.with(ctx, g.Number, func(open *generation) (err error) {
		led, err = open.isLed(ctx)
		return err
	})
	since, seen := idle[g.Number]
	switch {
	case err != nil:
		return err
	case led:
		delete(idle, g.Number)
	case !seen:
		idle[g.Number] = time.Now()
	case time.Since(since) > r.config.Grace:
		delete(idle, g.Number)
		r.config.Logger.Info("read models that nobody builds any more are given up", "generation", g.Number, "time_zone", g.TimeZone)
		return r.models.change(ctx, fmt.Sprintf("give up generation %d of the read models", g.Number),
			func(tx *sqldb.Tx, _ sql.NullInt64) error { return retire(ctx, tx, g.Number) })
	}
	return nil
}

// isLed says whether a projector has the lease of a generation.
func (g *generation) isLed(ctx context.Context) (bool, error) {
	begun, err := g.begun(ctx)
	if err != nil || !begun {
		return false, err
	}
	var n int
	err = g.db.SQL().QueryRowContext(ctx, "SELECT COUNT(*) FROM generation WHERE lease_until > "+clockOf(g.db.Dialect()).now).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look at the lease of generation %d of the read models: %w", g.number, err)
	}
	return n > 0, nil
}
