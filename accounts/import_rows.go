// This file reads the rows of an import, as far as they say which user they are
// about.

package accounts

import (
	"errors"
	"io"
	"slices"

	"golang.org/x/text/cases"

	"boxoffice/domain"
)

// An importRow is a row that has been read ahead.
type importRow struct {
	number     int
	fault      string
	cells      []string
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
			size += len(cell)
		}
		m.readRow(&r)
		m.window = append(m.window, r)
	}
	return true, nil
}

// readRow reads the cells that say which user a row is about.
func (m *Import) readRow(r *importRow) {
	if r.fault != "" {
		return
	}
	c := m.columns
	r.id, r.email = c.cell(r.cells, c.id), fold(c.cell(r.cells, c.email))
	if r.email == "" {
		r.fault = "email is missing"
		return
	}
	if r.id != "" {
		if err := domain.ValidUserID(r.id); err != nil {
			r.fault = "id " + err.Error()
			return
		}
	}
	if text := c.cell(r.cells, c.registered); text != "" {
		registered, err := parseRegistration(m.service.calendar(), text)
		if err != nil {
			r.fault = "registered_at must be a date as YYYY-MM-DD, or a time as YYYY-MM-DDThh:mm:ss, from 1900 to 9999"
			return
		}
		r.registered = &registered
	}
}

// fold is an e-mail as e-mails are compared.
func fold(email string) string { return cases.Fold().String(email) }
