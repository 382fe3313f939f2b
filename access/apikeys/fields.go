// This file is what somebody enters about a key that is to be made.

package apikeys

import (
	"strconv"
	"strings"
	"time"
)

// A FieldError is what is wrong with one thing that is asked for of a new key.
type FieldError struct {
	// Field is name, role, types or expires.
	Field  string
	Reason string
}

// Error returns the reason.
func (e *FieldError) Error() string { return e.Reason }

// ParseEnd reads when a key ends: a date (in UTC), a time (RFC 3339), or after how
// long, such as 90d or 12h; nil, for never, where nothing is entered. The error is
// a [*FieldError].
func ParseEnd(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	end, ok := parseEnd(text, now)
	if !ok {
		return nil, &FieldError{"expires", "must be a date such as 2027-12-31, a time such as 2027-12-31T18:00:00Z, or a duration such as 90d or 12h"}
	}
	if !end.After(now) {
		return nil, &FieldError{"expires", "must be in the future"}
	}
	return &end, nil
}

func parseEnd(text string, now time.Time) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.UTC().AddDate(0, 0, int(n)).Truncate(time.Second), true
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.UTC().Add(d).Truncate(time.Second), true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
