// This file reads parameters: what every operation is strict about, the
// parameters that many share, and instants, months and ids.

package api

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/domain"
)

// PageParams are the parameters of a list that is given in pages.
type PageParams struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before, with the same filters and sort"`
}

// PeriodParams are the two ends of a range of time.
type PeriodParams struct {
	From string `query:"from" doc:"From this instant on, RFC 3339 with any offset; a date alone is its first instant in the platform's time zone" example:"2026-11-01"`
	To   string `query:"to" doc:"Up to, and without, this instant; written like from" example:"2026-12-01T00:00:00Z"`
}

// AsOfParam is the instant that is asked about.
type AsOfParam struct {
	AsOf string `query:"as_of" doc:"The instant that is asked about, past or future: RFC 3339 with any offset, or a date alone for its first instant in the platform's time zone. Default: now" example:"2026-11-23T12:00:00+01:00"`
}

// MonthParam is the month in a path.
type MonthParam struct {
	Month string `path:"month" doc:"Calendar month in the platform's time zone: YYYY-MM" example:"2026-11"`
}

// UserParam is the user's id in a path.
type UserParam struct {
	ID string `path:"id" doc:"The user's id on the platform, percent-encoded" example:"10293"`
}

// strictQuery refuses a query that says what the operation doesn't know, says
// it twice or says nothing: a filter that is misspelt would else answer with
// more than was asked for.
func (s *service) strictQuery(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		s.writeProblem(ctx, newProblem(http.StatusUnprocessableEntity, "the query can't be read: it must be name=value pairs, percent-encoded, with & between them"))
		return
	}
	var p paramReader
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value := strings.ToValidUTF8(strings.Join(query[name], ", "), "\uFFFD")
		p.check("query."+strings.ToValidUTF8(name, "\uFFFD"), value, queryFault(ctx.Operation(), name, query[name]))
	}
	if p.problem != nil {
		s.writeProblem(ctx, p.problem)
		return
	}
	next(ctx)
}

// queryFault returns what is wrong with a parameter before its own rule is looked at.
func queryFault(op *huma.Operation, name string, values []string) error {
	known := slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
	switch {
	case !known:
		return errors.New("unknown query parameter")
	case len(values) > 1:
		return errors.New("must be given once")
	case values[0] == "" && name != "q":
		return errors.New("must not be empty")
	case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
		return errors.New("must be UTF-8 without U+0000")
	}
	return nil
}

// A paramReader reads parameters and gathers what is wrong with them, so that
// a caller hears of everything at once.
type paramReader struct {
	calendar domain.Calendar
	problem  *Problem
}

func (s *service) params() *paramReader {
	return &paramReader{calendar: domain.Calendar{Zone: s.Zone}}
}

// err returns what was wrong; nil for nothing.
func (p *paramReader) err() error {
	if p.problem == nil {
		return nil
	}
	return p.problem
}

func (p *paramReader) check(location, value string, err error) {
	if err == nil {
		return
	}
	p.add(invalid(location, err.Error(), value))
}

// add gathers one more thing that is wrong.
func (p *paramReader) add(found *Problem) {
	if p.problem == nil {
		p.problem = found
		return
	}
	p.problem.Detail += "; " + found.Detail
	p.problem.Errors = append(p.problem.Errors, found.Errors...)
}

// dateOrInstant reads a parameter that is an instant or a date; nil where it
// isn't given.
func (p *paramReader) dateOrInstant(name, text string) *domain.Instant {
	return p.read(name, text, p.calendar.ParseDateOrInstant)
}

func (p *paramReader) read(name, text string, parse func(string) (domain.Instant, error)) *domain.Instant {
	if text == "" {
		return nil
	}
	i, err := parse(withPlus(text))
	p.check("query."+name, text, err)
	return &i
}

// withPlus undoes what happens to an offset whose + wasn't percent-encoded: in
// a query it means a space, which no time has there.
func withPlus(text string) string {
	const offset = len(" 01:00")
	if at := len(text) - offset; at > len("2026-11-23") && text[at] == ' ' {
		return text[:at] + "+" + text[at+1:]
	}
	return text
}

// period reads the two ends of a range of time.
func (p *paramReader) period(period PeriodParams) (from, to *domain.Instant) {
	return p.dateOrInstant("from", period.From), p.dateOrInstant("to", period.To)
}

// month reads a month.
func (p *paramReader) month(location, text string) domain.Month {
	m, err := domain.ParseMonth(text)
	p.check(location, text, err)
	return m
}

// userID reads a user's id in a path.
func (p *paramReader) userID(id string) string {
	p.check("path.id", id, domain.ValidUserID(id))
	return id
}
