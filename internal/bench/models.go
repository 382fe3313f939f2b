// This file keeps read models, as the service does, for as long as a side needs
// them.

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"boxoffice/eventstore"
	"boxoffice/projections"
)

// sessionTimeout is the service's default.
const sessionTimeout = 30 * time.Minute

// A keeper keeps the read models of a log.
type keeper struct {
	models *projections.Models
	reader *projections.Reader
	runner *projections.Runner
	stop   context.CancelFunc
	ended  chan error
}

// keepModels begins to project; fillBytes is [projections.Config.FillBytes], 0
// for the service's. The keeper has to be closed.
func keepModels(ctx context.Context, log *openLog, fillBytes int) (*keeper, error) {
	models, err := projections.Open(ctx, log.db)
	if err != nil {
		return nil, err
	}
	runner, err := projections.NewRunner(models, log.store, projections.Config{FillBytes: fillBytes, Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, models.Close())
	}
	k := &keeper{models: models, reader: projections.NewReader(models, sessionTimeout), runner: runner, ended: make(chan error, 1)}
	ctx, k.stop = context.WithCancel(ctx)
	go func() { k.ended <- runner.Run(ctx) }()
	return k, nil
}

// await waits until answers come from read models that have everything up to a
// position, and says which position they are at.
func (k *keeper) await(ctx context.Context, position eventstore.Position, progress func(int64)) (eventstore.Position, error) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		// The runner's own status costs nothing; the reader's is the proof.
		if at := k.runner.Status().Position; at >= position {
			if status, err := k.reader.Status(ctx); err == nil && status.Position >= position {
				return status.Position, nil
			}
		} else {
			progress(int64(at))
		}
		select {
		case <-ticker.C:
		case err := <-k.ended:
			k.ended <- err
			return 0, fmt.Errorf("projecting ended: %w", errors.Join(err, ctx.Err()))
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (k *keeper) close() error {
	k.stop()
	return errors.Join(<-k.ended, k.models.Close())
}
