// This file compacts what appending leaves behind, off the way of events: the
// index of users is extended, and the rows of accounts become fewer.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// gatherFor is how long compaction waits for more where there is enough for a
	// block: while events pour in, larger ones are written at once.
	gatherFor = 2 * time.Second
	// compactEvery is how often it looks where nothing is appended.
	compactEvery = time.Minute
)

// RunCompaction compacts the log as it grows, until ctx ends. One process does at a
// time, and others stand by. It may be killed at any moment: each step is one
// transaction, and whoever runs next goes on from there. Until then one user's
// events are found more slowly, and nothing else is different. The error is nil
// where ctx has ended.
func (s *Store) RunCompaction(ctx context.Context) error {
	for {
		err := s.Compact(ctx)
		if err == nil {
			err = s.waitToCompact(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Compact brings the index of users as near to the log's end as blocks go, and
// accounts into few rows. Where another process is at it, it returns at once.
func (s *Store) Compact(ctx context.Context) (err error) {
	lock, ok, err := s.db.TryLock(ctx, "compaction")
	if err != nil || !ok {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	for _, step := range []func(context.Context) (more bool, err error){s.extendIndex, s.compactAccounts} {
		for more := true; more; {
			if more, err = step(ctx); err != nil {
				return fmt.Errorf("compact the log: %w", err)
			}
		}
	}
	return nil
}

// waitToCompact returns when there may be something to compact.
func (s *Store) waitToCompact(ctx context.Context) error {
	indexed, err := indexedTo(ctx, s.db.SQL())
	if err != nil {
		return err
	}
	smallest, larger := Position(1)<<s.shape.bits[0], Position(1)<<s.shape.bits[1]
	if err := s.waitFor(ctx, indexed+smallest-1, compactEvery); err != nil {
		return err
	}
	return s.waitFor(ctx, indexed+larger-1, gatherFor)
}

// waitFor is [Store.Wait], and returns nil where time is up.
func (s *Store) waitFor(ctx context.Context, after Position, longest time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	err := s.Wait(limited, after)
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}
