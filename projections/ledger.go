// This file writes the ledger of the figures: what changed at exact instants,
// and the same summed by hour and by month, so that a figure at any instant is
// a sum over few rows.

package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// An entryKey is the primary key of a row of kpi_changes, kpi_hours or kpi_months.
type entryKey struct {
	counter domain.Counter
	at      sqldb.Micros
}

// A ledgerTable is one of the tables with the sums of a ledger.
type ledgerTable struct {
	table
	// sum adds to a row and gives back what it comes to.
	sum string
}

func newLedgerTable(name, at string) *ledgerTable {
	return &ledgerTable{
		table: table{name: name, key: []string{"counter", at}, columns: []string{"counter", at, "delta"}},
		sum: " ON CONFLICT (counter, " + at + ") DO UPDATE SET delta = " + name + ".delta + excluded.delta" +
			" RETURNING counter, " + at + ", delta",
	}
}

var (
	changesTable = newLedgerTable("kpi_changes", "at")
	hoursTable   = newLedgerTable("kpi_hours", "from_at")
	monthsTable  = newLedgerTable("kpi_months", "from_at")
)

const hour domain.Instant = 3600 * 1e6

// A ledger gathers by how much counters change, over all users of a batch.
type ledger map[entryKey]int64

// add takes up what a user contributes more than before, or less.
func (l ledger) add(contributions []domain.Contribution) {
	for _, c := range contributions {
		l[entryKey{c.Counter, sqldb.Micros(c.At)}] += int64(c.Delta)
	}
}

// write adds the changes to the tables.
func (l ledger) write(ctx context.Context, tx *sqldb.Tx, c domain.Calendar) error {
	hours, months := l.roll(c)
	for _, part := range []struct {
		table   *ledgerTable
		entries ledger
	}{{changesTable, l}, {hoursTable, hours}, {monthsTable, months}} {
		if err := part.table.add(ctx, tx, part.entries.rows()); err != nil {
			return fmt.Errorf("write %s: %w", part.table.name, err)
		}
	}
	return nil
}

// roll sums the changes by hour and by month. Hours are counted from the first
// instant of their month, so none reaches over a month's end, whatever the
// zone's offset.
func (l ledger) roll(c domain.Calendar) (hours, months ledger) {
	hours, months = ledger{}, ledger{}
	var month domain.Span // the one of the entry before
	for key, delta := range l {
		at := domain.Instant(key.at)
		if !month.Contains(at) {
			m := c.MonthOf(at)
			month = domain.Span{From: c.Start(m), To: c.End(m)}
		}
		months[entryKey{key.counter, sqldb.Micros(month.From)}] += delta
		hours[entryKey{key.counter, sqldb.Micros(hourOf(month.From, at))}] += delta
	}
	return hours, months
}

// hourOf gives the first instant of the hour that i lies in, of the month that
// begins at start.
func hourOf(start, i domain.Instant) domain.Instant { return i - (i-start)%hour }

// rows gives the entries that aren't zero, in the order of their keys.
func (l ledger) rows() [][]any {
	keys := make([]entryKey, 0, len(l))
	for key, delta := range l {
		if delta != 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b entryKey) int {
		return cmp.Or(cmp.Compare(a.counter, b.counter), cmp.Compare(a.at, b.at))
	})
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{string(key.counter), key.at, l[key]}
	}
	return rows
}

// add adds the rows' changes to the table's and removes what comes to zero, so
// that a ledger is the same whatever way led to it.
func (t *ledgerTable) add(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
	var zero [][]any
	for len(rows) > 0 {
		n := chunk(len(rows))
		if tx.Dialect().Name == sqldb.Postgres {
			n = min(len(rows), updatedAtOnce)
		}
		empty, err := t.addChunk(ctx, tx, rows[:n])
		if err != nil {
			return err
		}
		zero = append(zero, empty...)
		rows = rows[n:]
	}
	return t.delete(ctx, tx, zero)
}

// addition gives the statement that adds rows, and its arguments.
func (t *ledgerTable) addition(ctx context.Context, tx *sqldb.Tx, rows [][]any) (text string, args []any, err error) {
	if tx.Dialect().Name != sqldb.Postgres {
		return t.insertText(tx, len(rows)) + t.sum, flatten(rows), nil
	}
	from, args, err := tx.Arrays(ctx, t.name, t.columns, len(rows), func(row, column int) any { return rows[row][column] })
	columns := quotedList(t.columns)
	return "WITH added AS (INSERT INTO " + t.name + " (" + columns + ") SELECT " + columns + " FROM " + from + t.sum + ")" +
		" SELECT * FROM added WHERE delta = 0", args, err
}

// addChunk gives the keys of the rows that came to zero.
func (t *ledgerTable) addChunk(ctx context.Context, tx *sqldb.Tx, rows [][]any) ([][]any, error) {
	text, args, err := t.addition(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	sums, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer sums.Close()
	var zero [][]any
	for sums.Next() {
		var counter string
		var at sqldb.Micros
		var delta int64
		if err := sums.Scan(&counter, &at, &delta); err != nil {
			return nil, err
		}
		if delta == 0 {
			zero = append(zero, []any{counter, at})
		}
	}
	return zero, sums.Err()
}

// A memberKey is the primary key of a row of kpi_members.
type memberKey struct {
	entryKey
	user sqldb.UUID
}

// A memberRow holds, beside what changes, the month that it is counted in and
// what the members of a month are sorted by.
type memberRow struct {
	memberKey
	delta        int64
	month        sqldb.Micros
	registeredAt sqldb.Micros
	id           opt[string]
}

var membersTable = &table{
	name:    "kpi_members",
	key:     []string{"counter", "at", "user_key"},
	columns: []string{"counter", "at", "user_key", "delta", "month_at", "registered_at", "id"},
}

func (r *memberRow) values() []any {
	return []any{string(r.counter), r.at, r.user, r.delta, r.month, r.registeredAt, r.id.arg()}
}

// memberRows gives the entries that are kept user by user: of the counters
// that are counted a month at a time. Who is counted in the others is told by
// their spans and their status.
func memberRows(u *userRow, contributions []domain.Contribution, calendar domain.Calendar) []memberRow {
	var rows []memberRow
	for _, c := range contributions {
		if c.Counter.Running() {
			continue
		}
		rows = append(rows, memberRow{
			memberKey:    memberKey{entryKey{c.Counter, sqldb.Micros(c.At)}, u.key},
			delta:        int64(c.Delta),
			month:        sqldb.Micros(calendar.Start(calendar.MonthOf(c.At))),
			registeredAt: u.registeredAt,
			id:           u.id,
		})
	}
	return rows
}
