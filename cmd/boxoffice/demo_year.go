// This file shows the year of the demo at a glance: a line of bars for each of
// the monthly figures.

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"boxoffice/domain"
	"boxoffice/projections"
)

// A yearLine is one figure over the months.
type yearLine struct {
	name  string
	value func(*projections.MonthKPI) int64
}

var yearLines = []yearLine{
	{"registered", func(m *projections.MonthKPI) int64 { return m.Registered }},
	{"active", func(m *projections.MonthKPI) int64 { return m.Active }},
	{"in trial", func(m *projections.MonthKPI) int64 { return m.Trial }},
	{"unsubscribed", func(m *projections.MonthKPI) int64 {
		var n int64
		for _, v := range m.Unsubscribed {
			n += v
		}
		return n
	}},
	{"cancellations", func(m *projections.MonthKPI) int64 { return m.Cancellations }},
}

// showYear prints the figures of the last twelve months up to this one.
func (d *demo) showYear(ctx context.Context, w io.Writer) error {
	now := domain.InstantOf(time.Now())
	this := domain.Calendar{Zone: d.service.zone}.MonthOf(now)
	first := this.Next()
	for range 12 {
		first = first.Prev()
	}
	months, err := d.service.reader.KPIs(ctx, first, this, now)
	if err != nil {
		return fmt.Errorf("reading the figures: %w", err)
	}
	fmt.Fprintf(w, "\nMonth by month, %s to %s:\n\n", months[0].Month, this)
	for _, line := range yearLines {
		values := make([]int64, len(months))
		for i := range months {
			values[i] = line.value(&months[i])
		}
		fmt.Fprintf(w, "  %-14s %s  %d so far this month\n", line.name, bars(values), values[len(values)-1])
	}
	fmt.Fprintln(w)
	return nil
}

// bars draws values as columns of eight heights, the greatest in full.
func bars(values []int64) string {
	heights := []rune(" ▁▂▃▄▅▆▇█")
	most := max(slices.Max(values), 1)
	drawn := make([]rune, len(values))
	for i, v := range values {
		// Rounded up: what isn't nothing is seen.
		drawn[i] = heights[(v*8+most-1)/most]
	}
	return string(drawn)
}
