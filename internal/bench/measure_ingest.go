// This file measures ingest beside the bare loop.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"boxoffice/internal/sqldb"
)

// Ingest measures how fast events that are on the broker get into the log,
// beside the bare loop.
func (b *Bench) Ingest(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	figures, err := b.overBrokers(ctx, engine, []contestant{
		{side: "bare", what: "bare loop: pull 5,000, decode, load, acknowledge"},
		{side: "ingest", what: "ingest: on the broker → in the log, acknowledged", product: true},
	})
	return Measure{Name: "ingest", Engine: engine, Sides: figures, Target: atLeast("ingest", .8)}, err
}

// A contestant is a side that takes events from brokers.
type contestant struct {
	side, what string
	// product says that it is the one to make profiles of.
	product bool
	// share is which part of the events it takes, for those who would take too
	// long; 0 is all.
	share float64
}

// overBrokers measures sides that take events from brokers, each of them into a
// database of its own that grows from round to round as much as the others'.
func (b *Bench) overBrokers(ctx context.Context, engine sqldb.Engine, all []contestant) (_ []SideFigure, err error) {
	var brokers struct{ warm, measured string }
	turns := make([]turn, len(all))
	for i, c := range all {
		d, err := b.newDatabase(ctx, engine)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), d)) }()
		turns[i] = turn{c.side, c.what, func(round int) (Result, error) {
			spec := Spec{Side: c.side, Engine: engine, URL: d.URL, MasterKey: d.MasterKey, Seed: b.Seed,
				WarmBroker: brokers.warm, Broker: brokers.measured, Warm: b.Warm, Events: b.Events}
			if c.product && round == b.Rounds-1 {
				spec.CPUProfile, spec.MemProfile = b.CPUProfile, b.MemProfile
			}
			return b.run(ctx, fmt.Sprintf("%s on %s, round %d of %d", c.side, engine, round+1, b.Rounds), spec)
		}}
	}
	before := func(round int) (err error) {
		first := int64(round) * (b.Warm + b.Events)
		if brokers.warm, err = b.fill(ctx, first, b.Warm); err != nil {
			return err
		}
		brokers.measured, err = b.fill(ctx, first+b.Warm, b.Events)
		return err
	}
	after := func() error { return errors.Join(os.RemoveAll(brokers.warm), os.RemoveAll(brokers.measured)) }
	return takeTurns(b.Rounds, turns, before, after)
}
