// Package chart draws the console's charts as SVG: numbers in, markup out. A
// chart is as wide as its place, since everything across is in percent and
// everything down in pixels; so text, strokes and hatching keep their size.
// Every number is an attribute, so no style is needed, and nothing in a chart
// takes focus: links are in the table that follows it. Values that aren't
// finite, or below zero, are drawn as zero; nothing is drawn outside.
package chart

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// A drawing is markup under construction.
type drawing struct{ strings.Builder }

// element writes an element without content. Attributes are name, value, name,
// value …; one whose value is empty is left out.
func (d *drawing) element(name string, attributes ...string) {
	d.start(name, attributes)
	d.WriteString("/>")
}

// open begins an element, for end to end.
func (d *drawing) open(name string, attributes ...string) {
	d.start(name, attributes)
	d.WriteByte('>')
}

func (d *drawing) end(name string) { d.WriteString("</" + name + ">") }

// text writes an element with text in it.
func (d *drawing) text(name, content string, attributes ...string) {
	d.open(name, attributes...)
	d.WriteString(html.EscapeString(content))
	d.end(name)
}

func (d *drawing) start(name string, attributes []string) {
	d.WriteByte('<')
	d.WriteString(name)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			d.WriteString(" " + attributes[i] + `="` + html.EscapeString(attributes[i+1]) + `"`)
		}
	}
}

func (d *drawing) markup() template.HTML {
	return template.HTML(d.String()) //nolint:gosec // built by element, open and text, which escape
}

// percent writes a place across, from 0 to 100.
func percent(f float64) string { return number(min(max(f, 0), 100), 2) + "%" }

// pixels writes a place down.
func pixels(f float64) string { return number(f, 1) }

// number writes f with no more decimals than it needs; what isn't finite is 0.
func number(f float64, decimals int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	text := strconv.FormatFloat(f, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// sound returns a value that can be drawn: finite and not below zero.
func sound(v float64) float64 {
	if math.IsNaN(v) || v < 0 {
		return 0
	}
	return min(v, math.MaxFloat64/4)
}

// steps returns two or three round values between zero and the largest, for grid
// lines, in whole steps of 1, 2, 2.5 or 5 times a power of ten.
func steps(largest float64, whole bool) []float64 {
	if largest <= 0 {
		return nil
	}
	step := math.Pow10(int(math.Floor(math.Log10(largest))))
	for _, factor := range []float64{0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5} {
		s := step * factor
		if whole && (s < 1 || s != math.Trunc(s)) {
			continue
		}
		if n := int(largest / s); n <= 3 {
			values := make([]float64, 0, n)
			for i := 1; i <= n; i++ {
				values = append(values, float64(i)*s)
			}
			return values
		}
	}
	return []float64{largest}
}

// A scale says where values stand down a chart.
type scale struct{ top, base, largest float64 }

func (s scale) y(v float64) float64 {
	if s.largest <= 0 {
		return s.base
	}
	return s.base - (s.base-s.top)*min(sound(v)/s.largest, 1)
}

// grid draws the grid lines with their values, which stand right of the plot.
func (d *drawing) grid(s scale, values []float64, label func(float64) string) {
	for _, v := range values {
		y := s.y(v)
		d.element("line", "class", "grid", "x1", "0", "x2", "100%", "y1", pixels(y), "y2", pixels(y))
		d.text("text", label(v), "class", "y", "x", "100%", "dx", "6", "y", pixels(y+4))
	}
}

// head begins the chart: its title and description are what is read out in its place.
func (d *drawing) head(id, class string, height float64, title, description string) {
	d.open("svg", "class", "chart plot "+class, "id", id, "height", pixels(height), "role", "img", "aria-labelledby", id+"-t "+id+"-d")
	d.text("title", title, "id", id+"-t")
	d.text("desc", description, "id", id+"-d")
}
