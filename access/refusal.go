// This file is why a request isn't let through, for each surface to say in its
// own form.

package access

import "time"

// A Kind says what it takes to be let through after a [Refusal].
type Kind int

// The kinds of refusals, and the HTTP statuses that stand for them.
const (
	// NoKey: nothing says who asks (401).
	NoKey Kind = iota + 1
	// BadKey: what says who asks is no good (401).
	BadKey
	// Forbidden: who asks is known, and may not (403).
	Forbidden
	// TooMany attempts with keys that are no good came from the address (429).
	TooMany
	// Unavailable: it can't be told at present (503).
	Unavailable
)

// A Refusal is why a request isn't let through.
type Refusal struct {
	Kind Kind
	// Reason says so to whoever asks. It quotes nothing of what they sent.
	Reason string
	// Wait is, of TooMany, how long it takes until another attempt is looked at.
	Wait time.Duration
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }
