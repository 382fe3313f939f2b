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
	_, err := tx.CopyIn(ctx, t.name, namesOf(t.columns), sqldb.RowsOf(len(rows), len(t.columns),
		func(i int, values []any) { copy(values, rows[i]) }))
	return err
}

// arrays makes of the columns of rows the arguments of a statement, and the FROM
// item that makes rows of them again.
func arrays(columns []column, rows [][]any) (from string, args []any) {
	typed := make([]sqldb.ArrayColumn, len(columns))
	for i, c := range columns {
		typed[i] = sqldb.ArrayColumn{Name: c.name, Type: c.typ.postgres}
	}
	return sqldb.Arrays(typed, len(rows), func(row, column int) any { return rows[row][columns[column].index] })
}

// insertFromArrays writes a few rows that aren't there yet on PostgreSQL, in one
// statement whatever their number.
func (t *table) insertFromArrays(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
	from, args := arrays(t.columns, rows)
	columns := quotedList(t.columns)
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+t.name+" ("+columns+") SELECT "+columns+" FROM "+from, args...); err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	return nil
}

// update changes rows that are there: the columns of the groups are set to the
// rows' and the others stay. Naming few columns saves the work on the indexes of
// the others.
func (t *table) update(ctx context.Context, tx *sqldb.Tx, groups columnGroups, rows [][]any) error {
	if tx.Dialect().Name == sqldb.Postgres {
		return t.updateFromArrays(ctx, tx, groups, rows)
	}
	return t.write(ctx, tx, rows, " ON CONFLICT ("+quotedList(t.key())+") DO UPDATE SET "+settings(t.of(groups), "excluded"))
}

// updatedAtOnce bounds the memory of one statement.
const updatedAtOnce = 4096

// updateFromArrays changes rows on PostgreSQL, where that takes a third of the
// time of an upsert.
func (t *table) updateFromArrays(ctx context.Context, tx *sqldb.Tx, groups columnGroups, rows [][]any) error {
	change := t.of(groups)
	columns := slices.Concat(t.key(), change)
	for part := range slices.Chunk(rows, updatedAtOnce) {
		from, args := arrays(columns, part)
		text := "UPDATE " + t.name + " SET " + settings(change, "v") + " FROM " + from + " WHERE " + t.sameKey("v")
		n, err := sqldb.Change(ctx, tx, text, args...)
		if err != nil {
			return fmt.Errorf("change %s: %w", t.name, err)
		}
		if n != int64(len(part)) {
			return fmt.Errorf("change %s: %d of %d rows are there", t.name, n, len(part))
		}
	}
	return nil
}

// settings returns the part of a statement that sets columns to those of from.
func settings(columns []column, from string) string {
	set := make([]string, len(columns))
	for i := range columns {
		set[i] = columns[i].quoted() + " = " + from + "." + columns[i].quoted()
	}
	return strings.Join(set, ", ")
}

// sameKey is the condition that a row of the table has the key of one of from.
func (t *table) sameKey(from string) string {
	same := make([]string, t.keys)
	for i := range same {
		column := t.columns[i].quoted()
		same[i] = t.name + "." + column + " = " + from + "." + column
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

// insertText returns the statement that inserts n rows.
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
		from, args := arrays(t.key(), part)
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name+" USING "+from+" WHERE "+t.sameKey("v"), args...); err != nil {
			return fmt.Errorf("delete from %s: %w", t.name, err)
		}
	}
	return nil
}

// deleteText returns the statement that deletes n rows by their keys.
func (t *table) deleteText(tx *sqldb.Tx, n int) string {
	b := builder{bare: tx.Dialect().Name == sqldb.SQLite}
	b.WriteString("DELETE FROM " + t.name + " WHERE ")
	for i := range n {
		if i > 0 {
			b.WriteString(" OR ")
		}
		for j := range t.key() {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(t.columns[j].quoted() + " = ")
			b.parameter()
		}
	}
	return b.String()
}

// chunk returns how many of n rows go into one statement: a power of two, so that
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

func (c *column) quoted() string { return `"` + c.name + `"` }

func quotedList(columns []column) string { return `"` + strings.Join(namesOf(columns), `", "`) + `"` }

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

// arg returns the value as an argument of a statement.
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
// comparable, and rowKey tells them apart.
func compareRows[R keyed[K], K comparable](were, are []R) (added, changed, gone []R) {
	if len(were) == 0 {
		return are, nil, nil
	}
	if slices.Equal(were, are) {
		return nil, nil, nil
	}
	old := make(map[K]R, len(were))
	for _, r := range were {
		old[r.rowKey()] = r
	}
	for _, r := range are {
		before, ok := old[r.rowKey()]
		switch {
		case !ok:
			added = append(added, r)
		case before != r:
			changed = append(changed, r)
		}
		delete(old, r.rowKey())
	}
	for _, r := range were {
		if _, left := old[r.rowKey()]; left {
			gone = append(gone, r)
		}
	}
	return added, changed, gone
}

// A keyed row has a primary key.
type keyed[K comparable] interface {
	comparable
	rowKey() K
}
