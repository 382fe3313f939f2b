// This file reads what an address says: parameters as the API names them.

package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"boxoffice/domain"
)

// A query reads the parameters of an address, and remembers whether one meant nothing.
type query struct {
	url.Values
	calendar domain.Calendar
	bad      bool
}

func (v *visit) query() *query {
	return v.readQuery(url.ParseQuery(v.r.URL.RawQuery))
}

// queryOf reads what a form says as an address would say it.
func (v *visit) queryOf(form url.Values) *query { return v.readQuery(form, nil) }

func (v *visit) readQuery(values url.Values, err error) *query {
	q := &query{Values: values, calendar: domain.Calendar{Zone: v.server.Zone}, bad: err != nil}
	for _, all := range values {
		for _, value := range all {
			q.bad = q.bad || !utf8.ValidString(value) || strings.ContainsRune(value, 0)
		}
	}
	return q
}

// err is the error of an address that meant nothing.
func (q *query) err() error {
	if q.bad {
		return errInput
	}
	return nil
}

// instant reads an instant or a date; nil where there is none.
func (q *query) instant(name string) *domain.Instant {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	i, err := q.calendar.ParseDateOrInstant(strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		q.bad = true
		return nil
	}
	return &i
}

// number reads a number that isn't negative; 0 where there is none.
func (q *query) number(name string) int64 {
	text := q.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		q.bad = true
		return 0
	}
	return n
}

// month reads a month; nil where there is none.
func (q *query) month(name string) *domain.Month {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	m, err := domain.ParseMonth(text)
	if err != nil {
		q.bad = true
		return nil
	}
	return &m
}

// oneOf reads a word that has to be one of several, or isn't there.
func (q *query) oneOf(name string, words ...string) string {
	text := q.Get(name)
	if text == "" {
		return ""
	}
	if slices.Contains(words, text) {
		return text
	}
	q.bad = true
	return ""
}
