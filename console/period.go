// This file is the choice of a period: presets, and from–to as days, both
// inclusive as people read them. In addresses the end is exclusive, as in the API.

package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"

	"boxoffice/domain"
)

// presets are the periods to choose from, besides days.
var presets = []string{"this-month", "last-month", "7", "30", "90", "this-year"}

// days returns the first day of a preset and the first day after it, as dates;
// the end is empty where the preset goes on.
func presetDays(preset string, now time.Time) (from, to string) {
	day := func(year int, month time.Month, d int) string {
		return time.Date(year, month, d, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	y, m, d := now.Date()
	switch preset {
	case "this-month":
		return day(y, m, 1), day(y, m+1, 1)
	case "last-month":
		return day(y, m-1, 1), day(y, m, 1)
	case "7":
		return day(y, m, d-6), ""
	case "30":
		return day(y, m, d-29), ""
	case "90":
		return day(y, m, d-89), ""
	case "this-year":
		return day(y, 1, 1), day(y+1, 1, 1)
	}
	return "", ""
}

// presetOf finds the preset that an address's period is; "days" for another
// period, "" for none.
func presetOf(from, to string, now time.Time) string {
	if from == "" && to == "" {
		return ""
	}
	for _, p := range presets {
		if f, t := presetDays(p, now); f == from && t == to {
			return p
		}
	}
	return "days"
}

// chosenDays is the period that a form says: a preset, or days of which the
// last is in it.
func chosenDays(q *query, now time.Time) (from, to string) {
	if q.Get("period") == "days" {
		return q.Get("from"), dayAfter(q.Get("to"))
	}
	return presetDays(q.Get("period"), now)
}

// canonicalPeriod turns a form's period into the parameters PREFIXfrom and PREFIXto.
func canonicalPeriod(q *query, prefix string, now time.Time) (values url.Values, changed bool) {
	if !q.Has("period") {
		return nil, false
	}
	values = maps.Clone(q.Values)
	from, to := chosenDays(q, now)
	for _, name := range []string{"period", "from", "to", "cursor"} {
		values.Del(name)
	}
	values.Set(prefix+"from", from)
	values.Set(prefix+"to", to)
	dropEmpty(values)
	return values, true
}

// periodForm is the choice of a period as the address has it: PREFIXfrom and PREFIXto.
func (v *visit) periodForm(q *query, prefix string) userFilter {
	now := v.at.Time().In(v.server.Zone)
	f := userFilter{Period: presetOf(q.Get(prefix+"from"), q.Get(prefix+"to"), now)}
	f.From = dateOf(q.instant(prefix+"from"), v.server.Zone)
	if end := q.instant(prefix + "to"); end != nil {
		last := *end - 1
		f.To = dateOf(&last, v.server.Zone)
	}
	for _, p := range slices.Concat([]string{""}, presets, []string{"days"}) {
		f.Periods = append(f.Periods, option{p, "period." + cmp.Or(p, "any"), p == f.Period})
	}
	return f
}

// dayAfter is the day after a date; what isn't one stays as it is.
func dayAfter(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// dateOf is the local day of an instant that is its first, for a field of a form;
// any other instant is shown by the day it lies in.
func dateOf(i *domain.Instant, zone *time.Location) string {
	if i == nil {
		return ""
	}
	return i.Time().In(zone).Format(time.DateOnly)
}
