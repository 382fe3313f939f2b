// This file tries keys, and bounds how often that may be done, and from where.

package access

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"
)

// Keys finds out who holds a key. It is used by many requests at a time.
type Keys interface {
	// Lookup returns the identity of who holds the key. The error is a
	// [*Refusal] where nobody does, or where it is no good now. How long it takes
	// must not tell how much of a key was right.
	Lookup(ctx context.Context, key string) (Identity, error)
}

// Attempts bounds attempts with keys that are no good, by the address that they
// come from. It is used by many requests at a time.
type Attempts interface {
	// Wait returns how long an address has to wait before it may try the key.
	Wait(from netip.Prefix, key string) time.Duration
	// Failed and Succeeded say what came of an attempt.
	Failed(from netip.Prefix, key string)
	Succeeded(key string)
}

// TooManyAttempts is the refusal of an address that has to wait.
func TooManyAttempts(wait time.Duration) *Refusal {
	return &Refusal{Kind: TooMany, Wait: wait, Reason: "too many attempts with keys that are no good came from this address; wait"}
}

// A Guard finds out who holds the key that a request brings, and bounds guessing.
type Guard struct {
	Keys     Keys
	Attempts Attempts
	Front    Front
}

// Try returns who holds a key that a request brings. The error is a [*Refusal]
// where nobody does, or where too many attempts came from there that were no good.
func (g *Guard) Try(r *http.Request, key string) (Identity, error) {
	from := g.Front.Client(r)
	if wait := g.Attempts.Wait(from, key); wait > 0 {
		return Identity{}, TooManyAttempts(wait)
	}
	who, err := g.Keys.Lookup(r.Context(), key)
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case refused && refusal.Kind != Unavailable:
		g.Attempts.Failed(from, key)
	case err == nil:
		g.Attempts.Succeeded(key)
	}
	return who, err
}
