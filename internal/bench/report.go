// This file is what a run of the bench reports: for programs as JSON, for
// people as a table.

package bench

import (
	"fmt"
	"io"
	"text/tabwriter"

	"boxoffice/internal/sqldb"
)

// A Measure is what was measured of one thing on one engine.
type Measure struct {
	Name   string       `json:"measure"`
	Engine sqldb.Engine `json:"engine"`
	// Sides are what was measured side by side, the raw limit first.
	Sides []SideFigure `json:"sides,omitempty"`
	// Target is what has to be reached; nil where there is no such thing.
	Target *Target `json:"target,omitempty"`
}

// A Target is the ratio that a side has to reach.
type Target struct {
	Side  string  `json:"side"`
	Ratio float64 `json:"ratio_at_least"`
}

func atLeast(side string, ratio float64) *Target { return &Target{side, ratio} }

// Print writes a measure as a table.
func (m Measure) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s\n", m.Name, m.Engine)
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "events/s\t(spread)\tCPU µs/event\tserver's\tpeak MB\tof first\t(spread)\t\t")
	for _, s := range m.Sides {
		fmt.Fprintf(table, "%.0f\t(%.0f–%.0f)\t%.1f\t%s\t%s\t%s\t %s\n", s.EventsPerSecond.Median, s.EventsPerSecond.Min, s.EventsPerSecond.Max,
			s.CPUMicros.Median, serverText(s.ServerCPUMicros), peakText(s.PeakBytes), ratioText(s.Ratio), s.What)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, m.Target.text(m.Sides))
	return err
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
			return fmt.Sprintf("target: %s at least %.2f of the first: %s with %.2f\n", t.Side, t.Ratio, verdict, s.Ratio.Median)
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

func ratioText(s *Stat) string {
	if s == nil {
		return "1\t"
	}
	return fmt.Sprintf("%.2f\t(%.2f–%.2f)", s.Median, s.Min, s.Max)
}
