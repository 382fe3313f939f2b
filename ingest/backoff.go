// This file is the pause between tries of what fails until the other side is
// back.

package ingest

import (
	"context"
	"math/rand/v2"
	"time"
)

// A backoff pauses longer from one try to the next, and never for long.
type backoff struct {
	next, least, most time.Duration
}

func newBackoff() *backoff {
	return &backoff{next: 100 * time.Millisecond, least: 100 * time.Millisecond, most: 2 * time.Second}
}

// wait pauses, a little more or less so that processes don't try in step. It
// returns early where ctx ends.
func (b *backoff) wait(ctx context.Context) {
	pause := b.next/2 + rand.N(b.next)
	b.next = min(2*b.next, b.most)
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

func (b *backoff) reset() { b.next = b.least }
