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

const hour domain.Instant = 3600 * 1e6

// An entryRow is a row of kpi_changes, kpi_hours or kpi_months.
type entryRow struct {
	entryKey
	delta int64
}

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
		table   *rowTable[entryRow]
		entries ledger
	}{{changesTable, l}, {hoursTable, hours}, {monthsTable, months}} {
		if err := part.entries.addTo(ctx, tx, part.table); err != nil {
			return err
		}
	}
	return nil
}

// addTo adds the entries to the rows of a table. A row that comes to zero is
// removed, so that a ledger is the same whatever way led to it. What is there is
// read first: most entries are of instants that are new, or that go.
func (l ledger) addTo(ctx context.Context, tx *sqldb.Tx, t *rowTable[entryRow]) error {
	keys := l.keys()
	were, err := loadSums(ctx, tx, t.table, keys)
	if err != nil {
		return fmt.Errorf("load %s: %w", t.name, err)
	}
	var w tableWrites
	for _, key := range keys {
		was, there := were[key]
		row := t.row(&entryRow{key, was + l[key]})
		switch {
		case !there:
			w.add(row)
		case was+l[key] == 0:
			w.remove(row[:t.keys])
		default:
			w.change(0, row)
		}
	}
	return w.flush(ctx, tx, t.table)
}

// loadSums reads the rows of sorted keys that are there.
func loadSums(ctx context.Context, tx *sqldb.Tx, t *table, keys []entryKey) (ledger, error) {
	sums := make(ledger, len(keys))
	if tx.Dialect().Name == sqldb.Postgres {
		return sums, loadFromArrays(ctx, tx, t, keys, sums)
	}
	for len(keys) > 0 {
		counter := keys[0].counter
		var at []sqldb.Micros
		for len(at) < len(keys) && keys[len(at)].counter == counter {
			at = append(at, keys[len(at)].at)
		}
		keys = keys[len(at):]
		if err := inChunks(at, func(at []sqldb.Micros) error { return loadCounter(ctx, tx, t, counter, at, sums) }); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// loadFromArrays reads rows of all counters with few questions: each costs
// PostgreSQL a way there and back.
func loadFromArrays(ctx context.Context, tx *sqldb.Tx, t *table, keys []entryKey, sums ledger) error {
	for part := range slices.Chunk(keys, updatedAtOnce) {
		entries := make([][]any, len(part))
		for i, key := range part {
			entries[i] = []any{string(key.counter), key.at}
		}
		from, args := arrays(t.key(), entries)
		text := "SELECT v.*, " + t.name + ".delta FROM " + from + " JOIN " + t.name + " ON " + t.sameKey("v")
		if err := eachRow(ctx, tx, text, args, sums.scan); err != nil {
			return err
		}
	}
	return nil
}

// scan takes up an entry.
func (l ledger) scan(row scanner) error {
	var key entryKey
	var counter string
	var delta int64
	err := row.Scan(&counter, &key.at, &delta)
	key.counter = domain.Counter(counter)
	l[key] = delta
	return err
}

func loadCounter(ctx context.Context, tx *sqldb.Tx, t *table, counter domain.Counter, at []sqldb.Micros, sums ledger) error {
	column := t.columns[1].name
	in, args := sqldb.In(tx.Dialect(), column, 2, at)
	return eachRow(ctx, tx, "SELECT counter, "+column+", delta FROM "+t.name+" WHERE counter = $1 AND "+in,
		append([]any{string(counter)}, args...), sums.scan)
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

// hourOf returns the first instant of the hour that i lies in, of the month that
// begins at start.
func hourOf(start, i domain.Instant) domain.Instant { return i - (i-start)%hour }

// keys returns the keys of the entries that aren't zero, in order.
func (l ledger) keys() []entryKey {
	keys := make([]entryKey, 0, len(l))
	for key, delta := range l {
		if delta != 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b entryKey) int {
		return cmp.Or(cmp.Compare(a.counter, b.counter), cmp.Compare(a.at, b.at))
	})
	return keys
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

func (r memberRow) rowKey() memberKey { return r.memberKey }

// memberRows returns the entries that are kept user by user: of the counters
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
