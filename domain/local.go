// This file reads what a clock in the platform's time zone shows, as people
// write it into tables.

package domain

import (
	"errors"
	"strings"
	"time"
)

var errNotLocal = errors.New("must be a date, or a date and a time")

// ParseLocal reads a date and a time without an offset, YYYY-MM-DDThh:mm, with
// seconds and decimals or without; a blank may stand for the T. A time that the
// clock skips is read with the offset before the jump, one that it shows twice
// is the first. What is finer than a microsecond is cut off.
func (c Calendar) ParseLocal(s string) (Instant, error) {
	s = strings.Replace(s, " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		shown, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		at := c.instantOf(localTime(shown.UnixMicro()))
		if at < firstInstant || at > lastInstant {
			return 0, errTimeRange
		}
		return at, nil
	}
	return 0, errNotLocal
}

// EndOfDay returns the first instant of the day after a date as YYYY-MM-DD; of
// what isn't one, Always.
func (c Calendar) EndOfDay(date string) Instant {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return Always
	}
	return c.reach(localTime(day.AddDate(0, 0, 1).UnixMicro())).at
}
