// This file draws columns: flows by day or by month.

package chart

import "html/template"

// A Column is one bar.
type Column struct {
	// Title says what it is, for whoever points at it: "November 2026: 646 so far".
	Title string
	// Label stands under it; empty for none.
	Label string
	// Value is its height, and Text the value as it is written over it.
	Value float64
	Text  string
	// Parts divide the value, from the bottom up: a stack.
	Parts []float64
	// Was draws a line across at an earlier value; nil for none.
	Was *float64
	// Open hatches it, for what isn't over yet.
	Open bool
	// Now marks it as the one that is looked at: its value always shows.
	Now bool
	// Shaded has a shade behind it: a weekend.
	Shaded bool
	// Marked has a sign under it: a figure that was corrected later.
	Marked bool
}

// Bars is a chart of columns.
type Bars struct {
	// ID is the element's; the table that follows has it with -table.
	ID string
	// Title and Description are read out in place of the drawing.
	Title, Description string
	// Class names its colour: c-reg, c-on, c-trial, c-off; Hatch the pattern that
	// goes with it: ha-reg …
	Class, Hatch string
	// Height is that of the plot in pixels, its labels left out.
	Height  float64
	Columns []Column
	// Label writes a value of the scale.
	Label func(float64) string
	// Sparse leaves out the values of all columns but the marked one, which
	// keeps a page with many of them small.
	Sparse bool
}

const (
	headroom = 16 // over the highest column, for its value
	footroom = 20 // under the base line, for the labels
)

// Draw draws it.
func (b Bars) Draw() template.HTML {
	s := scale{top: headroom, base: b.Height, largest: b.largest()}
	d := &drawing{}
	d.head(b.ID, b.Class, b.Height+footroom, b.Title, b.Description)
	width := 100 / float64(max(len(b.Columns), 1))
	for i, c := range b.Columns {
		if c.Shaded {
			d.element("rect", "class", "rest", "x", percent(float64(i)*width), "y", "0", "width", percent(width), "height", pixels(b.Height))
		}
	}
	d.grid(s, steps(s.largest, true), b.Label)
	for i := range b.Columns {
		b.column(d, s, &b.Columns[i], float64(i)*width, width)
	}
	d.element("line", "class", "base", "x1", "0", "x2", "100%", "y1", pixels(b.Height), "y2", pixels(b.Height))
	for i, c := range b.Columns {
		middle := percent((float64(i) + 0.5) * width)
		if c.Label != "" {
			d.text("text", c.Label, "x", middle, "y", pixels(b.Height+15), "text-anchor", "middle")
		}
		if c.Marked {
			d.open("svg", "x", middle, "y", pixels(b.Height+3))
			d.element("path", "class", "mark", "d", "M-4 7h8L0 0z")
			d.end("svg")
		}
	}
	d.end("svg")
	return d.markup()
}

func (b Bars) largest() float64 {
	largest := 0.0
	for _, c := range b.Columns {
		largest = max(largest, sound(c.Value))
		if c.Was != nil {
			largest = max(largest, sound(*c.Was))
		}
	}
	return largest
}

func (b Bars) column(d *drawing, s scale, c *Column, x, width float64) {
	class := "col"
	if c.Now {
		class = "col now"
	}
	d.open("g", "class", class)
	d.text("title", c.Title)
	d.element("rect", "class", "hit", "x", percent(x), "y", "0", "width", percent(width), "height", pixels(b.Height))
	left, breadth := x+width*0.17, width*0.66
	top := s.y(c.Value)
	b.body(d, s, c, left, breadth)
	if c.Was != nil {
		y := s.y(*c.Was)
		d.element("line", "class", "was", "x1", percent(x+width*0.06), "x2", percent(x+width*0.94), "y1", pixels(y), "y2", pixels(y))
		top = min(top, y)
	}
	if c.Now || !b.Sparse {
		d.text("text", c.Text, "class", "val", "x", percent(x+width/2), "y", pixels(top-4), "text-anchor", "middle")
	}
	d.end("g")
}

// body draws the column itself: hatched, in parts, or plain; a cap carries the value.
func (b Bars) body(d *drawing, s scale, c *Column, x, width float64) {
	top := s.y(c.Value)
	if b.Height-top < 0.05 {
		return
	}
	across := []string{"x", percent(x), "width", percent(width)}
	rect := func(class, fill string, y, height float64) {
		d.element("rect", append([]string{"class", class, "fill", fill, "y", pixels(y), "height", pixels(height)}, across...)...)
	}
	switch {
	case len(c.Parts) > 0:
		below := 0.0
		for i, part := range c.Parts {
			if part = sound(part); part > 0 {
				low, high := s.y(below), s.y(below+part)
				rect("s"+number(float64(i%6+1), 0), "", high, low-high)
				below += part
			}
		}
		rect("cap", "", top, 2)
	case c.Open:
		rect("open", "url(#"+b.Hatch+")", top, b.Height-top)
	default:
		rect("body", "", top, b.Height-top)
		rect("cap", "", top, 2)
	}
}
