// This file is one import: rows are read ahead, looked up, turned into events
// and published, many at a time, in bounded memory.

package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"boxoffice/eventstore"
	"boxoffice/internal/spreadsheet"
	"boxoffice/projections"
)

const (
	// windowRows and windowBytes bound what is read ahead.
	windowRows  = 1000
	windowBytes = 4 << 20
	// pendingBytes bounds what is published at once, so that the broker takes it
	// whole.
	pendingBytes = 3 << 20
	// maxImportRows is as many rows as a sheet of Excel has, less the header.
	maxImportRows = 1_048_575
	// importWithin is how long the log's verdict on one lot of rows is waited for.
	importWithin = 2 * time.Minute
)

// An importer is one import. It is for one goroutine.
type importer struct {
	service *service
	table   *spreadsheet.Table
	columns *importColumns
	// progress, where set, is told now and then how far the import is.
	progress func(importResult) error
	result   importResult
	first    *firstRows
	shadows  *shadows // of a dry run only

	window []importRow
	found  projections.FoundUsers
	states map[string]eventstore.SubjectState
	// touched are the ids and e-mails about which what was found may no longer
	// be so: rows of this window are about them.
	touched map[string]bool

	pending     []*composedEvent
	pendingRows []pendingRow
	size        int
}

func (s *service) newImporter(table *spreadsheet.Table, columns *importColumns, dryRun bool) *importer {
	m := &importer{service: s, table: table, columns: columns, first: newFirstRows(), result: importResult{Refused: []refusedRow{}}}
	if dryRun {
		m.shadows = newShadows(columns, len(table.Header))
	}
	return m
}

// run goes through the whole file. After an error, rows that come before are
// imported; importing the file again finds them unchanged.
func (m *importer) run(ctx context.Context) error {
	defer func() { aboutMany(ctx, m.result.Rows) }()
	for more := true; more; {
		var err error
		if more, err = m.readAhead(); err != nil {
			return m.stopped(err)
		}
		if err := m.importWindow(ctx); err != nil {
			return m.stopped(err)
		}
		if m.progress != nil {
			if err := m.progress(m.result); err != nil {
				return err
			}
		}
	}
	// A row that the log refuses is refused after those that come later.
	slices.SortStableFunc(m.result.Refused, func(a, b refusedRow) int { return cmp.Compare(a.Row, b.Row) })
	return nil
}

// stopped says how far the import came.
func (m *importer) stopped(err error) error {
	p, ok := errors.AsType[*Problem](err)
	if !ok || m.shadows != nil {
		return err
	}
	return p.adding(fmt.Sprintf("%d users were made and %d changed until then; importing the file again leaves these alone",
		m.result.Created, m.result.Updated))
}

func (m *importer) importWindow(ctx context.Context) error {
	if err := m.lookUp(ctx, m.window); err != nil {
		return err
	}
	m.touched = map[string]bool{}
	for i := range m.window {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.importRow(ctx, &m.window[i]); err != nil {
			return err
		}
	}
	return m.settle(ctx)
}

func (m *importer) importRow(ctx context.Context, r *importRow) error {
	if r.fault != "" {
		m.refuse(r.number, r.fault)
		return nil
	}
	mark := touchedEmail(r.email)
	if r.id != "" {
		mark = touchedID(r.id)
	}
	if m.touched[mark] {
		if err := m.again(ctx, r); err != nil {
			return err
		}
	}
	user, fault, err := m.who(r)
	if err != nil {
		return err
	}
	first := m.first.of(r, user)
	found, _ := user.(*foundUser)
	switch {
	case fault != "":
		m.refuse(r.number, fault)
		return nil
	case first != r.number:
		m.repeat(r, user, first)
		return nil
	case found == nil:
		return m.create(ctx, r)
	}
	return m.change(ctx, r, found)
}

// repeat judges a further row about a user.
func (m *importer) repeat(r *importRow, user importedUser, first int) {
	if user != nil && m.columns.changedData(r.cells, user) == nil && (r.registered == nil || r.agreesWith(user)) {
		m.result.Unchanged++
		return
	}
	m.refuse(r.number, repeatMessage(first))
}

// badFile is the answer to a file that can't be read to its end.
func badFile(err error) error {
	if format, ok := errors.AsType[*spreadsheet.FormatError](err); ok {
		return newProblem(http.StatusBadRequest, format.Error())
	}
	return err
}
