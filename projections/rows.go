// This file writes many rows of one table with few statements.

package projections

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"boxoffice/internal/sqldb"
)

// A table is what has to be known of a table to write into it.
type table struct {
	name    string
	key     []string // the primary key
	columns []string // all columns, those of the key first
	// reported are the columns that a change of a row sets; nil: all but the key.
	reported []string
}

// changing gives the columns that a change of a row sets.
func (t *table) changing() []string {
	if t.reported != nil {
		return t.reported
	}
	return t.columns[len(t.key):]
}

// copyFrom is the number of rows from which loading in bulk is worth its
// longer start.
const copyFrom = 64

// insert writes rows that aren't there yet.
func (t *table) insert(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
	if len(rows) >= copyFrom {
		return t.load(ctx, tx, rows)
	}
	if tx.Dialect().Name == sqldb.Postgres && len(rows) > 0 {
		return t.insertFromArrays(ctx, tx, rows)
	}
	return t.write(ctx, tx, rows, "")
}

// load writes rows that aren't there yet in bulk, however few.
func (t *table) load(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.CopyIn(ctx, t.name, t.columns, sqldb.RowsOf(len(rows), len(t.columns),
		func(i int, values []any) { copy(values, rows[i]) }))
	return err
}

// insertFromArrays writes a few rows that aren't there yet on PostgreSQL, in one
// statement whatever their number.
func (t *table) insertFromArrays(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
	from, args, err := tx.Arrays(ctx, t.name, t.columns, len(rows), func(row, column int) any { return rows[row][column] })
	if err == nil {
		columns := quotedList(t.columns)
		_, err = tx.ExecContext(ctx, "INSERT INTO "+t.name+" ("+columns+") SELECT "+columns+" FROM "+from, args...)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	return nil
}

// update changes rows that are there: the columns change are set to the rows'
// and the others stay; change may not hold a column of the key. Naming few
// columns saves the work on the indexes of the others.
func (t *table) update(ctx context.Context, tx *sqldb.Tx, change []string, rows [][]any) error {
	if tx.Dialect().Name == sqldb.Postgres {
		return t.updateFromArrays(ctx, tx, change, rows)
	}
	return t.write(ctx, tx, rows, " ON CONFLICT ("+quotedList(t.key)+") DO UPDATE SET "+settings(change, "excluded"))
}

// updatedAtOnce bounds the memory of one statement.
const updatedAtOnce = 4096

// updateFromArrays changes rows on PostgreSQL, where that takes a third of the
// time of an upsert.
func (t *table) updateFromArrays(ctx context.Context, tx *sqldb.Tx, change []string, rows [][]any) error {
	columns := slices.Concat(t.key, change)
	places := make([]int, len(columns))
	for i, column := range columns {
		places[i] = slices.Index(t.columns, column)
	}
	for part := range slices.Chunk(rows, updatedAtOnce) {
		from, args, err := tx.Arrays(ctx, t.name, columns, len(part), func(row, column int) any { return part[row][places[column]] })
		if err != nil {
			return fmt.Errorf("change %s: %w", t.name, err)
		}
		text := "UPDATE " + t.name + " SET " + settings(change, "v") + " FROM " + from + " WHERE " + t.sameKey("v")
		result, err := tx.ExecContext(ctx, text, args...)
		if err != nil {
			return fmt.Errorf("change %s: %w", t.name, err)
		}
		if n, err := result.RowsAffected(); err != nil || n != int64(len(part)) {
			return orElse(err, fmt.Errorf("change %s: %d of %d rows are there", t.name, n, len(part)))
		}
	}
	return nil
}

// settings gives the part of a statement that sets columns to those of from.
func settings(columns []string, from string) string {
	set := make([]string, len(columns))
	for i, column := range columns {
		set[i] = quoted(column) + " = " + from + "." + quoted(column)
	}
	return strings.Join(set, ", ")
}

// sameKey is the condition that a row of the table has the key of one of from.
func (t *table) sameKey(from string) string {
	same := make([]string, len(t.key))
	for i, column := range t.key {
		same[i] = t.name + "." + quoted(column) + " = " + from + "." + quoted(column)
	}
	return strings.Join(same, " AND ")
}

// write inserts rows in statements of several rows each.
func (t *table) write(ctx context.Context, tx *sqldb.Tx, rows [][]any, conflict string) error {
	for len(rows) > 0 {
		n := chunk(len(rows))
		if _, err := tx.ExecContext(ctx, t.insertText(tx, n)+conflict, flatten(rows[:n])...); err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
		rows = rows[n:]
	}
	return nil
}

// insertText gives the statement that inserts n rows.
func (t *table) insertText(tx *sqldb.Tx, n int) string {
	b := builder{bare: tx.Dialect().Name == sqldb.SQLite}
	b.WriteString("INSERT INTO " + t.name + " (" + quotedList(t.columns) + ") VALUES (")
	for i := range n {
		if i > 0 {
			b.WriteString("), (")
		}
		for j := range t.columns {
			if j > 0 {
				b.WriteString(", ")
			}
			b.parameter()
		}
	}
	b.WriteByte(')')
	return b.String()
}

// A builder puts a statement together whose parameters are each used once, in
// their order.
type builder struct {
	strings.Builder
	// bare leaves out the parameters' numbers: SQLite looks each up among all
	// others, which takes quadratic time.
	bare bool
	n    int
}

func (b *builder) parameter() {
	if b.bare {
		b.WriteByte('?')
		return
	}
	b.n++
	b.WriteByte('$')
	b.WriteString(strconv.Itoa(b.n))
}

// delete removes the rows with the keys.
func (t *table) delete(ctx context.Context, tx *sqldb.Tx, keys [][]any) error {
	if tx.Dialect().Name == sqldb.Postgres {
		return t.deleteByArrays(ctx, tx, keys)
	}
	for len(keys) > 0 {
		n := min(chunk(len(keys)), 32) // longer conditions take longer to plan than to run
		if _, err := tx.ExecContext(ctx, t.deleteText(tx, n), flatten(keys[:n])...); err != nil {
			return fmt.Errorf("delete from %s: %w", t.name, err)
		}
		keys = keys[n:]
	}
	return nil
}

// deleteByArrays removes rows on PostgreSQL.
func (t *table) deleteByArrays(ctx context.Context, tx *sqldb.Tx, keys [][]any) error {
	for part := range slices.Chunk(keys, updatedAtOnce) {
		from, args, err := tx.Arrays(ctx, t.name, t.key, len(part), func(row, column int) any { return part[row][column] })
		if err != nil {
			return fmt.Errorf("delete from %s: %w", t.name, err)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name+" USING "+from+" WHERE "+t.sameKey("v"), args...); err != nil {
			return fmt.Errorf("delete from %s: %w", t.name, err)
		}
	}
	return nil
}

// deleteText gives the statement that deletes n rows by their keys.
func (t *table) deleteText(tx *sqldb.Tx, n int) string {
	b := builder{bare: tx.Dialect().Name == sqldb.SQLite}
	b.WriteString("DELETE FROM " + t.name + " WHERE ")
	for i := range n {
		if i > 0 {
			b.WriteString(" OR ")
		}
		for j, column := range t.key {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(quoted(column) + " = ")
			b.parameter()
		}
	}
	return b.String()
}

// chunk gives how many of n rows go into one statement: a power of two, so that
// the texts of the statements are few and can stay prepared.
func chunk(n int) int {
	size := 128
	for size > n {
		size /= 2
	}
	return size
}

func flatten(rows [][]any) []any {
	args := make([]any, 0, len(rows)*len(rows[0]))
	for _, row := range rows {
		args = append(args, row...)
	}
	return args
}

func quoted(name string) string { return `"` + name + `"` }

func quotedList(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// An opt is a value that may be NULL. Unlike a pointer it can be compared.
type opt[T comparable] struct {
	value T
	there bool
}

func optOf[T comparable](p *T) opt[T] {
	if p == nil {
		return opt[T]{}
	}
	return opt[T]{value: *p, there: true}
}

// arg gives the value as an argument of a statement.
func (o opt[T]) arg() any {
	if !o.there {
		return nil
	}
	return o.value
}

// inChunks runs f on slices of keys that are short enough for one condition.
func inChunks[T any](keys []T, f func([]T) error) error {
	const size = 2048
	for len(keys) > 0 {
		n := min(len(keys), size)
		if err := f(keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// compareRows says how to get from the rows of a user in one table as they were
// to those as they are: what to add, to change and to remove. Rows are
// comparable, and key gives what tells them apart.
func compareRows[R, K comparable](were, are []R, key func(R) K) (added, changed []R, gone []K) {
	if slices.Equal(were, are) {
		return nil, nil, nil
	}
	old := make(map[K]R, len(were))
	for _, r := range were {
		old[key(r)] = r
	}
	for _, r := range are {
		before, ok := old[key(r)]
		switch {
		case !ok:
			added = append(added, r)
		case before != r:
			changed = append(changed, r)
		}
		delete(old, key(r))
	}
	for _, r := range were {
		if _, left := old[key(r)]; left {
			gone = append(gone, key(r))
		}
	}
	return added, changed, gone
}
