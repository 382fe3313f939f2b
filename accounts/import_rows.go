// This file reads the rows of an import, as far as they say which user they are
// about.

package accounts

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"boxoffice/accounts/spreadsheet"
	"boxoffice/domain"
)

// An importRow is a row that has been read ahead.
type importRow struct {
	number     int
	fault      string
	cells      []spreadsheet.Cell
	id, email  string // email as compared
	registered *registration
}

// agreesWith says that the row's registration is the one that is recorded.
func (r *importRow) agreesWith(u matchedUser) bool {
	return u.registeredAt() != nil && r.registered.agrees(*u.registeredAt())
}

// readAhead reads the next rows, and says whether there may be more.
func (m *Import) readAhead() (more bool, err error) {
	m.window = m.window[:0]
	for size := 0; len(m.window) < windowRows && size < windowBytes; {
		row, err := m.table.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		m.result.Rows++
		if m.result.Rows > maxImportRows {
			return false, ErrTooManyRows
		}
		r := importRow{number: row.Number, fault: row.Fault, cells: slices.Clone(row.Cells)}
		for _, cell := range r.cells {
			size += cellBytes + len(cell.Text)
		}
		m.readCells(&r, row.Faults)
		m.window = append(m.window, r)
	}
	return true, nil
}

// cellBytes is what a cell takes besides its text.
const cellBytes = 24

// readCells reads the cells that say which user a row is about.
func (m *Import) readCells(r *importRow, faults []spreadsheet.CellFault) {
	if r.fault != "" {
		return
	}
	c := m.columns
	if r.fault = c.cellFault(faults); r.fault != "" {
		return
	}
	r.id, r.email = c.cell(r.cells, c.id), domain.EmailKey(c.cell(r.cells, c.email))
	if r.id == "" && r.email == "" {
		r.fault = emailMissing
		return
	}
	if r.id != "" {
		if err := domain.ValidUserID(r.id); err != nil {
			r.fault = "id " + err.Error()
			return
		}
	}
	if text := c.cell(r.cells, c.registered); text != "" {
		calendar := m.service.calendar()
		if c.registeredUTC {
			calendar.Zone = time.UTC
		}
		registered, err := parseRegistration(calendar, text)
		if err != nil {
			r.fault = err.Error()
			return
		}
		r.registered = &registered
	}
}

// emailMissing is why a row without an e-mail is refused, unless it is about
// somebody who is known to have none, as in a file that boxoffice has exported.
const emailMissing = "email is missing"

// cellFault says what is wrong with the first cell that can't be read, of those
// that aren't left out; empty for none.
func (c *importColumns) cellFault(faults []spreadsheet.CellFault) string {
	for _, f := range faults {
		if taken := c.taken[f.Column]; taken.Field != "" {
			return shortened(strings.TrimSpace(taken.Name)) + " " + f.Fault
		}
	}
	return ""
}
