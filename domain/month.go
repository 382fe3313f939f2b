// This file is about calendar months in the platform's time zone: where they
// begin, and which instant of the month before compares with one of this.

package domain

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Calendar divides time into months as the clocks of a time zone show them.
// Its zero value is that of UTC. It is safe for use by several goroutines.
type Calendar struct{ Zone *time.Location }

// ErrMonth is the error of a month that isn't written as YYYY-MM.
var ErrMonth = errors.New("must be a month as YYYY-MM")

// ParseMonth reads a month written as YYYY-MM.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return Month{}, ErrMonth
	}
	return Month{Year: t.Year(), Month: int(t.Month())}, nil
}

// String returns the month as YYYY-MM.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, m.Month) }

// Next returns the month after m.
func (m Month) Next() Month {
	if m.Month == 12 {
		return Month{Year: m.Year + 1, Month: 1}
	}
	return Month{Year: m.Year, Month: m.Month + 1}
}

// Prev returns the month before m.
func (m Month) Prev() Month {
	if m.Month == 1 {
		return Month{Year: m.Year - 1, Month: 12}
	}
	return Month{Year: m.Year, Month: m.Month - 1}
}

// Compare returns -1, 0 or +1 as m is before, the same as or after n.
func (m Month) Compare(n Month) int {
	switch a, b := m.Year*12+m.Month, n.Year*12+n.Month; {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// clock returns what a clock shows at midnight of a day of the month, and
// whether the month has that day in the calendar.
func (m Month) clock(day int) (localTime, bool) {
	t := time.Date(m.Year, time.Month(m.Month), day, 0, 0, 0, 0, time.UTC)
	return localTime(t.UnixMicro()), t.Day() == day
}

// MonthOf returns the month in which i lies. It must not be called on Never or
// Always.
func (c Calendar) MonthOf(i Instant) Month {
	t := i.Time().In(c.zone())
	m := Month{Year: t.Year(), Month: int(t.Month())}
	// A clock that is put back over the midnight of a 1st shows the old month
	// again for a while; the new one has begun all the same.
	if i >= c.End(m) {
		return m.Next()
	}
	return m
}

// Start returns the first instant of the month: the first at which a clock shows
// its 1st. Where the midnight is skipped that is the instant of the jump, and
// where it is shown twice it is the first of the two.
func (c Calendar) Start(m Month) Instant {
	midnight, _ := m.clock(1)
	return c.reach(midnight).at
}

// End returns the first instant after the month, which is the start of the next.
func (c Calendar) End(m Month) Instant { return c.Start(m.Next()) }

// A LocalDay is a day of a month, and its first instant.
type LocalDay struct {
	Number int // of the month, from 1
	Start  Instant
}

// Days returns the days of the month, in order, without one that the clocks skip.
func (c Calendar) Days(m Month) []LocalDay {
	var days []LocalDay
	for n := 1; ; n++ {
		midnight, ok := m.clock(n)
		if !ok {
			return days
		}
		if !c.skipsDay(midnight) {
			days = append(days, LocalDay{n, c.reach(midnight).at})
		}
	}
}

// Window returns the first and the last instant of the part of the month up to
// t, both inclusive, and whether the month has begun by t; where it hasn't,
// there is no such part.
func (c Calendar) Window(m Month, t Instant) (first, last Instant, begun bool) {
	first = c.Start(m)
	return first, min(t, c.End(m)-1), first <= t
}

// SameTimeInPreviousMonth returns the last instant of the month before m that
// compares with the part of m up to t: the same local day and time of day. A
// time that the clock skips there is read with the offset before the jump, one
// that it shows twice is the first. It is the whole month before, up to its
// last instant, where t is past m or that month doesn't have the day. It must
// not be asked of a month that starts after t.
func (c Calendar) SameTimeInPreviousMonth(m Month, t Instant) (cut Instant, whole bool) {
	last := c.Start(m) - 1
	if t >= c.End(m) {
		return last, true
	}
	day, timeOfDay := c.split(t)
	midnight, ok := m.Prev().clock(day)
	if !ok || c.skipsDay(midnight) {
		return last, true
	}
	cut = c.instantOf(midnight + timeOfDay)
	if cut > last { // skipped at the very end of the month
		return last, true
	}
	return cut, false
}

// ParseDateOrInstant reads an RFC 3339 time with an offset, or a date alone as
// YYYY-MM-DD, which means the first instant of that day.
func (c Calendar) ParseDateOrInstant(s string) (Instant, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return c.reach(localTime(day.UnixMicro())).at, nil
	}
	return ParseInstant(s)
}

// split returns the day of the month and the time of day that a clock shows at i.
func (c Calendar) split(i Instant) (day int, timeOfDay localTime) {
	t := i.Time().In(c.zone())
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	shown := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	return t.Day(), localTime(shown.UnixMicro() - midnight.UnixMicro())
}

// skipsDay says that no clock ever showed the day that begins at midnight, as
// where a country moved across the date line.
func (c Calendar) skipsDay(midnight localTime) bool {
	return c.reach(midnight).shown-midnight >= oneDay
}

// instantOf returns the instant at which a clock shows l: the first of two, and
// for one that is skipped, as if it were read before the clock jumped.
func (c Calendar) instantOf(l localTime) Instant {
	r := c.reach(l)
	return r.at - Instant(r.shown-l) + r.jump
}

// A localTime is what a clock shows, as microseconds since it showed
// 1970-01-01T00:00:00.
type localTime int64

const (
	oneDay = localTime(24 * time.Hour / time.Microsecond)
	// No offset from UTC is as large as this.
	maxOffset = localTime(26 * time.Hour / time.Microsecond)
)

// A reached is the first instant at which a clock shows a local time or a
// later one.
type reached struct {
	at    Instant
	shown localTime // what it shows then: later only where the clock jumped over it
	jump  Instant   // by how much it jumped at that instant, where it did so over the local time
}

// reach returns the first instant at which a clock shows l or later.
func (c Calendar) reach(l localTime) reached {
	from := Instant(l - maxOffset)
	offset, until := c.offsetAt(from)
	for Instant(l)-offset >= until {
		before := offset
		from = until
		offset, until = c.offsetAt(from)
		if shown := localTime(from + offset); shown > l {
			return reached{at: from, shown: shown, jump: offset - before}
		}
	}
	return reached{at: Instant(l) - offset, shown: l}
}

// offsetAt returns the offset from UTC that holds at i, and until when.
func (c Calendar) offsetAt(i Instant) (offset, until Instant) {
	t := i.Time().In(c.zone())
	_, seconds := t.Zone()
	_, end := t.ZoneBounds()
	if end.IsZero() {
		return Instant(seconds) * 1e6, math.MaxInt64
	}
	return Instant(seconds) * 1e6, InstantOf(end)
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}
