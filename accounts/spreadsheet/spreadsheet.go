// Package spreadsheet reads tables that people hand in, CSV in whatever form
// their programs write it, and Excel workbooks, a row at a time and in bounded
// memory, whatever is in the file.
//
// A table has a header and rows. Cells are texts: a date of a workbook comes as
// 2006-01-02 or 2006-01-02T15:04:05, a number in plain decimals. A row that
// can't be read is a row all the same, with what is wrong with it, and the rows
// after it are read.
package spreadsheet

import (
	"errors"
	"io"
	"slices"
	"strings"
)

// MaxColumns is how many columns a table has at most.
const MaxColumns = 200

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
	// Cells are as many as the header has names, without blanks around them.
	Cells []string
	// Fault says what is wrong with a row that can't be read; Cells is nil then.
	Fault string
}

// A Table gives the rows of a file. It is for one goroutine.
type Table struct {
	// Header has the names of the columns, without blanks around them.
	Header []string

	source rowSource
}

// A rowSource gives rows as they stand in a file, with as many cells as each has.
type rowSource interface {
	// next gives the next row that isn't blank, or io.EOF. The cells are good
	// until the next call.
	next() (Row, error)
}

// openTable reads the header.
func openTable(source rowSource) (*Table, error) {
	row, err := source.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, formatError("the file is empty: the first row has to name the columns")
	case err != nil:
		return nil, err
	case row.Fault != "":
		return nil, formatError("the first row has to name the columns, and " + row.Fault)
	}
	t := &Table{source: source}
	for _, name := range row.Cells {
		t.Header = append(t.Header, strings.TrimSpace(name))
	}
	for len(t.Header) > 0 && t.Header[len(t.Header)-1] == "" {
		t.Header = t.Header[:len(t.Header)-1]
	}
	if len(t.Header) > MaxColumns {
		return nil, formatError("the first row names more than 200 columns")
	}
	return t, nil
}

// Next returns the next row that isn't blank, or io.EOF after the last. Its cells
// are good until the next call.
func (t *Table) Next() (Row, error) {
	row, err := t.source.next()
	if err != nil || row.Fault != "" {
		return row, err
	}
	for i := range row.Cells {
		row.Cells[i] = strings.TrimSpace(row.Cells[i])
	}
	if len(row.Cells) > len(t.Header) {
		if slices.ContainsFunc(row.Cells[len(t.Header):], func(cell string) bool { return cell != "" }) {
			return Row{Number: row.Number, Fault: "the row has more cells than the first row names columns"}, nil
		}
		row.Cells = row.Cells[:len(t.Header)]
	}
	for len(row.Cells) < len(t.Header) {
		row.Cells = append(row.Cells, "")
	}
	return row, nil
}

// isBlank says that no cell has anything in it.
func isBlank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}
