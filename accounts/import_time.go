// This file reads when somebody registered, in the forms in which programs write
// it.

package accounts

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"boxoffice/domain"
)

// A registration is what registered_at says: an instant, and how exactly.
type registration struct {
	at domain.Instant
	// spans have the instants that would be written like that: a day alone stands
	// for each instant of it, and what a clock shows twice for either.
	spans []span
}

type span struct{ from, to domain.Instant }

// agrees says that an instant is one that may be meant.
func (r registration) agrees(at domain.Instant) bool {
	return slices.ContainsFunc(r.spans, func(s span) bool { return s.from <= at && at <= s.to })
}

const (
	milli  = domain.Instant(1000)
	second = 1000 * milli
	minute = 60 * second
)

// rounding is by how much an instant may be before what a workbook says, which
// has it in milliseconds.
const rounding = milli

// writtenTime is a date, or a date and a time: with seconds and decimals of them or
// without, and with an offset or without.
var writtenTime = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:(?:[Tt]| +)(\d\d:\d\d)(:\d\d)?(\.\d+)? *([Zz]|(?i:UTC|GMT)|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?$`)

var (
	errTimeForm  = errors.New("registered_at must be a date as YYYY-MM-DD, or a time as YYYY-MM-DDThh:mm:ss, from 1900 to 9999")
	errTimeRange = errors.New("registered_at must be from 1900 to 9999")
)

// parseRegistration reads a date or a time. One without an offset is what a clock
// shows where the calendar is.
func parseRegistration(c domain.Calendar, text string) (registration, error) {
	if at, err := domain.ParseInstant(text); err == nil {
		return registration{at, []span{{at, at}}}, nil
	}
	parts := writtenTime.FindStringSubmatch(text)
	if parts == nil {
		return registration{}, errTimeForm
	}
	date, clock, seconds, decimals, offset := parts[1], parts[2], parts[3], parts[4], parts[5]
	if clock == "" {
		return parseDay(c, date)
	}
	if seconds == "" && decimals != "" {
		return registration{}, errTimeForm
	}
	width := minute
	if seconds != "" {
		width = second
	} else {
		seconds = ":00"
	}
	shown, err := time.Parse("2006-01-02T15:04:05", date+"T"+clock+seconds+decimals)
	if err != nil {
		return registration{}, errTimeForm
	}
	if offset != "" {
		return parseOffset(shown, offset, width == minute)
	}
	first, last, ok := c.LocalInstants(shown)
	if !ok {
		return registration{}, errTimeRange
	}
	r := registration{at: first}
	for _, at := range slices.Compact([]domain.Instant{first, last}) {
		if decimals != "" {
			r.spans = append(r.spans, span{at - rounding, at + rounding})
		} else {
			r.spans = append(r.spans, span{at - rounding, at + width - 1})
		}
	}
	return r, nil
}

// parseDay reads a date alone: its first instant.
func parseDay(c domain.Calendar, date string) (registration, error) {
	at, err := c.ParseDateOrInstant(date)
	if err != nil {
		return registration{}, errTimeForm
	}
	if !domain.InTimeRange(at) {
		return registration{}, errTimeRange
	}
	return registration{at, []span{{at - rounding, c.EndOfDay(date) - 1}}}, nil
}

// parseOffset reads what a clock shows that is ahead of UTC by an offset.
func parseOffset(shown time.Time, offset string, toTheMinute bool) (registration, error) {
	ahead, ok := offsetOf(offset)
	if !ok {
		return registration{}, errTimeForm
	}
	at := domain.InstantOf(shown.Add(-ahead))
	if !domain.InTimeRange(at) {
		return registration{}, errTimeRange
	}
	if toTheMinute {
		return registration{at, []span{{at, at + minute - 1}}}, nil
	}
	return registration{at, []span{{at, at}}}, nil
}

// offsetOf is how far a clock is ahead of UTC: Z, UTC, +01, +0100, +01:00, and with
// seconds, as databases write those of a century ago.
func offsetOf(text string) (time.Duration, bool) {
	if text[0] != '+' && text[0] != '-' {
		return 0, true
	}
	digits := strings.ReplaceAll(text[1:], ":", "")
	var ahead time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		if 2*i >= len(digits) {
			break
		}
		n, err := strconv.Atoi(digits[2*i : 2*i+2])
		if err != nil || i == 0 && n > 23 || i > 0 && n > 59 {
			return 0, false
		}
		ahead += time.Duration(n) * unit
	}
	if text[0] == '-' {
		ahead = -ahead
	}
	return ahead, true
}
