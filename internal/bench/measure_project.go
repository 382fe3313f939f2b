// This file measures projecting a log that is there beside reading it.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"boxoffice/internal/sqldb"
)

// Project measures how fast the read models are built from a log that is there,
// beside reading that log.
func (b *Bench) Project(ctx context.Context, engine sqldb.Engine) (_ Measure, err error) {
	filled, err := b.filledDatabase(ctx, engine)
	if err != nil {
		return Measure{}, err
	}
	defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), filled)) }()
	side := func(name, what string) turn {
		return turn{name, what, func(round int) (Result, error) {
			d, err := b.copyOf(ctx, filled)
			if err != nil {
				return Result{}, err
			}
			defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), d)) }()
			spec := d.spec(name)
			spec.Events = b.Events
			if name == "project" && round == b.Rounds-1 {
				spec.CPUProfile, spec.MemProfile = b.CPUProfile, b.MemProfile
			}
			return b.run(ctx, fmt.Sprintf("%s on %s, round %d of %d", name, engine, round+1, b.Rounds), spec)
		}}
	}
	nothing := func() error { return nil }
	figures, err := takeTurns(b.Rounds, []turn{
		side("read", "reading the log, opened and decoded"),
		side("project", "projecting the log into all read models"),
	}, func(int) error { return nil }, nothing)
	return Measure{Name: "project", Engine: engine, Sides: figures}, err
}

// filledDatabase makes a database whose log has the events, and which nobody
// has open.
func (b *Bench) filledDatabase(ctx context.Context, engine sqldb.Engine) (*database, error) {
	d, err := b.newDatabase(ctx, engine)
	if err != nil {
		return nil, err
	}
	dir, err := b.newBroker(ctx, 0, b.Events)
	if err != nil {
		return nil, err
	}
	spec := d.spec("ingest")
	spec.Broker, spec.Events = dir, b.Events
	if _, err := b.run(ctx, fmt.Sprintf("filling a log on %s", engine), spec); err != nil {
		return nil, err
	}
	return d, os.RemoveAll(dir)
}
