// This file is what a run of the bench reports: for programs as JSON, for
// people as a table.

package bench

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"boxoffice/internal/sqldb"
)

// A Measure is what was measured of one thing on one engine.
type Measure struct {
	Name   string       `json:"measure"`
	Engine sqldb.Engine `json:"engine"`
	// Sides are what was measured side by side, the raw limit first.
	Sides []SideFigure `json:"sides,omitempty"`
	// Latencies are how long answers take.
	Latencies []Latency `json:"latencies,omitempty"`
	// Memory is what the service had in use.
	Memory *Memory `json:"memory,omitempty"`
	// Imports are the files that were imported.
	Imports []Import `json:"imports,omitempty"`
	// Notes say what else is to be known.
	Notes []string `json:"notes,omitempty"`
	// Target is what has to be reached; nil where there is no such thing.
	Target *Target `json:"target,omitempty"`
}

// A Target is the ratio that a side has to reach.
type Target struct {
	Side  string  `json:"side"`
	Ratio float64 `json:"ratio_at_least"`
}

func atLeast(side string, ratio float64) *Target { return &Target{side, ratio} }

// Print writes a measure as tables.
func (m Measure) Print(w io.Writer) error {
	title := m.Name
	if m.Engine != "" {
		title += ", " + string(m.Engine)
	}
	fmt.Fprintln(w, title)
	err := errors.Join(m.printSides(w), m.printLatencies(w))
	if m.Memory != nil {
		fmt.Fprintf(w, "%.0f MB at most (%s MB), over a backlog of %d events, which took %.0f s (%.0f events/s)\n", float64(m.Memory.PeakBytes)/1e6,
			limitText(float64(m.Memory.PeakBytes)/1e6, m.Memory.LimitBytes/1e6), m.Memory.Events, m.Memory.Seconds, float64(m.Memory.Events)/m.Memory.Seconds)
	}
	err = errors.Join(err, m.printImports(w))
	for _, note := range m.Notes {
		fmt.Fprintln(w, note)
	}
	fmt.Fprint(w, m.Target.text(m.Sides))
	_, ended := fmt.Fprintln(w)
	return errors.Join(err, ended)
}

func (m Measure) printSides(w io.Writer) error {
	if len(m.Sides) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "events/s\t(spread)\tCPU µs/event\tserver's\tpeak MB\tCPU of first\tspeed of first\t(spread)\t\t")
	for _, s := range m.Sides {
		fmt.Fprintf(table, "%.0f\t(%.0f–%.0f)\t%.1f\t%s\t%s\t%s\t%s\t %s\n", s.EventsPerSecond.Median, s.EventsPerSecond.Min, s.EventsPerSecond.Max,
			s.CPUMicros.Median, serverText(s.ServerCPUMicros), peakText(s.PeakBytes), cpuRatioText(s.CPURatio), ratioText(s.Ratio), s.What)
	}
	return table.Flush()
}

func (m Measure) printLatencies(w io.Writer) error {
	if len(m.Latencies) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "median ms\tlimit\tp99 ms\tlimit\tsamples\tusers\t\t")
	for _, l := range m.Latencies {
		what := l.What
		if l.Slowest != "" && !strings.HasPrefix(l.What, l.Slowest) {
			what += " (slowest:" + l.Slowest + ")"
		}
		fmt.Fprintf(table, "%.2f\t%s\t%.2f\t%s\t%d\t%s\t %s\n", l.MedianMS, limitText(l.MedianMS, l.MedianLimitMS),
			l.P99MS, limitText(l.P99MS, l.P99LimitMS), l.Samples, usersText(l.Users), what)
	}
	return table.Flush()
}

func (m Measure) printImports(w io.Writer) error {
	if len(m.Imports) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "rows/s\trows\tseconds\tpeak MB\t\t")
	for _, i := range m.Imports {
		what := i.File + ", of new users"
		if i.Again {
			what = i.File + ", once more"
		}
		fmt.Fprintf(table, "%.0f\t%d\t%.1f\t%s\t %s\n", float64(i.Rows)/i.Seconds, i.Rows, i.Seconds, peakText(i.PeakBytes), what)
	}
	return table.Flush()
}

func limitText(value, limit float64) string {
	switch {
	case limit == 0:
		return ""
	case value > limit:
		return fmt.Sprintf("over %g", limit)
	}
	return fmt.Sprintf("≤ %g", limit)
}

func usersText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// text says whether the target is reached.
func (t *Target) text(sides []SideFigure) string {
	if t == nil {
		return ""
	}
	for _, s := range sides {
		if s.Side == t.Side && s.Ratio != nil {
			verdict := "reached"
			if s.Ratio.Median < t.Ratio {
				verdict = "missed"
			}
			return fmt.Sprintf("target: %s at least %.2f of the first's speed: %s with %.2f\n", t.Side, t.Ratio, verdict, s.Ratio.Median)
		}
	}
	return ""
}

func serverText(s *Stat) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", s.Median)
}

func peakText(bytes int64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(bytes)/1e6)
}

func cpuRatioText(s *Stat) string {
	if s == nil {
		return "1"
	}
	return fmt.Sprintf("%.2f", s.Median)
}

func ratioText(s *Stat) string {
	if s == nil {
		return "1\t"
	}
	return fmt.Sprintf("%.2f\t(%.2f–%.2f)", s.Median, s.Min, s.Max)
}
