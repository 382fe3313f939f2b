// This file is the sheet that says what one is looking at.

package export

import "fmt"

// about returns the rows of the sheet About, and which of them are headings.
func (e *exporter) about() (rows [][]any, headings []int) {
	heading := func(texts ...any) {
		headings = append(headings, len(rows))
		rows = append(rows, texts)
	}
	add := func(cells ...any) { rows = append(rows, cells) }

	heading("About this file", nil)
	add("rows", e.result.Rows)
	add("time zone", e.timeZone)
	add("as of", e.at.Time())
	add("log position", int64(e.result.Position))
	add("made by", "boxoffice")
	if n := e.book.Cut(); n > 0 {
		add("texts cut", n)
		add(nil, "A cell holds 32,767 characters; longer texts end with an ellipsis. A CSV has them whole.")
	}
	add(nil, nil)
	heading("Filter", "Value")
	for _, f := range e.options.Filters {
		add(f.Name, f.Value)
	}
	if len(e.options.Filters) == 0 {
		add("none", nil)
	}
	add(nil, nil)
	heading("Column", "Meaning")
	for _, c := range e.columns {
		add(c.Name, c.meaning)
	}
	add(nil, nil)
	add("times", fmt.Sprintf("All times are local times of %s. One that a sheet has no date for, before March 1900, stands as text.", e.timeZone))
	add("further sheets", "Past 1,048,575 rows the table goes on in a further sheet.")
	return rows, headings
}
