// Package pause is how long to wait between tries, and the waiting.
package pause

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// New returns the pauses between tries: the first is about least, each next one
// twice as long, up to about most. Each is random, by half its length either
// way, so that two who wait for the same don't try at the same pace. After a
// Reset they begin at least again. They are for one goroutine.
func New(least, most time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: least, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: most}
}

// Wait waits for d, or fails with the context's error where that ends before.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
