// This file measures what takes events from brokers: ingest beside the bare
// loop, and ingest with projections beside it.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"boxoffice/internal/sqldb"
)

// A contestant is a side that takes events from brokers.
type contestant struct {
	side, what string
	// product says that it is the one to make profiles of.
	product bool
	// part of the events is enough for those who would take too long: one in
	// so many; 0 is all.
	oneIn int64
}

var (
	theBareLoop = contestant{side: "bare", what: "bare loop: pull 5,000, decode, load, acknowledge"}
	theIngest   = contestant{side: "ingest", what: "ingest: on the broker → in the log, acknowledged", product: true}
	theTogether = contestant{side: "together", what: "ingest and projections, until the read models have everything", product: true}
)

// Ingest measures how fast events that are on the broker get into the log,
// beside the bare loop.
func (b *Bench) Ingest(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	figures, err := b.overBrokers(ctx, engine, theBareLoop, theIngest)
	return Measure{Name: "ingest", Engine: engine, Sides: figures, Target: atLeast("ingest", .8)}, err
}

// Together measures how fast events that are on the broker get into the log and
// all read models, beside the bare loop.
func (b *Bench) Together(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	figures, err := b.overBrokers(ctx, engine, theBareLoop, theTogether)
	return Measure{Name: "together", Engine: engine, Sides: figures, Target: atLeast("together", .3)}, err
}

// brokers are the directories of two brokers: what is taken as a warm-up, and
// what is measured.
type brokers struct{ warm, measured string }

// overBrokers measures sides that take events from brokers, each of them into a
// database of its own that grows from round to round as much as the others'.
// Each round has new brokers; all sides take from the same.
func (b *Bench) overBrokers(ctx context.Context, engine sqldb.Engine, all ...contestant) (_ []SideFigure, err error) {
	made := map[int64]brokers{} // by which part of the events is on them
	turns := make([]turn, len(all))
	for i, c := range all {
		d, err := b.newDatabase(ctx, engine)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), d)) }()
		all[i].oneIn = max(c.oneIn, 1)
		turns[i] = turn{c.side, c.what, func(round int) (Result, error) {
			from := made[all[i].oneIn]
			spec := d.spec(c.side)
			spec.Seed, spec.WarmBroker, spec.Broker = b.Seed, from.warm, from.measured
			spec.Warm, spec.Events = b.part(all[i].oneIn)
			if c.product && round == b.Rounds-1 {
				spec.CPUProfile, spec.MemProfile = b.CPUProfile, b.MemProfile
			}
			return b.run(ctx, fmt.Sprintf("%s on %s, round %d of %d", c.side, engine, round+1, b.Rounds), spec)
		}}
	}
	before := func(round int) error { return b.makeBrokers(ctx, made, all, round) }
	after := func() error {
		var errs []error
		for _, of := range made {
			errs = append(errs, os.RemoveAll(of.warm), os.RemoveAll(of.measured))
		}
		clear(made)
		return errors.Join(errs...)
	}
	return takeTurns(b.Rounds, turns, before, after)
}

// part returns how many events a side takes that takes one in so many.
func (b *Bench) part(oneIn int64) (warm, events int64) {
	return b.Warm / oneIn, max(b.Events/oneIn, 1)
}

// makeBrokers makes the brokers of a round.
func (b *Bench) makeBrokers(ctx context.Context, made map[int64]brokers, all []contestant, round int) (err error) {
	for _, c := range all {
		if _, ok := made[c.oneIn]; ok {
			continue
		}
		var of brokers
		warm, events := b.part(c.oneIn)
		first := int64(round) * (warm + events)
		if of.warm, err = b.newBroker(ctx, first, warm); err != nil {
			return err
		}
		if of.measured, err = b.newBroker(ctx, first+warm, events); err != nil {
			return err
		}
		made[c.oneIn] = of
	}
	return nil
}

// spec returns a side on this database.
func (d *database) spec(side string) Spec {
	return Spec{Side: side, Engine: d.Engine, URL: d.URL, MasterKey: d.MasterKey}
}
