// Package spreadsheet reads tables that people hand in, CSV in whatever form
// their programs write it, and Excel workbooks, a row at a time and in bounded
// memory and time, whatever is in the file.
//
// A table has a header and rows. Cells are texts: a date of a workbook comes as
// 2006-01-02 or 2006-01-02T15:04:05, a number in plain decimals. A row that
// can't be read is a row all the same, with what is wrong with it, and the rows
// after it are read.
package spreadsheet

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// MaxColumns is how many columns a table has at most.
	MaxColumns = 1 << 16
	// MaxRowBytes is how long a row may be: what its cells say, and in a CSV what
	// stands between them.
	MaxRowBytes = 1 << 20
	// maxRowNumber is the highest number of a row.
	maxRowNumber = 1<<31 - 1
)

const longRow = "the row is longer than 1 MiB"

// A FormatError says why a file can't be read as a table. It quotes nothing of
// what is in the file.
type FormatError struct{ message string }

// Error returns the reason, in words for whoever made the file.
func (e *FormatError) Error() string { return e.message }

func formatError(message string) error { return &FormatError{message} }

// A Row is one row of a table.
type Row struct {
	// Number is the row's, counted as a spreadsheet program shows it: the first
	// row of the file is 1.
	Number int
	// Cells are those that say something, by their columns. Their texts have no
	// blanks around them.
	Cells []Cell
	// Faults are what is wrong with cells that can't be read, which aren't among
	// Cells.
	Faults []CellFault
	// Fault says what is wrong with a row that can't be read as a whole; it has
	// no cells then.
	Fault string
}

// A Cell is what a row says in a column.
type Cell struct {
	Column int // from 0
	Text   string
}

// A CellFault is what is wrong with a cell.
type CellFault struct {
	Column int // from 0
	// Fault goes on after the name of the column: "has …".
	Fault string
}

// Text is what the row says in a column, empty where it says nothing. It takes
// no time in proportion to the columns.
func (r *Row) Text(column int) string { return TextAt(r.Cells, column) }

// TextAt is the text of the cell of a column, empty where there is none.
func TextAt(cells []Cell, column int) string {
	i, found := slices.BinarySearchFunc(cells, column, func(c Cell, column int) int { return c.Column - column })
	if !found {
		return ""
	}
	return cells[i].Text
}

// A Table reads the rows of a file. It is for one goroutine, and has to be closed.
type Table struct {
	// Header has the names of the columns, as they stand in the file.
	// They have the blanks that are around them; one that is only blanks is empty.
	Header []string

	source rowSource
}

// A rowSource reads rows as they stand in a file.
type rowSource interface {
	// next returns the next row that isn't blank, or io.EOF. Its cells are good
	// until the next call. Their texts have the blanks around them where it is the
	// header, of which they may be a part.
	next(header bool) (Row, error)
	// close lets go of what the source has taken.
	close() error
}

// openTable reads the header.
func openTable(source rowSource) (*Table, error) {
	t := &Table{source: source}
	row, err := source.next(true)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errNoHeader
	case err != nil:
		return nil, err
	case row.Fault != "":
		return nil, formatError("the first row has to name the columns, and " + row.Fault)
	case len(row.Faults) > 0:
		return nil, formatError(fmt.Sprintf("the first row has to name the columns, and column %d %s", row.Faults[0].Column+1, row.Faults[0].Fault))
	}
	width := row.Cells[len(row.Cells)-1].Column + 1
	if width > MaxColumns {
		return nil, formatError("the first row names more than 65,536 columns")
	}
	t.Header = make([]string, width)
	for _, c := range row.Cells {
		t.Header[c.Column] = c.Text
	}
	return t, nil
}

var errNoHeader = formatError("the file is empty: the first row has to name the columns")

// Next returns the next row that isn't blank, or io.EOF after the last. Its cells
// are good until the next call.
func (t *Table) Next() (Row, error) {
	row, err := t.source.next(false)
	if err != nil || row.Fault != "" {
		return row, err
	}
	if n := len(row.Cells); n > 0 && row.Cells[n-1].Column >= len(t.Header) {
		return Row{Number: row.Number, Fault: "the row has more cells than the first row names columns"}, nil
	}
	row.Faults = slices.DeleteFunc(row.Faults, func(f CellFault) bool { return f.Column >= len(t.Header) })
	return row, nil
}

// Close lets go of what reading the table has taken.
func (t *Table) Close() error { return t.source.close() }

// isBlank says that a text has nothing in it.
func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
