// This file is how the list of users is filtered and sorted: what the form says,
// what the address says, and both in words.

package console

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"boxoffice/projections"
)

// A token is one condition of a filter.
type token struct{ Text, Without string }

type userFilter struct {
	Query, By, Period string
	From, To          string // days, both inclusive
	Set               int    // how many conditions there are behind the button
	Periods           []option
	Sorts             []option
}

// canonicalUsers turns what the filter's form sends into the parameters of the
// API: a preset into days, an end that people read into one that excludes.
func canonicalUsers(q *query, now time.Time) (address string, changed bool) {
	values := url.Values{}
	for name, all := range q.Values {
		values[name] = slices.Clone(all)
	}
	if q.Has("period") || q.Has("by") {
		changed = true
		by := "registered"
		if q.Get("by") == "updated" {
			by = "updated"
		}
		from, to := chosenDays(q, now)
		for _, name := range []string{"by", "period", "from", "to", "registered_from", "registered_to", "updated_from", "updated_to"} {
			values.Del(name)
		}
		values.Set(by+"_from", from)
		values.Set(by+"_to", to)
	}
	if columns := values["columns"]; len(columns) > 1 {
		values["columns"], changed = []string{strings.Join(columns, ",")}, true
	}
	changed = dropEmpty(values) || changed
	return "/users" + queryText(values), changed
}

// dropEmpty takes away parameters that say nothing, and says whether there were any.
func dropEmpty(values url.Values) (dropped bool) {
	for name, all := range values {
		if len(all) == 0 || all[0] == "" {
			values.Del(name)
			dropped = true
		}
	}
	return dropped
}

// filterOf reads the filter and the sort.
func filterOf(q *query) (projections.UserFilter, projections.UserSort, error) {
	f := projections.UserFilter{
		Status:         projections.Status(q.oneOf("status", "registered", "active", "canceled")),
		RegisteredFrom: q.instant("registered_from"), RegisteredTo: q.instant("registered_to"),
		UpdatedFrom: q.instant("updated_from"), UpdatedTo: q.instant("updated_to"),
		Query: strings.TrimSpace(q.Get("q")),
	}
	sort := q.oneOf("sort", sorts...)
	if sort == "" {
		sort = string(projections.ByRegisteredDesc)
	}
	return f, projections.UserSort(sort), q.err()
}

var sorts = []string{
	string(projections.ByRegisteredDesc), string(projections.ByRegisteredAsc),
	string(projections.ByUpdatedDesc), string(projections.ByUpdatedAsc),
}

// filterParams are the parameters that say which users are meant.
func filterParams(q *query) url.Values {
	values := url.Values{}
	for _, name := range []string{"status", "q", "registered_from", "registered_to", "updated_from", "updated_to"} {
		if value := q.Get(name); value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// filterForm makes the form, and what it says in words.
func (v *visit) filterForm(q *query, sort projections.UserSort) (userFilter, []token, string) {
	by := "registered"
	if q.Has("updated_from") || q.Has("updated_to") {
		by = "updated"
	}
	f := v.periodForm(q, by+"_")
	f.Query, f.By = strings.TrimSpace(q.Get("q")), by
	for _, s := range sorts {
		f.Sorts = append(f.Sorts, option{s, "sort." + s, s == string(sort)})
	}
	var tokens []token
	if s := q.Get("status"); s != "" {
		tokens = append(tokens, token{v.T("status." + s), v.listAddress("status", "")})
	}
	if f.Query != "" {
		tokens = append(tokens, token{v.T("quoted", "text", f.Query), v.listAddress("q", "")})
	}
	words := ""
	if f.Period != "" {
		f.Set++
		words = v.periodWords(f)
		tokens = append(tokens, token{words, v.listAddress(f.By+"_from", "", f.By+"_to", "")})
	}
	return f, tokens, words
}

// periodWords says a period in words: "registered 1–30 Nov 2026".
func (v *visit) periodWords(f userFilter) string {
	day := func(s string) string {
		t, err := time.ParseInLocation(time.DateOnly, s, v.server.Zone)
		if err != nil {
			return s
		}
		return v.Date(t.Add(12 * time.Hour))
	}
	key := "users." + f.By
	switch {
	case f.From == "":
		return v.T(key+".until", "to", day(f.To))
	case f.To == "":
		return v.T(key+".since", "from", day(f.From))
	}
	return v.T(key+".within", "from", day(f.From), "to", day(f.To))
}

// sortLink is the address that sorts by a column, the other way round where it
// is sorted by that already; empty for a column that can't be sorted by.
func (v *visit) sortLink(name string, sort projections.UserSort) (href, direction string) {
	if !slices.Contains(sorts, name) {
		return "", ""
	}
	next := "-" + name
	switch string(sort) {
	case name:
		direction = "ascending"
	case "-" + name:
		direction, next = "descending", name
	}
	return v.listAddress("sort", next), direction
}
