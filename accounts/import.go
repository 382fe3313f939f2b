// This file is one import: rows are read ahead, matched with users, turned into
// events and published, many at a time, in bounded memory.

package accounts

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"boxoffice/accounts/spreadsheet"
	"boxoffice/eventstore"
	"boxoffice/internal/tempfile"
	"boxoffice/projections"
)

const (
	// MaxImportBytes is the largest file that is imported.
	MaxImportBytes = 128 << 20

	// windowRows and windowBytes bound what is read ahead.
	windowRows  = 1000
	windowBytes = 4 << 20
	// lookUpRows is for how many rows users are looked up at once: each may be as
	// large as an event.
	lookUpRows = 100
	// pendingBytes bounds what is published at once, so that the broker takes it
	// whole.
	pendingBytes = 3 << 20
	// maxImportRows is as many rows as a sheet of Excel has, less the header.
	maxImportRows = 1_048_575
	// lookUpWithin is how long finding the users of rows may take.
	lookUpWithin = 30 * time.Second
	// importWithin is how long the log's verdict on one lot of rows is waited for.
	importWithin = 2 * time.Minute
)

// An Import is one import of a table of users. It is for one goroutine.
//
// A row is about the user of its id, or else about the one user with its e-mail,
// or it makes a user. A row that breaks a rule is refused, with the reason, and
// the others are imported. Rows see what rows before them did. Importing the same
// file twice changes nothing the second time.
type Import struct {
	// Progress, where set before Run, is told after each lot of rows how far the
	// import is. An error of it ends the import.
	Progress func(ImportProgress) error
	// Row, where set before Run, is told what became of each row, as soon as that
	// is known: in a dry run in the order of the file.
	Row func(RowOutcome)

	service *Service
	lock    Lock
	file    *countedReader
	kept    *os.File // a workbook that had to be kept
	table   *spreadsheet.Table
	columns *importColumns

	result      ImportResult
	occurrences *occurrences
	overlay     *overlay // of a dry run only

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

// ImportOptions say how a file is imported.
type ImportOptions struct {
	// DryRun says what would become of each row, and changes nothing.
	DryRun bool
	// Size is the file's, in bytes, where it is known: one that is too large is
	// then refused without being read.
	Size int64
	// Charset is the encoding of a CSV, by one of the names that the WHATWG has for
	// it; empty where it is to be found out.
	Charset string
	// Mapping goes before what columns are by their names.
	Mapping Mapping
	// Unknown says what becomes of columns that aren't recognised.
	Unknown UnknownColumns
}

// OpenImport begins an import of a CSV or an Excel workbook, whatever it is named:
// it waits until the read models, by which users are found, show what is in the
// log, and reads the columns. One import runs at a time, whichever process it runs
// in, until the caller closes it: two would both make the users whom neither
// finds. An import that has lost its lock, with the connection that it was on,
// notices it before it publishes anything more, and stops.
//
// Its errors are [ErrImportRunning], [ErrFileTooLarge], a [spreadsheet.FormatError],
// a [ColumnsError] that says what is wrong with the columns, an
// [UnavailableError], and those of the file's reader.
func (s *Service) OpenImport(ctx context.Context, file io.Reader, o ImportOptions) (*Import, error) {
	lock, ok, err := s.config.Locks.TryLock(ctx, "import")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrImportRunning
	}
	m := &Import{service: s, lock: lock, file: &countedReader{from: file}, occurrences: newOccurrences()}
	if err := m.open(ctx, o); err != nil {
		m.Close(ctx)
		return nil, err
	}
	return m, nil
}

// Close lets the next import run.
func (m *Import) Close(ctx context.Context) {
	m.letGo()
	if err := m.lock.Unlock(); err != nil {
		m.service.config.Logger.ErrorContext(ctx, "the lock of imports could not be released", "error", err)
	}
}

// letGo lets go of the files in which the import keeps what is too much for memory.
func (m *Import) letGo() {
	if m.table != nil {
		_ = m.table.Close() // it was only read, as the others
	}
	if m.kept != nil {
		_ = m.kept.Close()
	}
	if m.overlay != nil {
		m.overlay.close()
	}
	m.occurrences.close()
}

func (m *Import) open(ctx context.Context, o ImportOptions) error {
	if err := m.service.caughtUp(ctx, m.service.config.VerdictWithin); err != nil {
		return err
	}
	excel, err := m.openTable(o)
	if err != nil {
		return err
	}
	if m.columns, err = readColumns(m.table.Header, !excel, o); err != nil {
		return err
	}
	if o.DryRun {
		m.overlay = newOverlay(m.columns)
	}
	return nil
}

// openTable opens the file as what it is.
func (m *Import) openTable(o ImportOptions) (excel bool, err error) {
	if o.Size > MaxImportBytes {
		return false, ErrFileTooLarge
	}
	m.file.left = MaxImportBytes
	file := bufio.NewReaderSize(m.file, 64<<10)
	start, err := file.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if !spreadsheet.IsExcel(start) {
		m.table, err = spreadsheet.OpenCSV(file, spreadsheet.CSVOptions{Charset: o.Charset, Known: func(column string) bool {
			_, mapped := o.Mapping.of(column)
			field, derived := fieldOf(column)
			return mapped || field != "" || derived
		}})
		return false, err
	}
	if m.kept, err = tempfile.New(); err != nil {
		return true, err
	}
	size, err := io.Copy(m.kept, file)
	if err != nil {
		return true, err
	}
	m.table, err = spreadsheet.OpenExcel(m.kept, size)
	return true, err
}

// A countedReader counts what is read of a file, and ends with ErrFileTooLarge
// where there is more than may be.
type countedReader struct {
	from       io.Reader
	read, left int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.from.Read(p)
	r.read, r.left = r.read+int64(n), r.left-int64(n)
	if r.left < 0 {
		return 0, ErrFileTooLarge
	}
	return n, err
}

// Run goes through the whole file. After an error, rows that come before may be
// imported, as the result has them; importing the file again finds them unchanged.
//
// Its errors are those of OpenImport, [ErrTooManyRows], and that of Progress. Where
// rows may have been imported, a [StoppedError] says how many.
func (m *Import) Run(ctx context.Context) (ImportResult, error) {
	for more := true; more; {
		var err error
		if more, err = m.readAhead(); err != nil {
			return m.result, m.stopped(err)
		}
		if err := m.importWindow(ctx); err != nil {
			return m.result, m.stopped(err)
		}
		m.result.Refused.endLot()
		if m.Progress != nil {
			if err := m.Progress(m.progress()); err != nil {
				return m.result, err
			}
		}
	}
	return m.result, nil
}

// stopped says how far the import came, where what has stopped it is of the kind
// that people mend.
func (m *Import) stopped(err error) error {
	_, format := errors.AsType[*spreadsheet.FormatError](err)
	_, unavailable := errors.AsType[*UnavailableError](err)
	if m.overlay != nil || !format && !unavailable && !errors.Is(err, ErrTooManyRows) {
		return err
	}
	return &StoppedError{Created: m.result.Created, Updated: m.result.Updated, Err: err}
}

func (m *Import) importWindow(ctx context.Context) error {
	m.touched = map[string]bool{}
	for rows := range slices.Chunk(m.window, lookUpRows) {
		if err := m.lookUp(ctx, rows); err != nil {
			return err
		}
		for i := range rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := m.importRow(ctx, &rows[i]); err != nil {
				return err
			}
		}
	}
	return m.settle(ctx)
}

func (m *Import) importRow(ctx context.Context, r *importRow) error {
	if r.fault != "" {
		m.refuse(r.number, r.fault)
		return nil
	}
	mark := touchedEmail(r.email)
	if r.id != "" {
		mark = touchedID(r.id)
	}
	if m.touched[mark] {
		if err := m.lookUpAgain(ctx, r); err != nil {
			return err
		}
	}
	user, fault, err := m.match(r)
	if err != nil {
		return err
	}
	if r.email == "" && (user == nil || user.hasEmail()) {
		m.refuse(r.number, emailMissing)
		return nil
	}
	first, err := m.occurrences.firstOf(r, user)
	if err != nil {
		return err
	}
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

// userIDOf is the id of the user whom a row is about; empty where a row has made
// them without one.
func userIDOf(r *importRow, user matchedUser) string {
	if found, ok := user.(*foundUser); ok {
		return found.ID
	}
	return r.id
}

// repeat judges a further row about a user.
func (m *Import) repeat(r *importRow, user matchedUser, first int) {
	if user != nil && m.columns.changedData(r.cells, user) == nil && (r.registered == nil || r.agreesWith(user)) {
		m.count(RowOutcome{Row: r.number, Outcome: RowUnchanged, UserID: userIDOf(r, user)})
		return
	}
	m.refuseFor(r.number, reason{repeatedUser, first})
}
