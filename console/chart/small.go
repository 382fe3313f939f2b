// This file draws what stands inside a line of text or a cell of a table.

package chart

import "html/template"

// Seen draws which parts of a content were watched: ranges of seconds of a
// whole length. What lies outside the length isn't drawn.
func Seen(ranges [][2]float64, length float64, label string) template.HTML {
	d := &drawing{}
	d.open("svg", "class", "seenbar", "role", "img", "aria-label", label)
	d.text("title", label)
	d.element("rect", "class", "all", "x", "0", "y", "1.5", "width", "100%", "height", "9", "rx", "1")
	if length = sound(length); length > 0 {
		for _, r := range ranges {
			from, to := 100*min(sound(r[0])/length, 1), 100*min(sound(r[1])/length, 1)
			if to > from {
				d.element("rect", "class", "part", "x", percent(from), "width", percent(to-from), "y", "2", "height", "8")
			}
		}
	}
	d.end("svg")
	return d.markup()
}

// Swatch draws a sample of a column's part for a legend.
func Swatch(class, part string) template.HTML {
	d := &drawing{}
	d.open("svg", "class", "sw chart "+class, "aria-hidden", "true")
	d.element("rect", "class", part, "x", ".5", "y", ".5", "width", "11", "height", "11")
	d.end("svg")
	return d.markup()
}
