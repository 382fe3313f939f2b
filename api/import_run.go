// This file is one import: rows are read ahead, looked up, turned into events
// and published, many at a time, in bounded memory.

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/text/cases"

	"boxoffice/domain"
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

// An importResult says what became of the rows of a file.
type importResult struct {
	Rows      int          `json:"rows" doc:"How many there are below the first, without blank ones"`
	Created   int          `json:"created"`
	Updated   int          `json:"updated"`
	Unchanged int          `json:"unchanged"`
	Refused   []refusedRow `json:"refused"`
}

// A refusedRow is a row that changed nothing, for what is wrong with it.
type refusedRow struct {
	Row    int    `json:"row" doc:"Its number, as a spreadsheet program shows it: the first row of the file is 1"`
	Reason string `json:"reason" doc:"Which column, and which rule it breaks"`
}

// An importRow is a row that has been read ahead.
type importRow struct {
	number     int
	fault      string
	cells      []string
	id, email  string // email as compared
	registered *registration
}

// agreesWith says that the row's registration is the one that is recorded.
func (r *importRow) agreesWith(u importedUser) bool {
	return u != nil && u.registeredAt() != nil && r.registered.agrees(*u.registeredAt())
}

// A pendingRow is a row whose events are published with the next lot.
type pendingRow struct {
	number int
	count  *int // what to count it as
	events int
}

// An importer is one import. It is for one goroutine.
type importer struct {
	service *service
	table   *spreadsheet.Table
	columns *importColumns
	// progress, where set, is told now and then how far the import is.
	progress func(importResult) error
	result   importResult
	shadows  *shadows // of a dry run only

	window    []importRow
	found     projections.FoundUsers
	standings map[string]eventstore.Standing
	// touched are the ids and e-mails about which what was found may no longer
	// be so: rows of this window are about them.
	touched map[string]bool

	pending     []*composedEvent
	pendingRows []pendingRow
	size        int
}

func (s *service) newImporter(table *spreadsheet.Table, columns *importColumns, dryRun bool) *importer {
	m := &importer{service: s, table: table, columns: columns, result: importResult{Refused: []refusedRow{}}}
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
	if !ok {
		return err
	}
	told := *p
	told.Detail = fmt.Sprintf("%s. %d users were made and %d changed until then; importing the file again leaves these alone",
		p.Detail, m.result.Created, m.result.Updated)
	return &told
}

// readAhead reads the next rows, and says whether there may be more.
func (m *importer) readAhead() (more bool, err error) {
	m.window = m.window[:0]
	for size := 0; len(m.window) < windowRows && size < windowBytes; {
		row, err := m.table.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, badFile(err)
		}
		m.result.Rows++
		if m.result.Rows > maxImportRows {
			return false, newProblem(http.StatusRequestEntityTooLarge, "the file has more than 1,048,575 rows: divide it")
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

// readRow reads the cells that say whom a row is about.
func (m *importer) readRow(r *importRow) {
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

// fold gives an e-mail as e-mails are compared.
func fold(email string) string { return cases.Fold().String(email) }

func (s *service) calendar() domain.Calendar { return domain.Calendar{Zone: s.Zone} }

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

// lookUp finds the users whom rows are about.
func (m *importer) lookUp(ctx context.Context, rows []importRow) error {
	var ids, emails []string
	for i := range rows {
		switch r := &rows[i]; {
		case r.fault != "":
		case r.id != "":
			ids = append(ids, r.id)
		default:
			emails = append(emails, r.email)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.service.Timeout)
	defer cancel()
	var err error
	if m.found, err = m.service.Reader.FindUsers(ctx, ids, emails, m.service.now()); err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return m.found.ByID[id] != nil })
	standings, err := m.service.Log.Standings(ctx, ids)
	m.standings = make(map[string]eventstore.Standing, len(ids))
	for i := range standings {
		m.standings[ids[i]] = standings[i]
	}
	return err
}

// again looks a row up that earlier rows of the window have to do with, once
// what these say is in the read models.
func (m *importer) again(ctx context.Context, r *importRow) error {
	if m.shadows != nil {
		return nil
	}
	if err := m.settle(ctx); err != nil {
		return err
	}
	found, standings := m.found, m.standings
	defer func() { m.found, m.standings = found, standings }()
	if err := m.lookUp(ctx, []importRow{*r}); err != nil {
		return err
	}
	if r.id != "" {
		delete(found.ByID, r.id)
		delete(standings, r.id)
		if u := m.found.ByID[r.id]; u != nil {
			found.ByID[r.id] = u
		} else {
			standings[r.id] = m.standings[r.id]
		}
		return nil
	}
	delete(found.ByEmail, r.email)
	if match, ok := m.found.ByEmail[r.email]; ok {
		found.ByEmail[r.email] = match
	}
	return nil
}

// What a row is looked up by, as it stands in touched.
func touchedID(id string) string       { return "id " + id }
func touchedEmail(email string) string { return "email " + email }

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
	switch {
	case err != nil:
		return err
	case fault != "":
		m.refuse(r.number, fault)
		return nil
	case user == nil:
		return m.create(ctx, r)
	}
	return m.change(ctx, r, user)
}

// severalMessage is why a row is refused that doesn't say whom it is about.
const severalMessage = "email is that of several users: the row needs an id"

// who gives the user whom a row is about, nil for one whom it makes.
func (m *importer) who(r *importRow) (importedUser, string, error) {
	if r.id != "" {
		if m.shadows != nil {
			if sh, ok := m.shadows.ofID(r.id); ok {
				return sh, "", nil
			}
		}
		return m.known(m.found.ByID[r.id])
	}
	match := m.found.ByEmail[r.email]
	if m.shadows == nil {
		if match.Users > 1 {
			return nil, severalMessage, nil
		}
		return m.known(match.User)
	}
	one, have, left := m.shadows.who(r.email)
	switch others := match.Users - left; {
	case others+have > 1 || others == 1 && match.User == nil:
		return nil, severalMessage, nil
	case have == 1:
		return one, "", nil
	case others == 1:
		return m.known(match.User)
	}
	return nil, "", nil
}

func (m *importer) known(u *projections.User) (importedUser, string, error) {
	if u == nil {
		return nil, "", nil
	}
	found, err := newFoundUser(u, m.columns)
	if err != nil {
		return nil, "", fmt.Errorf("the custom fields of a user: %w", err)
	}
	return found, "", nil
}

// create makes the user of a row.
func (m *importer) create(ctx context.Context, r *importRow) error {
	standing := m.standings[r.id]
	at := after(m.service.now(), standing.ErasedAt)
	if r.registered != nil {
		at = r.registered.at
		if standing.ErasedAt != nil && at <= *standing.ErasedAt {
			m.refuse(r.number, erasedMessage)
			return nil
		}
	}
	id := r.id
	switch {
	case id != "":
	case m.shadows != nil:
		id = dryRunID
	default:
		id = newUserID()
	}
	event := ownEvent{eventType: domain.UserRegistered, userID: id, time: at, data: m.columns.changedData(r.cells, nil), mustBeNew: true}
	return m.put(ctx, r, nil, id, &m.result.Created, []ownEvent{event})
}

// change changes the user of a row.
func (m *importer) change(ctx context.Context, r *importRow, user importedUser) error {
	var events []ownEvent
	if r.registered != nil && !r.agreesWith(user) {
		if there := user.registeredAt(); there != nil && r.registered.at > *there {
			m.refuse(r.number, "registered_at is later than the registration that is recorded")
			return nil
		}
		events = append(events, ownEvent{eventType: domain.UserRegistered, userID: user.userID(), time: r.registered.at, data: json.RawMessage("{}")})
	}
	if data := m.columns.changedData(r.cells, user); data != nil {
		at := after(m.service.now(), user.updatedAt())
		events = append(events, ownEvent{eventType: domain.UserUpdated, userID: user.userID(), time: at, data: data})
	}
	if len(events) == 0 {
		m.result.Unchanged++
		return nil
	}
	return m.put(ctx, r, user, user.userID(), &m.result.Updated, events)
}

// put judges the events of a row, and adds them to what is published next.
func (m *importer) put(ctx context.Context, r *importRow, user importedUser, id string, count *int, events []ownEvent) error {
	composed := make([]*composedEvent, 0, len(events))
	size := 0
	for _, e := range events {
		c, refusal := m.service.compose(e)
		if refusal != nil {
			m.refuse(r.number, importFault(refusal))
			return nil
		}
		composed = append(composed, c)
		size += len(c.message.Data)
	}
	if m.shadows != nil {
		if u, ok := user.(*foundUser); ok {
			id = u.ID
		} else {
			id = r.id
		}
		m.shadows.note(r, user, id, m.service.now())
		*count++
		return nil
	}
	if len(m.pending)+len(composed) > mostSettled || m.size+size > pendingBytes {
		if err := m.settle(ctx); err != nil {
			return err
		}
	}
	m.pending, m.size = append(m.pending, composed...), m.size+size
	m.pendingRows = append(m.pendingRows, pendingRow{r.number, count, len(composed)})
	m.touch(id, r.email, user)
	return nil
}

// touch marks what a row changes of how users are found.
func (m *importer) touch(id, email string, user importedUser) {
	m.touched[touchedID(id)], m.touched[touchedEmail(email)] = true, true
	if u, ok := user.(*foundUser); ok && u.Profile.Email != nil {
		m.touched[touchedEmail(fold(*u.Profile.Email))] = true
	}
}

// The reasons for which the log refuses an event of a row.
const (
	erasedMessage = "the user of this id was erased after that"
	takenMessage  = "a user of this id was made by others at the same time: import the row again"
)

// importFault says in the words of a table which rule an event breaks.
func importFault(r *domain.Refusal) string {
	switch r.Reason {
	case domain.InFuture:
		return "registered_at must not be more than 5 minutes ahead"
	case domain.TooLarge:
		return "the row is too large: an event has at most 256 KiB"
	case domain.InvalidAttribute:
		return "registered_at must be from 1900 to 9999"
	}
	return r.Message
}

func (m *importer) refuse(row int, reason string) {
	m.result.Refused = append(m.result.Refused, refusedRow{row, reason})
}

// settle publishes what is pending, and counts the rows by the log's verdicts.
func (m *importer) settle(ctx context.Context) error {
	if len(m.pending) == 0 {
		return nil
	}
	verdicts, err := m.service.settle(ctx, m.pending, importWithin)
	if errors.Is(err, errNotSettled) {
		return unavailable(fmt.Sprintf("the rows up to %d are %s, but the read models don't show them yet; "+
			"wait until they do before the file is imported again, for users without an id would be made twice", m.pendingRows[len(m.pendingRows)-1].number, howStored(err)))
	}
	if err != nil {
		return err
	}
	for _, row := range m.pendingRows {
		if reason := refusalOf(verdicts[:row.events]); reason != "" {
			m.refuse(row.number, reason)
		} else {
			*row.count++
		}
		verdicts = verdicts[row.events:]
	}
	m.pending, m.pendingRows, m.size = m.pending[:0], m.pendingRows[:0], 0
	return nil
}

// refusalOf gives why the log has refused a row; empty where it hasn't.
func refusalOf(verdicts []verdict) string {
	for _, v := range verdicts {
		switch {
		case v.Refused == nil:
		case v.Refused.Reason == domain.Conflict:
			return takenMessage
		case v.Refused.Reason == domain.Erased:
			return erasedMessage
		default:
			return v.Refused.Message
		}
	}
	return ""
}

// badFile is the answer to a file that can't be read to its end.
func badFile(err error) error {
	if format, ok := errors.AsType[*spreadsheet.FormatError](err); ok {
		return newProblem(http.StatusBadRequest, format.Error())
	}
	return err
}
