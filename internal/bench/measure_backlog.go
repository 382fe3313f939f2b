// This file measures how much memory the service takes while it works off a
// long backlog.

package bench

import (
	"context"
	"errors"
	"time"

	"boxoffice/internal/sqldb"
)

// memoryLimit is what the service has to keep within, in bytes.
const memoryLimit = 300e6

// A Memory is what a service had in use at most.
type Memory struct {
	// Events is how long the backlog was, and Seconds how long the service took
	// until the read models had all of it, from its start on.
	Events  int64   `json:"events"`
	Seconds float64 `json:"seconds"`
	// PeakBytes is the most memory that the process had in use, and LimitBytes
	// what it has to keep within.
	PeakBytes  int64   `json:"peak_bytes"`
	LimitBytes float64 `json:"limit_bytes"`
}

// Backlog measures the memory of the whole service, with its embedded broker,
// from its start until the read models have the broker's backlog.
func (b *Bench) Backlog(ctx context.Context, engine sqldb.Engine) (Measure, error) {
	memory := &Memory{Events: b.BacklogEvents, LimitBytes: memoryLimit}
	err := b.withService(ctx, engine, b.BacklogEvents, func(s *service) error {
		started := time.Now()
		err := s.awaitPosition(ctx, b.BacklogEvents, func(done int64) {
			b.progress("working off the backlog on "+string(engine), done, b.BacklogEvents)
		})
		if err != nil {
			return err
		}
		memory.Seconds = time.Since(started).Seconds()
		if memory.PeakBytes = peakMemory(s.cmd.Process.Pid); memory.PeakBytes == 0 {
			return errors.New("the memory of a process can't be measured on this system")
		}
		return nil
	})
	return Measure{Name: "backlog", Engine: engine, Memory: memory}, err
}
