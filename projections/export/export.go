// Package export makes files of users and of viewing sessions: an Excel
// workbook or a CSV, with one row each, all of one moment of the read models
// and in memory that doesn't grow with the number of rows.
//
// Rows are read, and turned into cells, by one goroutine while another writes
// them. A CSV goes to the writer as it is read. A workbook is gathered in
// temporary files first, and written when the last row is there, with no hold on
// the database.
package export

import (
	"context"

	"fmt"
	"io"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
	"boxoffice/projections/export/sheet"
)

// A Format is the form of a file.
type Format string

// The formats.
const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
)

// ContentType returns the format's media type.
func (f Format) ContentType() string {
	if f == CSV {
		return "text/csv; charset=utf-8"
	}
	return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}

// A Reader reads whole lists from the read models.
type Reader interface {
	// AllUsers hands a whole list of users, of one moment, to f.
	AllUsers(ctx context.Context, q projections.UsersQuery, f func(*projections.UserList) error) error
	// AllSessions hands a whole list of viewing sessions, of one moment, to f.
	AllSessions(ctx context.Context, q projections.SessionsQuery, f func(*projections.SessionList) error) error
}

// A Filter is one of the filters with which a file was asked for, as it was
// given.
type Filter struct{ Name, Value string }

// Options are what may be set about a file besides what is in it.
type Options struct {
	Format Format
	// Filters stand in the sheet About.
	Filters []Filter
	// BOM begins a CSV with a byte order mark, which Excel wants.
	BOM bool
	// TempDir is where a workbook's temporary files are made, in a directory of
	// their own. Empty: the system's directory for temporary files.
	TempDir string
	// Progress, where set, is told now and then how many rows have been read.
	Progress func(rows int64)

	// rowsPerSheet is for tests; see [sheet.Options].
	rowsPerSheet int
}

// A Result says what was written.
type Result struct {
	Rows     int64               `json:"rows"`
	Position eventstore.Position `json:"position"`
}

// ErrColumns is the error of users who have more different fields of the
// platform's own between them than a file can have columns.
var ErrColumns = fmt.Errorf("the users have more different custom fields than a sheet has columns (%d); a CSV has up to %d", sheet.MaxColumns, sheet.MaxCSVColumns)

// Users writes the whole list of users that q asks for; q.After and q.Limit
// play no part. An error before anything is written leaves w untouched. When ctx
// ends, so does the work, with nothing left behind.
func Users(ctx context.Context, r Reader, q projections.UsersQuery, w io.Writer, o Options) (Result, error) {
	e := &exporter{ctx: ctx, w: w, options: o, at: q.At}
	defer e.close()
	return e.finish(r.AllUsers(ctx, q, e.users))
}

// A MembersReader returns the users whom a monthly figure counts from the read models.
type MembersReader interface {
	// AllMembers hands all users whom a figure counts, of one moment, to f.
	AllMembers(ctx context.Context, q projections.MembersQuery, f func(*projections.UserList) error) error
}

// Members writes all users whom a monthly figure counts, as [Users] does.
func Members(ctx context.Context, r MembersReader, q projections.MembersQuery, w io.Writer, o Options) (Result, error) {
	e := &exporter{ctx: ctx, w: w, options: o, at: q.At}
	defer e.close()
	return e.finish(r.AllMembers(ctx, q, e.users))
}

// users writes a list of users.
func (e *exporter) users(l *projections.UserList) error {
	most := sheet.MaxColumns
	if e.options.Format == CSV {
		most = sheet.MaxCSVColumns
	}
	keys, err := l.CustomKeys(most - len(userColumns) + 1)
	if err != nil {
		return err
	}
	if len(keys) > most-len(userColumns) {
		return ErrColumns
	}
	if err := e.begin("Users", userTable(keys), l.TimeZone, l.Position); err != nil {
		return err
	}
	cells := newUserCells(keys)
	return gather(e, l.Users, cells.row)
}

// Sessions writes the whole list of viewing sessions that q asks for, as
// [Users] does. The error is [projections.ErrNoUser] where q names a user who
// isn't there.
func Sessions(ctx context.Context, r Reader, q projections.SessionsQuery, w io.Writer, o Options) (Result, error) {
	e := &exporter{ctx: ctx, w: w, options: o, at: q.At}
	defer e.close()
	err := r.AllSessions(ctx, q, func(l *projections.SessionList) error {
		if err := e.begin("Sessions", sessionColumns, l.TimeZone, l.Position); err != nil {
			return err
		}
		return gather(e, l.Sessions, sessionRow)
	})
	return e.finish(err)
}

// A column is a column of a file and what it means.
type column struct {
	sheet.Column
	meaning string
}

// An exporter makes one file.
type exporter struct {
	ctx     context.Context
	w       io.Writer
	options Options
	at      domain.Instant
	result  Result

	columns  []column
	timeZone string
	// book or text is the file, by its format.
	book *sheet.XLSX
	text *sheet.CSV
}

func (e *exporter) begin(name string, columns []column, timeZone string, position eventstore.Position) (err error) {
	e.columns, e.timeZone, e.result.Position = columns, timeZone, position
	zone, err := time.LoadLocation(timeZone)
	if err != nil {
		return fmt.Errorf("the time zone of the read models: %w", err)
	}
	t := sheet.Table{Name: name, Zone: zone, Marked: e.options.BOM}
	for i := range columns {
		t.Columns = append(t.Columns, columns[i].Column)
	}
	if e.options.Format == CSV {
		e.text, err = sheet.NewCSV(e.w, t)
	} else {
		e.book, err = sheet.NewXLSX(t, sheet.Options{TempDir: e.options.TempDir, RowsPerSheet: e.options.rowsPerSheet})
	}
	return err
}

// row writes a row.
func (e *exporter) row(cells []any) error {
	if e.text != nil {
		return e.text.Row(cells)
	}
	return e.book.Row(cells)
}

// finish writes what isn't written yet, once all rows are there.
func (e *exporter) finish(err error) (Result, error) {
	if err != nil {
		return e.result, err
	}
	if e.text != nil {
		return e.result, e.text.Close()
	}
	rows, headings := e.about()
	if err := e.book.AddSheet("About", []float64{24, 100}, rows, headings...); err != nil {
		return e.result, err
	}
	_, err = e.book.WriteTo(stopping{e.ctx, e.w})
	return e.result, err
}

func (e *exporter) close() {
	if e.book != nil {
		_ = e.book.Close() // removes what is temporary; the file is whole or not regardless
	}
}

// stopping is a writer that fails when its context has ended.
type stopping struct {
	ctx context.Context
	w   io.Writer
}

func (s stopping) Write(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}
