// This file is about the renewal grace: a renewal that is told a little late is
// no gap.

package domain

import "slices"

// A Grace is for how long after the end of a subscription's period the next one
// may begin and count as beginning at that end, in microseconds; 0 for none.
type Grace int64

// counted returns the entitlement as it counts in spans and figures: each period
// of a subscription that begins within the grace after the one before it begins
// at its end. Periods that are empty take no part.
func (e *Entitlement) counted(grace Grace) Entitlement {
	counted := *e
	if e.Kind != Subscription || grace == 0 {
		return counted
	}
	counted.Periods = slices.Clone(e.Periods)
	before := -1 // the last one that isn't empty, which has the latest end so far
	for i := range counted.Periods {
		p := &counted.Periods[i]
		if p.Empty() {
			continue
		}
		if before >= 0 {
			if end := counted.Periods[before].To; p.From-end <= Instant(grace) {
				p.From = end
			}
		}
		before = i
	}
	return counted
}

// bridge returns which period counts as running on at t, and until when, where
// the grace makes one do so: t is between where the next one counts as beginning
// and where it begins.
func (e *Entitlement) bridge(t Instant, grace Grace) (period int, until Instant, ok bool) {
	before := 0
	for i, p := range e.counted(grace).Periods {
		from := e.Periods[i].From
		if p.From <= t && t < from {
			return before, from, true
		}
		if !p.Empty() {
			before = i
		}
	}
	return 0, 0, false
}
