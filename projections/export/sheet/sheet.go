// Package sheet writes tables as Excel workbooks and as CSV, row by row, in
// memory that doesn't grow with their number. It knows nothing of what the
// tables are about.
//
// A row is a slice of values, one for each column, each of them one of: nil
// (nothing), string, [Number], float64, int64, bool and [time.Time]. A string
// is text in either form, whatever it begins with.
package sheet

import (
	"fmt"
	"time"
)

// A Table says what the rows of a table are.
type Table struct {
	// Name is the name of the sheet; further sheets are called "Name 2" and so
	// on. It is at most 20 characters, none of them :\/?*[].
	Name    string
	Columns []Column
	// Zone is the time zone in which times are written. Nil: UTC.
	Zone *time.Location
	// Marked begins a CSV with a byte order mark.
	Marked bool
}

// A Column is one column of a table.
type Column struct {
	Name string
	// Width is in characters. 0: what the program that opens it has by default.
	Width float64
	// Times says that the column's values are times, or nothing.
	Times bool
}

// MaxColumns is how many columns a sheet can have, and MaxCSVColumns how many a CSV
// has at most.
const (
	MaxColumns    = 16_384
	MaxCSVColumns = 65_536
)

// A Number is a number as JSON writes it. CSV has it as it is; Excel knows
// fifteen significant digits, and gets one that has more of them as text.
type Number string

// An unknownValueError is a mistake in the program that made the row.
func unknownValueError(v any) error { return fmt.Errorf("a cell can't be a %T", v) }

func (t *Table) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// check says what is wrong with the description of a table that can have so many
// columns.
func (t *Table) check(most int) error {
	if n := len(t.Columns); n == 0 || n > most {
		return fmt.Errorf("a table of %d columns: it has from 1 to %d", n, most)
	}
	return nil
}

// timeLayout is how a time is written as text: RFC 3339, to the microsecond.
const timeLayout = "2006-01-02T15:04:05.999999Z07:00"

// appendTime appends a time in a zone as text, in UTC where the offset there isn't
// whole minutes: RFC 3339 has none of these.
func appendTime(to []byte, t time.Time, zone *time.Location) []byte {
	local := t.In(zone)
	if _, offset := local.Zone(); offset%60 != 0 {
		local = t.UTC()
	}
	return local.AppendFormat(to, timeLayout)
}

// utf16Length counts the UTF-16 code units of a text, which is how Excel counts.
func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// maxCell is how many UTF-16 code units a cell of a sheet holds.
const maxCell = 32_767

// fitCell returns a text as a cell can hold it, and says whether it had to be cut.
func fitCell(text string) (string, bool) {
	if len(text) <= maxCell || utf16Length(text) <= maxCell {
		return text, false
	}
	units := 0
	for i, r := range text {
		units++
		if r > 0xffff {
			units++
		}
		if units > maxCell-1 {
			return text[:i] + "…", true
		}
	}
	return text, false
}
