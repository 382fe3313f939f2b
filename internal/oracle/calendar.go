// This file is about months: calendar months in the platform's time zone.

package oracle

import (
	"fmt"
	"time"
)

type calendar struct{ zone *time.Location }

// A month is a calendar month, 1 to 12 of a year.
type month struct{ year, month int }

func parseMonth(s string) (month, error) {
	t, err := time.Parse("2006-01", s)
	return month{t.Year(), int(t.Month())}, err
}

func (m month) String() string { return fmt.Sprintf("%04d-%02d", m.year, m.month) }

func (m month) next() month {
	if m.month == 12 {
		return month{m.year + 1, 1}
	}
	return month{m.year, m.month + 1}
}

func (m month) previous() month {
	if m.month == 1 {
		return month{m.year - 1, 12}
	}
	return month{m.year, m.month - 1}
}

// start is the first instant of a month's 1st, local time.
func (c calendar) start(m month) Instant {
	return c.firstAt(time.Date(m.year, time.Month(m.month), 1, 0, 0, 0, 0, time.UTC), true)
}

// end is the first instant of the next month.
func (c calendar) end(m month) Instant { return c.start(m.next()) }

// firstAt returns the first instant at which local clocks show that date and
// time (the fields of wall; its zone means nothing). Where the clock skips it:
// with orLater the first instant at which clocks show more, else what the
// offset before the jump makes of it.
func (c calendar) firstAt(wall time.Time, orLater bool) Instant {
	// Offsets are at most 26 hours apart, so the spans of constant offset
	// that can matter lie around here.
	at := wall.Add(-40 * time.Hour).In(c.zone)
	for {
		_, seconds := at.Zone()
		offset := time.Duration(seconds) * time.Second
		_, until := at.ZoneBounds()
		shown := wall.Add(-offset) // as if this offset held always
		if until.IsZero() || shown.Before(until) {
			if shown.Before(at) { // skipped by the jump at the start of this span
				return Of(at)
			}
			return Of(shown)
		}
		_, after := until.Zone()
		if !orLater && wall.Add(-time.Duration(after)*time.Second).Before(until) {
			return Of(shown) // skipped by the jump at the end of this span
		}
		at = until
	}
}

// sameTime returns the instant of the month before m at which clocks show t's
// local day and time of day, for figures up to and including it; whole says
// that it is all of that month: it has no such day, or t is past m.
func (c calendar) sameTime(m month, t Instant) (cut Instant, whole bool) {
	if t >= c.end(m) {
		return 0, true
	}
	local := time.UnixMicro(int64(t)).In(c.zone)
	before := m.previous()
	wall := time.Date(before.year, time.Month(before.month), local.Day(),
		local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	if int(wall.Month()) != before.month || !c.hasDay(wall) {
		return 0, true
	}
	return c.firstAt(wall, false), false
}

// hasDay says that clocks ever show the date of wall. (Samoa had no 30 December
// in 2011.)
func (c calendar) hasDay(wall time.Time) bool {
	midnight := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
	first := time.UnixMicro(int64(c.firstAt(midnight, true))).In(c.zone)
	return first.Day() == wall.Day()
}
