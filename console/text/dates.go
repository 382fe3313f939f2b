// This file writes dates and times.

package text

import (
	"html"
	"html/template"
	"strconv"
	"time"
)

// Dates writes instants in a language and a time zone.
type Dates struct {
	*Catalogue
	Zone *time.Location
}

// In returns what writes dates in a zone.
func (c *Catalogue) In(zone *time.Location) Dates { return Dates{Catalogue: c, Zone: zone} }

// Date writes a day: "30 Nov 2026".
func (d Dates) Date(t time.Time) string {
	t = t.In(d.Zone)
	return d.T("date.day", "d", d.dayNumber(t), "m", d.T("month.short."+strconv.Itoa(int(t.Month()))), "y", t.Year())
}

// LongDate writes a day within its year: "30 November".
func (d Dates) LongDate(t time.Time) string {
	t = t.In(d.Zone)
	return d.T("date.long", "d", d.dayNumber(t), "m", d.T("month."+strconv.Itoa(int(t.Month()))))
}

// ShortDate writes a day within its year: "30 Nov".
func (d Dates) ShortDate(t time.Time) string {
	t = t.In(d.Zone)
	return d.T("date.long", "d", d.dayNumber(t), "m", d.T("month.short."+strconv.Itoa(int(t.Month()))))
}

// dayNumber writes the number of a day in its month, as dates have it: in French
// the first is "1er".
func (d Dates) dayNumber(t time.Time) string {
	if t.Day() == 1 {
		return d.T("date.first")
	}
	return strconv.Itoa(t.Day())
}

// Weekday writes a day's short name: "Mon".
func (d Dates) Weekday(t time.Time) string {
	return d.T("weekday." + strconv.Itoa(int(t.In(d.Zone).Weekday())))
}

// Clock writes the time of day to the minute: "17:52".
func (d Dates) Clock(t time.Time) string { return t.In(d.Zone).Format("15:04") }

// ClockSeconds writes the time of day to the second: "17:52:44".
func (d Dates) ClockSeconds(t time.Time) string { return t.In(d.Zone).Format("15:04:05") }

// Month writes a month: "November 2026".
func (d Dates) Month(year, month int) string {
	return d.T("date.month", "m", d.MonthName(month), "y", year)
}

// MonthName writes a month's name: "November".
func (d Dates) MonthName(month int) string { return d.T("month." + strconv.Itoa(month)) }

// MonthShort writes a month's short name: "Nov".
func (d Dates) MonthShort(month int) string { return d.T("month.short." + strconv.Itoa(month)) }

// Time writes an instant as day and minute, for programs to the microsecond.
func (d Dates) Time(t time.Time) template.HTML {
	return timeElement(t, html.EscapeString(d.Date(t))+" <small>"+d.Clock(t)+"</small>")
}

// Second writes an instant as day and second, for programs to the microsecond.
func (d Dates) Second(t time.Time) template.HTML {
	return timeElement(t, html.EscapeString(d.Date(t))+" <small>"+d.ClockSeconds(t)+"</small>")
}

// Day writes the day of an instant, for programs the instant itself.
func (d Dates) Day(t time.Time) template.HTML {
	return timeElement(t, html.EscapeString(d.Date(t)))
}

// Moment writes an instant as the head of a page has it: day, then second.
func (d Dates) Moment(t time.Time) template.HTML {
	return timeElement(t, html.EscapeString(d.LongDate(t))+", "+d.ClockSeconds(t))
}

func timeElement(t time.Time, shown string) template.HTML {
	return template.HTML(`<time datetime="` + Instant(t) + `">` + shown + `</time>`) //nolint:gosec // what is shown is escaped
}

// Instant writes an instant for programs: RFC 3339 in UTC, to the microsecond.
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }
