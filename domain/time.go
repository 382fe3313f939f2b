// This file reads times as events carry them: RFC 3339 with an offset, to the
// microsecond.

package domain

import (
	"errors"
	"fmt"
	"time"
)

// The range of instants that an event may name: 1900 to 9999, in UTC.
const (
	firstInstant = Instant(-2_208_988_800_000_000) // 1900-01-01T00:00:00Z
	lastInstant  = Instant(253_402_300_799_999_999)
)

var (
	errTimeRange = errors.New("must be a time from 1900 to 9999 (UTC)")
)

// ParseInstant reads a time in RFC 3339 with an offset. Digits finer than a
// microsecond are cut off. A second of 60, and an instant before 1900 or after
// 9999 in UTC, are refused. The error says the rule and never quotes s.
//
// T and Z may be lower case, which RFC 3339 allows, and which Go's time.Parse
// doesn't; a space between date and time, which it leaves to applications, and
// a comma before the decimals may not stand there.
func ParseInstant(s string) (Instant, error) {
	const seconds = len("2006-01-02T15:04:05")
	if len(s) <= seconds || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, notATime(wrongPart(s))
	}
	year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, notATime(wrongPart(s))
	}
	micros, rest, ok := decimals(s[seconds:])
	if !ok {
		return 0, notATime(wrongPart(s))
	}
	offset, ok := offsetSeconds(rest)
	if !ok {
		return 0, notATime(wrongPart(s))
	}
	unix := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Unix()
	i := Instant((unix-offset)*1_000_000 + micros)
	if i < firstInstant || i > lastInstant {
		return 0, errTimeRange
	}
	return i, nil
}

// notATime is the error of what isn't a time: the rule, and what is wrong.
func notATime(wrong string) error {
	return fmt.Errorf("must be a time in RFC 3339 with an offset, such as 2026-01-31T09:30:00Z: %s", wrong)
}

// wrongPart names the first part of a time that isn't as RFC 3339 has it.
func wrongPart(s string) string {
	if s == "" {
		return "it is empty"
	}
	number := func(from, to int) int {
		if len(s) < to {
			return -1
		}
		return digits(s[from:to])
	}
	is := func(at int, c byte) bool { return len(s) > at && s[at] == c }
	year, month := number(0, 4), number(5, 7)
	switch day := number(8, 10); {
	case year < 0 || !is(4, '-') || month < 0 || !is(7, '-') || day < 0:
		return "it doesn't begin with a date as YYYY-MM-DD"
	case month < 1 || month > 12:
		return "there is no such month"
	case day < 1 || day > daysIn(year, month):
		return "the month has no such day"
	case len(s) == len("2006-01-02"):
		return "the time of day and the offset are missing"
	case s[10]|0x20 != 't':
		return "between date and time of day there is no T"
	}
	switch hour, minute := number(11, 13), number(14, 16); {
	case hour < 0 || !is(13, ':') || minute < 0:
		return "the time of day is missing, or isn't HH:MM:SS"
	case hour > 23 || minute > 59:
		return "there is no such time of day"
	case !is(16, ':'):
		return "the seconds are missing"
	}
	switch second := number(17, 19); {
	case second < 0:
		return "the seconds are missing, or aren't two digits"
	case second > 59:
		return "there is no such second"
	}
	_, rest, ok := decimals(s[19:] + "Z")
	switch {
	case !ok:
		return "the decimals of the second are missing"
	case rest == "Z":
		return "the offset is missing: Z, or one such as +01:00"
	}
	return "the offset isn't Z or one such as +01:00"
}

// decimals reads the decimals of a second, as microseconds, and what follows.
func decimals(s string) (micros int64, rest string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	n := 1
	for ; n < len(s) && '0' <= s[n] && s[n] <= '9'; n++ {
		if n <= 6 {
			micros = micros*10 + int64(s[n]-'0')
		}
	}
	for i := n; i <= 6; i++ {
		micros *= 10
	}
	return micros, s[n:], n > 1
}

// offsetSeconds reads Z or an offset from UTC.
func offsetSeconds(s string) (int64, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != len("+07:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := digits(s[1:3]), digits(s[4:6])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := int64(hours*3600 + minutes*60)
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// digits returns the number that a text of a few ASCII digits says, -1 where it
// has anything else.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// daysIn returns the number of days of a month.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
