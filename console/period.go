// This file is the choice of a period: presets, and from–to as days, both
// inclusive as people read them. In addresses the end is exclusive, as in the API.

package console

import (
	"time"

	"boxoffice/domain"
)

// presets are the periods to choose from, besides days.
var presets = []string{"this-month", "last-month", "7", "30", "90", "this-year"}

// days gives the first day of a preset and the first day after it, as dates;
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

// dayBefore and dayAfter move between the end that people read and that of addresses.
func dayBefore(date string) string { return moved(date, -1) }

func dayAfter(date string) string { return moved(date, 1) }

// moved moves a date; what isn't one stays as it is.
func moved(date string, days int) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// dateOf is the local day of an instant that is its first, for a field of a form;
// any other instant is shown by the day it lies in.
func dateOf(i *domain.Instant, zone *time.Location) string {
	if i == nil {
		return ""
	}
	return i.Time().In(zone).Format(time.DateOnly)
}
