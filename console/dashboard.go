// This file is the dashboard: the four figures of a month, with the months
// before and the days of the month as charts.

package console

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"time"

	"boxoffice/console/chart"
	"boxoffice/domain"
	"boxoffice/projections"
)

// A dashboard is what the page shows.
type dashboard struct {
	Month domain.Month
	// Earlier and Later are the months beside it; Later is nil where that isn't here yet.
	Earlier domain.Month
	Later   *domain.Month
	Months  []domain.Month // to choose from, the latest first
	AsOf    asOf
	// Begun is false for a month that is still to come.
	Begun   bool
	Starts  domain.Instant
	Figures []figure
	Days    daysChart
	Spans   []spanLink
	Charts  []monthsChart
}

// asOf says of which moment a page is.
type asOf struct {
	At       domain.Instant
	Position int64
	// Live is the address of the stream that keeps the page up to date; empty
	// where the page shows another moment than now.
	Live string
}

// asOfLog is the present, with where the log stands.
func (v *visit) asOfLog() (asOf, error) {
	head, err := v.Log.Head(v.r.Context())
	return asOf{At: v.at, Position: int64(head.Position)}, err
}

// A figure is one of the four.
type figure struct {
	ID, Label string
	Count     int64
	Known     bool // false in a month that hasn't begun
	Href      string
	// ToDate, Change and Cut compare it with the same moment of the month before;
	// nil where there is nothing to compare.
	ToDate *int64
	Change *float64
	Cut    domain.Instant
	// Before is the whole month before.
	Before  int64
	Month   domain.Month // the month before
	Reasons []reasonCount
}

type reasonCount struct {
	Reason string
	Count  int64
	Href   string
	Swatch template.HTML
}

// A spanLink chooses how many months the charts have.
type spanLink struct {
	Months  int
	Href    string
	Current bool
}

// A daysChart is the registrations by day over those of the month before.
type daysChart struct {
	Drawing template.HTML
	Rows    []dayRow
}

type dayRow struct {
	Day          time.Time
	Now, Before  *int64
	SumNow, SumB int64
}

// A monthsChart is one figure by month.
type monthsChart struct {
	ID, Label string
	Drawing   template.HTML
	Rows      []monthRow
	// Reasons are the columns of a figure that has them.
	Reasons []string
}

type monthRow struct {
	Month domain.Month
	Href  string
	// Count and Parts are nil in a month that is still to come.
	Count *int64
	Parts []*int64
}

// spans are how many months the charts may have.
var spans = []int{12, 24, 36}

func (v *visit) dashboard() (*answer, error) {
	d, err := v.readDashboard()
	if err != nil {
		return nil, err
	}
	return &answer{template: "dashboard", title: v.Month(d.Month.Year, d.Month.Month), data: d}, nil
}

// dashboardStream keeps the page up to date.
func (v *visit) dashboardStream() (*answer, error) {
	if _, _, err := v.dashboardOf(domain.Calendar{Zone: v.server.Zone}.MonthOf(v.at)); err != nil {
		return nil, err
	}
	return v.stream(func(v *visit) (*liveView, error) {
		d, err := v.readDashboard()
		if err != nil {
			return nil, err
		}
		return v.liveBlocks("dashboard", d, map[string]string{
			"as-of": "as-of-dashboard", "figures": "figures", "by-day": "days", "by-month": "months",
		}, d.AsOf.Position)
	}, "month", "months")
}

// readDashboard reads what the page shows: figures of one moment, and days of
// another, at most a heartbeat later.
func (v *visit) readDashboard() (*dashboard, error) {
	calendar := domain.Calendar{Zone: v.server.Zone}
	current := calendar.MonthOf(v.at)
	month, count, err := v.dashboardOf(current)
	if err != nil {
		return nil, err
	}
	first := month
	for range count - 1 {
		first = first.Prev()
	}
	months, err := v.Reader.KPIs(v.r.Context(), first.Prev(), month, v.at)
	if err != nil {
		return nil, err
	}
	d := &dashboard{
		Month: month, Earlier: month.Prev(), Begun: months[len(months)-1].Begun, Starts: calendar.Start(month),
		AsOf: asOf{At: v.at, Position: int64(months[len(months)-1].Position)},
	}
	if d.Begun {
		d.AsOf.Live = v.live(d.AsOf.Position)
	}
	if next := month.Next(); next.Compare(current) <= 0 {
		d.Later = &next
	}
	for m := current; len(d.Months) < slices.Max(spans); m = m.Prev() {
		d.Months = append(d.Months, m)
	}
	if !slices.Contains(d.Months, month) {
		d.Months = append(d.Months, month)
	}
	for _, n := range spans {
		d.Spans = append(d.Spans, spanLink{n, v.address("months", strconv.Itoa(n)), n == count})
	}
	d.Figures = v.figures(calendar, months)
	if d.Days, err = v.days(calendar, month); err != nil {
		return nil, err
	}
	d.Charts = v.monthCharts(months[1:], current)
	return d, nil
}

// dashboardOf reads which month the page is of, and how many the charts have.
func (v *visit) dashboardOf(current domain.Month) (month domain.Month, months int, err error) {
	q := v.r.URL.Query()
	month, months = current, spans[0]
	if s := q.Get("month"); s != "" {
		if month, err = domain.ParseMonth(s); err != nil {
			return month, 0, errInput
		}
	}
	if s := q.Get("months"); s != "" {
		if months, err = strconv.Atoi(s); err != nil || !slices.Contains(spans, months) {
			return month, 0, errInput
		}
	}
	return month, months, nil
}

// figures makes the four figures of the last of the months.
func (v *visit) figures(calendar domain.Calendar, months []projections.MonthKPI) []figure {
	k, before := &months[len(months)-1], &months[len(months)-2]
	base := func(kpi projections.KPI, count, previous int64) figure {
		return figure{
			ID: string(kpi), Label: "kpi." + string(kpi), Count: count, Known: k.Begun,
			Href: v.members(k.Month, kpi, ""), Before: previous, Month: before.Month,
		}
	}
	registered := base(projections.KPIRegistered, k.Registered, k.PreviousMonth)
	if cut, whole := calendar.SameTimeInPreviousMonth(k.Month, k.At); !whole && k.Begun {
		registered.ToDate, registered.Cut = &k.PreviousToDate, cut
	}
	if k.PreviousToDate > 0 && k.Begun {
		change := float64(k.Registered)/float64(k.PreviousToDate) - 1
		registered.Change = &change
	}
	figures := []figure{registered, base(projections.KPIActive, k.Active, before.Active)}
	if v.Trials {
		figures = append(figures, base(projections.KPITrial, k.Trial, before.Trial))
	}
	unsubscribed := base(projections.KPIUnsubscribed, sum(k.Unsubscribed), sum(before.Unsubscribed))
	for i, reason := range domain.ChurnReasons {
		unsubscribed.Reasons = append(unsubscribed.Reasons, reasonCount{
			Reason: string(reason), Count: k.Unsubscribed[reason],
			Href: v.members(k.Month, projections.KPIUnsubscribed, reason), Swatch: chart.Swatch("c-off", "s"+strconv.Itoa(i%6+1)),
		})
	}
	return append(figures, unsubscribed)
}

func sum(counts map[domain.ChurnReason]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// members is the address of the users whom a figure counts; empty where the
// role may not see users.
func (v *visit) members(m domain.Month, kpi projections.KPI, reason domain.ChurnReason) string {
	if !v.who.May("list-month-users") {
		return ""
	}
	q := url.Values{"kpi": {string(kpi)}, "month": {m.String()}}
	if reason != "" {
		q.Set("reason", string(reason))
	}
	return "/users?" + q.Encode()
}

// days makes the chart of registrations by day.
func (v *visit) days(calendar domain.Calendar, month domain.Month) (daysChart, error) {
	now, err := v.Reader.Days(v.r.Context(), month, v.at)
	if err != nil {
		return daysChart{}, err
	}
	before, err := v.Reader.Days(v.r.Context(), month.Prev(), v.at)
	if err != nil {
		return daysChart{}, err
	}
	var c daysChart
	bars := chart.Bars{
		ID: "days", Class: "c-reg", Hatch: "ha-reg", Height: 120, Label: v.label,
		Title: v.T("days.title", "month", v.Month(month.Year, month.Month), "before", v.Month(month.Prev().Year, month.Prev().Month)),
	}
	counts, was := byNumber(now), byNumber(before)
	current := calendar.MonthOf(v.at) == month
	for _, d := range calendar.Days(month) {
		row := dayRow{Day: d.Start.Time().In(v.server.Zone), Now: counts[d.Number], Before: was[d.Number]}
		if last := len(c.Rows) - 1; last >= 0 {
			row.SumNow, row.SumB = c.Rows[last].SumNow, c.Rows[last].SumB
		}
		row.SumNow += value(row.Now)
		row.SumB += value(row.Before)
		c.Rows = append(c.Rows, row)
		bars.Columns = append(bars.Columns, v.dayColumn(&row, month, current && row.Now != nil && counts[d.Number+1] == nil))
	}
	last := c.Rows[len(c.Rows)-1]
	bars.Description = v.T("days.description", "n", v.Int(last.SumNow), "month", v.MonthName(month.Month),
		"before", v.Int(last.SumB), "previous", v.MonthName(month.Prev().Month))
	c.Drawing = bars.Draw()
	return c, nil
}

// byNumber has the registrations of days by their numbers.
func byNumber(days projections.MonthDays) map[int]*int64 {
	counts := make(map[int]*int64, len(days.Days))
	for i := range days.Days {
		counts[days.Days[i].Day] = &days.Days[i].Registered
	}
	return counts
}

// dayColumn draws a day; today is the one that isn't over.
func (v *visit) dayColumn(row *dayRow, month domain.Month, today bool) chart.Column {
	weekday := row.Day.Weekday()
	c := chart.Column{Title: v.dayTitle(row, today, month), Open: today, Now: today, Shaded: weekday == time.Saturday || weekday == time.Sunday}
	if row.Now != nil {
		c.Value, c.Text = float64(*row.Now), v.Int(*row.Now)
	}
	if row.Before != nil {
		was := float64(*row.Before)
		c.Was = &was
	}
	if n := row.Day.Day(); n%7 == 1 {
		c.Label = strconv.Itoa(n)
	}
	return c
}

func (v *visit) dayTitle(row *dayRow, open bool, month domain.Month) string {
	key := "days.day"
	if open {
		key = "days.today"
	}
	shown := func(n *int64) string {
		if n == nil {
			return "–"
		}
		return v.Int(*n)
	}
	return v.T(key, "weekday", v.Weekday(row.Day), "day", v.LongDate(row.Day), "n", shown(row.Now),
		"before", shown(row.Before), "previous", v.MonthName(month.Prev().Month))
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// label writes a value of a chart's scale.
func (v *visit) label(f float64) string { return v.Int(int64(f)) }

// monthCharts makes the charts of figures by month.
func (v *visit) monthCharts(months []projections.MonthKPI, current domain.Month) []monthsChart {
	type series struct {
		id, class, hatch string
		count            func(*projections.MonthKPI) int64
	}
	all := []series{
		{"registered", "c-reg", "ha-reg", func(k *projections.MonthKPI) int64 { return k.Registered }},
		{"active", "c-on", "ha-on", func(k *projections.MonthKPI) int64 { return k.Active }},
		{"trial", "c-trial", "ha-trial", func(k *projections.MonthKPI) int64 { return k.Trial }},
		{"unsubscribed", "c-off", "ha-off", func(k *projections.MonthKPI) int64 { return sum(k.Unsubscribed) }},
	}
	var charts []monthsChart
	for _, s := range all {
		if s.id == "trial" && !v.Trials {
			continue
		}
		c := monthsChart{ID: s.id, Label: "kpi." + s.id}
		bars := chart.Bars{ID: s.id, Class: s.class, Hatch: s.hatch, Height: 96, Label: v.label, Sparse: len(months) > 12, Title: v.T("months.title", "figure", v.T("kpi."+s.id))}
		for i := range months {
			k := &months[i]
			row := monthRow{Month: k.Month, Href: v.address("month", k.Month.String())}
			column := chart.Column{Text: "–", Open: k.Month == current, Now: i == len(months)-1}
			if k.Begun {
				count := s.count(k)
				row.Count, column.Value, column.Text = &count, float64(count), v.Int(count)
			}
			if s.id == "unsubscribed" {
				c.Reasons = c.Reasons[:0]
				for _, reason := range domain.ChurnReasons {
					c.Reasons = append(c.Reasons, string(reason))
					n := k.Unsubscribed[reason]
					if row.Parts = append(row.Parts, nil); k.Begun {
						row.Parts[len(row.Parts)-1] = &n
					}
					column.Parts = append(column.Parts, float64(n))
				}
			}
			if i%3 == 0 && len(months) == 12 || i%6 == 0 && len(months) > 12 || i == len(months)-1 {
				column.Label = v.MonthShort(k.Month.Month)
			}
			if s.id == "registered" && i == len(months)-2 && months[i+1].Month == current {
				was := float64(months[i+1].PreviousToDate)
				column.Was = &was
			}
			column.Title = v.T(soFar("months.month", column.Open), "month", v.Month(k.Month.Year, k.Month.Month), "n", column.Text)
			c.Rows = append(c.Rows, row)
			bars.Columns = append(bars.Columns, column)
		}
		bars.Description = v.describe(c.Rows, current)
		c.Drawing = bars.Draw()
		charts = append(charts, c)
	}
	return charts
}

// soFar is the key of a sentence about a month that isn't over.
func soFar(key string, open bool) string {
	if open {
		return key + ".open"
	}
	return key
}

// describe says in a sentence what a chart of months shows, those left out that are
// still to come.
func (v *visit) describe(rows []monthRow, current domain.Month) string {
	for len(rows) > 0 && rows[len(rows)-1].Count == nil {
		rows = rows[:len(rows)-1]
	}
	if len(rows) == 0 {
		return v.T("months.to-come")
	}
	low, high := rows[0], rows[0]
	for _, r := range rows {
		if *r.Count < *low.Count {
			low = r
		}
		if *r.Count > *high.Count {
			high = r
		}
	}
	name := func(m domain.Month) string { return v.Month(m.Year, m.Month) }
	last := rows[len(rows)-1]
	return v.T(soFar("months.description", last.Month == current),
		"first", v.Int(*rows[0].Count), "from", name(rows[0].Month), "last", v.Int(*last.Count), "to", name(last.Month),
		"low", v.Int(*low.Count), "lowMonth", name(low.Month), "high", v.Int(*high.Count), "highMonth", name(high.Month))
}

// live is the address of the stream that keeps a page of a position up to date.
func (v *visit) live(position int64) string {
	q := v.r.URL.Query()
	q.Set("after", strconv.FormatInt(position, 10))
	return "/live?" + q.Encode()
}
