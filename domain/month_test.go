// This file holds months against known clock changes, and against looking at
// the clock minute by minute.

package domain_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the zones must not depend on the machine

	"pgregory.net/rapid"

	"boxoffice/domain"
)

// foldZones are zones with clock changes of every sort: by day and by night,
// over a midnight, over a month's first midnight, and over a whole day.
var foldZones = []string{
	"UTC", "Europe/Paris", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut",
	"Asia/Amman", "America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
}

func calendarOf(t require, zone string) domain.Calendar {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatalf("loading %s: %v", zone, err)
	}
	return domain.Calendar{Zone: location}
}

// A require is what tests, benchmarks and checks of properties have in common.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

func at(t require, s string) domain.Instant {
	t.Helper()
	i, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatalf("%q is not a time", s)
	}
	return domain.InstantOf(i)
}

func month(t require, s string) domain.Month {
	t.Helper()
	m, err := domain.ParseMonth(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return m
}

func TestMonthStart(t *testing.T) {
	for _, c := range []struct{ zone, month, start, why string }{
		{"UTC", "2026-03", "2026-03-01T00:00:00Z", "plain"},
		{"Europe/Paris", "2026-03", "2026-02-28T23:00:00Z", "winter time"},
		{"Europe/Paris", "2026-04", "2026-03-31T22:00:00Z", "summer time"},
		{"Asia/Kathmandu", "2026-01", "2025-12-31T18:15:00Z", "an offset of quarters"},
		{"Africa/Cairo", "2014-08", "2014-07-31T22:00:00Z", "midnight skipped: the jump at 00:00 to 01:00"},
		{"Asia/Amman", "2016-04", "2016-03-31T22:00:00Z", "midnight skipped"},
		{"America/Havana", "2020-11", "2020-11-01T04:00:00Z", "midnight shown twice: at 01:00 back to 00:00"},
		{"America/St_Johns", "2009-11", "2009-11-01T02:30:00Z", "shown twice: at 00:01 back to 23:01 of the old month"},
		{"Pacific/Apia", "2012-01", "2011-12-31T10:00:00Z", "after a day that was skipped"},
		{"Europe/Paris", "1900-01", "1899-12-31T23:50:39Z", "local mean time"},
	} {
		calendar := calendarOf(t, c.zone)
		if got := calendar.Start(month(t, c.month)).String(); got != c.start {
			t.Errorf("%s in %s (%s) starts at %s, not at %s", c.month, c.zone, c.why, got, c.start)
		}
	}
}

func TestMonthOfAClockPutBackOverAMonthsStart(t *testing.T) {
	calendar := calendarOf(t, "America/St_Johns")
	start := calendar.Start(month(t, "2009-11"))
	for after, want := range map[time.Duration]string{
		-time.Microsecond: "2009-10",
		0:                 "2009-11",
		30 * time.Second:  "2009-11",
		2 * time.Minute:   "2009-11", // the clock shows 23:02 of October 31 again
		2 * time.Hour:     "2009-11",
	} {
		if got := calendar.MonthOf(start + domain.Instant(after/time.Microsecond)); got.String() != want {
			t.Errorf("%v after the first midnight it is %v, not %s", after, got, want)
		}
	}
}

func TestSameTimeInPreviousMonth(t *testing.T) {
	const whole = "whole"
	for _, c := range []struct{ zone, month, at, want, why string }{
		{"UTC", "2026-11", "2026-11-23T12:00:00Z", "2026-10-23T12:00:00Z", "the same day and time"},
		{"UTC", "2026-11", "2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z", "the first instant"},
		{"UTC", "2026-11", "2026-11-30T23:59:59.999999Z", "2026-10-30T23:59:59.999999Z", "a longer month before"},
		{"UTC", "2026-11", "2026-12-01T00:00:00Z", whole, "past the month"},
		{"UTC", "2026-11", "2030-01-10T00:00:00Z", whole, "long past the month"},
		{"UTC", "2026-03", "2026-03-28T23:59:59Z", "2026-02-28T23:59:59Z", "the last day it has"},
		{"UTC", "2026-03", "2026-03-29T00:00:00Z", whole, "a day it doesn't have"},
		{"UTC", "2028-03", "2028-03-29T06:00:00Z", "2028-02-29T06:00:00Z", "a leap day"},
		{"UTC", "2026-01", "2026-01-15T06:00:00Z", "2025-12-15T06:00:00Z", "the year before"},
		{"Europe/Paris", "2026-04", "2026-04-10T10:00:00Z", "2026-03-10T11:00:00Z", "12:00 in both, at other offsets"},
		{"Europe/Paris", "2026-04", "2026-04-29T00:30:00Z", "2026-03-29T01:30:00Z", "02:30 skipped: with the offset before the jump it is 03:30"},
		{"Europe/Paris", "2026-04", "2026-04-29T01:00:00Z", "2026-03-29T01:00:00Z", "03:00, where the clock jumps to"},
		{"Europe/Paris", "2026-11", "2026-11-25T01:30:00Z", "2026-10-25T00:30:00Z", "02:30 shown twice: the first"},
		{"America/Sao_Paulo", "2018-12", "2018-12-04T02:30:00Z", "2018-11-04T03:30:00Z", "00:30 skipped"},
		{"Asia/Beirut", "2022-04", "2022-04-26T21:30:00Z", "2022-03-26T22:30:00Z", "00:30 skipped"},
		{"Pacific/Apia", "2012-01", "2012-01-30T01:00:00Z", whole, "December 30 was skipped as a whole"},
		{"Pacific/Apia", "2012-01", "2012-01-29T01:00:00Z", "2011-12-30T01:00:00Z", "December 29, before the jump"},
		{"America/St_Johns", "2009-11", "2009-11-01T02:45:00Z", "2009-11-01T01:45:00Z", "the clock shows October 31 again"},
		{"Africa/Luanda", "1912-01", "1912-01-31T22:55:00Z", whole, "23:55 of the last day was skipped: it is past that month"},
		{"Africa/Cairo", "2014-08", "2014-08-31T20:30:00Z", "2014-07-31T21:30:00Z", "the last hour before a month that begins with a jump"},
	} {
		calendar := calendarOf(t, c.zone)
		cut, isWhole := calendar.SameTimeInPreviousMonth(month(t, c.month), at(t, c.at))
		got := cut.String()
		if isWhole {
			if last := calendar.Start(month(t, c.month)) - 1; cut != last {
				t.Errorf("%s at %s in %s: the whole month before ends at %v, not at %v", c.month, c.at, c.zone, last, cut)
			}
			got = whole
		}
		if got != c.want {
			t.Errorf("%s at %s in %s (%s): cut at %s, want %s", c.month, c.at, c.zone, c.why, got, c.want)
		}
	}
}

func TestParseMonth(t *testing.T) {
	for _, good := range []string{"2026-01", "2026-12", "0001-01", "9999-12"} {
		if m, err := domain.ParseMonth(good); err != nil || m.String() != good {
			t.Errorf("%q: %v, %v", good, m, err)
		}
	}
	for _, bad := range []string{"", "2026", "2026-1", "2026-13", "2026-00", "26-01", "2026-01-01", "2026-01 ", "+2026-01", "20260-01", "2026/01"} {
		if m, err := domain.ParseMonth(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, m)
		}
	}
}

func TestParseDateOrInstant(t *testing.T) {
	for _, c := range []struct{ zone, text, want string }{
		{"UTC", "2026-03-01", "2026-03-01T00:00:00Z"},
		{"Europe/Paris", "2026-07-14", "2026-07-13T22:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // its midnight is skipped
		{"America/Havana", "2020-11-01", "2020-11-01T04:00:00Z"},    // its midnight is shown twice
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},      // it is skipped as a whole
		{"Europe/Paris", "2026-07-14T00:00:00+09:00", "2026-07-13T15:00:00Z"},
	} {
		got, err := calendarOf(t, c.zone).ParseDateOrInstant(c.text)
		if err != nil || got.String() != c.want {
			t.Errorf("%s in %s is %v (%v), not %s", c.text, c.zone, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "2026", "2026-02-30", "2026-03-01T00:00:00", "yesterday", "2026-3-1"} {
		if got, err := (domain.Calendar{}).ParseDateOrInstant(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, got)
		}
	}
}

// A naiveCalendar finds things by looking at the clock minute by minute.
type naiveCalendar struct{ zone *time.Location }

var naiveStarts sync.Map

// start looks for the first minute at which the clock shows the month.
func (c naiveCalendar) start(m domain.Month) domain.Instant {
	key := fmt.Sprint(c.zone, m)
	if i, known := naiveStarts.Load(key); known {
		return i.(domain.Instant)
	}
	for i := time.Date(m.Year, time.Month(m.Month), 1, -27, 0, 0, 0, time.UTC); ; i = i.Add(time.Minute) {
		local := i.In(c.zone)
		if local.Year() > m.Year || local.Year() == m.Year && int(local.Month()) >= m.Month {
			naiveStarts.Store(key, domain.InstantOf(i))
			return domain.InstantOf(i)
		}
	}
}

func (c naiveCalendar) end(m domain.Month) domain.Instant { return c.start(m.Next()) }

// sameTime looks through the month before for the first minute that shows the
// same local day and time of day as i, which is a whole minute.
func (c naiveCalendar) sameTime(m domain.Month, i domain.Instant) (domain.Instant, bool) {
	last := c.start(m) - 1
	if i >= c.end(m) {
		return last, true
	}
	const minute = domain.Instant(60_000_000)
	shown := i.Time().In(c.zone)
	wanted := time.Date(m.Prev().Year, time.Month(m.Prev().Month), shown.Day(), shown.Hour(), shown.Minute(), 0, 0, time.UTC)
	hasDay := false
	from := c.start(m.Prev()) - 2*minute
	before := c.clock(from)
	for i := from + minute; i <= last+1; i += minute {
		now := c.clock(i)
		hasDay = hasDay || now.Day() == wanted.Day() && now.Month() == wanted.Month()
		if now.Equal(wanted) {
			return i, false
		}
		if before.Before(wanted) && now.After(wanted) && now.Sub(before) < 24*time.Hour {
			offset := before.Sub((i - minute).Time())
			return domain.InstantOf(wanted.Add(-offset)), false
		}
		before = now
	}
	return last, true
}

// clock returns what the clock shows at i, as a time in UTC.
func (c naiveCalendar) clock(i domain.Instant) time.Time {
	t := i.Time().In(c.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// clockChanges are months with a clock change in one of the zones.
var clockChanges = []string{
	"2009-11", "2010-10", "2011-12", "2012-01", "2014-07", "2014-08", "2016-04", "2017-10", "2018-11",
	"2018-12", "2020-11", "2022-03", "2022-04", "2023-03", "2026-03", "2026-04", "2026-10", "2026-11", "2028-02",
}

func TestCalendarAgreesWithLookingAtTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := calendarOf(t, rapid.SampledFrom(foldZones).Draw(t, "zone"))
		naive := naiveCalendar{calendar.Zone}
		m := month(t, rapid.SampledFrom(clockChanges).Draw(t, "month"))
		start, end := naive.start(m), naive.end(m)
		if got := calendar.Start(m); got != start {
			t.Fatalf("%v in %v starts at %v, not at %v", m, calendar.Zone, got, start)
		}
		if got := calendar.MonthOf(start); got != m {
			t.Fatalf("%v in %v starts in %v", m, calendar.Zone, got)
		}
		if got := calendar.MonthOf(end - 1); got != m {
			t.Fatalf("%v in %v ends in %v", m, calendar.Zone, got)
		}
		minutes := int64(end-start) / 60_000_000
		i := start + domain.Instant(rapid.Int64Range(0, minutes-1).Draw(t, "minute"))*60_000_000
		cut, whole := calendar.SameTimeInPreviousMonth(m, i)
		wantCut, wantWhole := naive.sameTime(m, i)
		if cut != wantCut || whole != wantWhole {
			t.Fatalf("%v at %v in %v: cut at %v (%v), not at %v (%v)", m, i, calendar.Zone, cut, whole, wantCut, wantWhole)
		}
	})
}
