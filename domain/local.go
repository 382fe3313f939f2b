// This file reads what a clock in the platform's time zone shows.

package domain

import (
	"math"
	"time"
)

// LocalInstants returns the instants at which a clock shows a date and a time, of
// which only what is shown counts and not the location: one, or the first and the
// last where it is shown twice. One that the clock skips is read with the offset
// before the jump. False where they aren't from 1900 to 9999.
func (c Calendar) LocalInstants(shown time.Time) (first, last Instant, ok bool) {
	_, offset := shown.Zone()
	l := localTime(shown.UnixMicro() + int64(offset)*1e6)
	first = c.instantOf(l)
	last = first
	if _, until := c.offsetAt(first); until != math.MaxInt64 {
		later, _ := c.offsetAt(until)
		if again := Instant(l) - later; again >= until {
			last = again
		}
	}
	return first, last, InTimeRange(first) && InTimeRange(last)
}

// InTimeRange says that an instant is from 1900 to 9999, as times of events are.
func InTimeRange(i Instant) bool { return firstInstant <= i && i <= lastInstant }

// EndOfDay returns the first instant of the day after a date as YYYY-MM-DD; of
// what isn't one, Always.
func (c Calendar) EndOfDay(date string) Instant {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return Always
	}
	return c.reach(localTime(day.AddDate(0, 0, 1).UnixMicro())).at
}
