// This file measures publishing beside the broker's own atomic batches.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"boxoffice/internal/sqldb"
)

// Publish measures how fast events are published in durable batches, beside the
// broker's own atomic batches. No database has a part in it.
func (b *Bench) Publish(ctx context.Context, _ sqldb.Engine) (Measure, error) {
	side := func(name, what string) turn {
		return turn{name, what, func(round int) (_ Result, err error) {
			dir, err := os.MkdirTemp(b.dir, "broker-")
			if err != nil {
				return Result{}, err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			spec := Spec{Side: name, Broker: dir, Warm: b.Warm, Events: b.Events, Seed: b.Seed}
			if name == "publish" && round == b.Rounds-1 {
				spec.CPUProfile, spec.MemProfile = b.CPUProfile, b.MemProfile
			}
			return b.run(ctx, fmt.Sprintf("%s, round %d of %d", name, round+1, b.Rounds), spec)
		}}
	}
	figures, err := takeTurns(b.Rounds, []turn{
		side("atomic", "the broker's own atomic batches of 1,000"),
		side("publish", "durable batches through the publisher"),
	}, func(int) error { return nil }, func() error { return nil })
	return Measure{Name: "publish", Sides: figures, Target: atLeast("publish", .8)}, err
}
