// This file loads many rows at once: with COPY on PostgreSQL, with prepared
// inserts of several rows on SQLite.

package sqldb

import (
	"context"
	"fmt"
)

// Rows is an iterator over rows. Next moves to the next row and says
// whether there is one; Values are the row's values in the order of the
// columns, and may be overwritten by the next call of Next; Err is why Next
// stopped, nil at the end.
type Rows interface {
	Next() bool
	Values() ([]any, error)
	Err() error
}

type copyFunc func(ctx context.Context, tx *Tx, table string, columns []string, rows Rows) (int64, error)

// CopyIn loads rows into columns of table and returns how many. A row that
// breaks a rule of the table fails the whole load and, on PostgreSQL, the
// transaction.
func (tx *Tx) CopyIn(ctx context.Context, table string, columns []string, rows Rows) (int64, error) {
	n, err := tx.dialect.copy(ctx, tx, table, columns, rows)
	if err != nil {
		return n, fmt.Errorf("load into %s: %w", table, err)
	}
	return n, nil
}

// RowsOf returns n rows, the i-th as row(i) writes it into values, which has a
// place for each of the columns.
func RowsOf(n, columns int, row func(i int, values []any)) Rows {
	return &rowsOf{n: n, row: row, values: make([]any, columns), at: -1}
}

type rowsOf struct {
	n, at  int
	row    func(int, []any)
	values []any
}

func (r *rowsOf) Next() bool {
	r.at++
	return r.at < r.n
}

func (r *rowsOf) Values() ([]any, error) {
	r.row(r.at, r.values)
	return r.values, nil
}

func (r *rowsOf) Err() error { return nil }
