// This file changes many rows at once on PostgreSQL: the values go over as one
// array a column, which costs the server a fraction of a parameter a value.

package sqldb

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// Arrays gives rows as arguments of one statement of PostgreSQL, an array a
// column, and the FROM item that makes rows of them again under the name v. The
// arguments are $1 and on. The arrays have the types of the table's columns.
func (tx *Tx) Arrays(ctx context.Context, table string, columns []string, rows int, value func(row, column int) any) (item string, args []any, err error) {
	types, err := tx.columnTypes(ctx, table)
	if err != nil {
		return "", nil, err
	}
	arrays := make([]string, len(columns))
	args = make([]any, len(columns))
	for c, column := range columns {
		kind, ok := types[column]
		if !ok {
			return "", nil, fmt.Errorf("the table %s has no column %s", table, column)
		}
		arrays[c] = fmt.Sprintf("$%d::%s[]", c+1, kind)
		values := make(pgtype.FlatArray[any], rows)
		for r := range values {
			values[r] = value(r, c)
		}
		args[c] = values
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS v (" + quoteAll(columns) + ")", args, nil
}

// columnTypes gives the types of a table's columns. They are asked for once:
// no migration changes a type.
func (tx *Tx) columnTypes(ctx context.Context, table string) (map[string]string, error) {
	if known, ok := tx.types.Load(table); ok {
		return known.(map[string]string), nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = CAST($1 AS text)::regclass AND attnum > 0 AND NOT attisdropped`, quote(table))
	if err != nil {
		return nil, fmt.Errorf("look up the columns of %s: %w", table, err)
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var column, kind string
		if err := rows.Scan(&column, &kind); err != nil {
			return nil, fmt.Errorf("look up the columns of %s: %w", table, err)
		}
		types[column] = kind
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up the columns of %s: %w", table, err)
	}
	tx.types.Store(table, types)
	return types, nil
}
