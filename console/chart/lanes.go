// This file draws spans of time to scale: a lane for each thing that somebody had.

package chart

import (
	"html/template"
	"time"
)

// A Range of time that lanes are drawn over.
type Range struct{ From, To time.Time }

// across returns where an instant stands, in percent; what lies outside stands at
// the edge.
func (r Range) across(t time.Time) float64 {
	whole := r.To.Sub(r.From)
	if whole <= 0 {
		return 0
	}
	return min(max(100*float64(t.Sub(r.From))/float64(whole), 0), 100)
}

// A Span is a range of a lane.
type Span struct {
	From time.Time
	// To is its end; the zero time never comes.
	To time.Time
	// Class says how it looks: "" (a bar), "try" (a trial), "gift" (hollow), "due"
	// (not paid).
	Class string
}

// A Lane is a row: spans, marks at instants, and ticks.
type Lane struct {
	// Label is read out in place of the drawing.
	Label string
	// Class names its colour: c-on, c-trial, c-paid.
	Class string
	Spans []Span
	// Paused are the dotted ranges between spans.
	Paused []Span
	// Canceled are the instants at which a cancellation was asked for.
	Canceled []time.Time
	// Seen are ticks: viewing sessions.
	Seen []time.Time
}

// laneHeight is that of a lane in pixels.
const laneHeight = 28

// Draw draws the lane over a range, with a tick at each mark and a line at now.
// What is later than now is dashed and hollow.
func (l Lane) Draw(r Range, marks []time.Time, now time.Time) template.HTML {
	d := &drawing{}
	d.open("svg", "class", "chart "+l.Class, "height", pixels(laneHeight), "role", "img", "aria-label", l.Label)
	for _, m := range marks {
		d.upright("tick", r.across(m), 0, laneHeight)
	}
	for _, s := range l.Paused {
		d.element("line", "class", "gap", "x1", percent(r.across(s.From)), "x2", percent(r.across(s.end(r))), "y1", "14", "y2", "14")
	}
	for _, s := range l.Spans {
		l.span(d, r, s, now)
	}
	for _, t := range l.Canceled {
		d.open("svg", "x", percent(r.across(t)), "y", "3")
		d.element("path", "class", "cut", "d", "M-5 0h10L0 8z")
		d.end("svg")
	}
	for _, t := range l.Seen {
		d.upright("seen", r.across(t), 7, 21)
	}
	d.upright("today", r.across(now), 0, laneHeight)
	d.end("svg")
	return d.markup()
}

func (d *drawing) upright(class string, x, from, to float64) {
	d.element("line", "class", class, "x1", percent(x), "x2", percent(x), "y1", pixels(from), "y2", pixels(to))
}

// end returns the span's end, that of the range where it has none.
func (s Span) end(r Range) time.Time {
	if s.To.IsZero() {
		return r.To
	}
	return s.To
}

// span draws a span, its part after now apart.
func (l Lane) span(d *drawing, r Range, s Span, now time.Time) {
	end := s.end(r)
	if !end.After(s.From) || end.Before(r.From) || s.From.After(r.To) {
		return
	}
	fill := ""
	switch s.Class {
	case "try":
		fill = "url(#ha-trial)"
	case "due":
		fill = "url(#ha-due)"
	}
	until := end
	if until.After(now) {
		until = now
	}
	draw := func(class, fill string, from, to time.Time) {
		x := r.across(from)
		d.element("rect", "class", class, "fill", fill, "x", percent(x), "width", percent(max(r.across(to)-x, 0.3)), "y", "8", "height", "12", "rx", "1.5")
	}
	class := "span"
	if s.Class != "" {
		class += " " + s.Class
	}
	if until.After(s.From) {
		draw(class, fill, s.From, until)
	}
	if end.After(now) {
		from := s.From
		if from.Before(now) {
			from = now
		}
		draw("span later", "", from, end)
	}
}

// A Tick is a mark on the axis of lanes.
type Tick struct {
	At    time.Time
	Label string
	// Minor ones are left out where there is little room.
	Minor bool
}

// Axis draws the axis over a range.
func Axis(r Range, ticks []Tick) template.HTML {
	d := &drawing{}
	d.open("svg", "class", "chart", "height", "20")
	for _, t := range ticks {
		class := ""
		if t.Minor {
			class = "roomy"
		}
		d.text("text", t.Label, "class", class, "x", percent(r.across(t.At)+0.4), "y", "14")
	}
	d.end("svg")
	return d.markup()
}
