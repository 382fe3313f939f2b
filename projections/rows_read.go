// This file reads rows: those of any query, and whole rows as they were written.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"boxoffice/internal/sqldb"
)

// A scanner is a row of an answer.
type scanner interface{ Scan(dest ...any) error }

// errEnough ends eachRow without an error.
var errEnough = errors.New("enough rows")

// eachRow hands over the rows of a query one after the other, until take fails.
func eachRow(ctx context.Context, q querier, text string, args []any, take func(scanner) error) error {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err == errEnough {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// read hands over the rows of a table that are of a user, in the order of its
// key: their values as rowTable.row makes them.
func (t *table) read(ctx context.Context, q querier, user sqldb.UUID, take func([]any)) error {
	text := "SELECT " + quotedList(t.columns) + " FROM " + t.name + " WHERE user_key = $1 ORDER BY " + quotedList(t.key())
	err := eachRow(ctx, q, text, []any{user}, func(row scanner) error {
		cells := make([]any, len(t.columns))
		for i := range cells {
			cells[i] = t.columns[i].typ.cell()
		}
		if err := row.Scan(cells...); err != nil {
			return err
		}
		for i := range cells {
			cells[i] = valueOf(cells[i])
		}
		take(cells)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	return nil
}

// cell makes what a column of the type is scanned into.
func (t columnType) cell() any {
	switch t {
	case uuidType:
		return new(sqldb.UUID)
	case instantType:
		return new(sqldb.Micros)
	case bigintType, integerType:
		return new(sql.Null[int64])
	case booleanType:
		return new(sql.Null[bool])
	case bytesType:
		return new([]byte)
	}
	return new(sql.Null[string])
}

// valueOf takes the value out of a cell.
func valueOf(cell any) any {
	switch cell := cell.(type) {
	case *sqldb.UUID:
		return *cell
	case *sqldb.Micros:
		return *cell
	case *sql.Null[int64]:
		return orNil(cell)
	case *sql.Null[bool]:
		return orNil(cell)
	case *[]byte:
		return *cell
	}
	return orNil(cell.(*sql.Null[string]))
}

func orNil[T any](v *sql.Null[T]) any {
	if !v.Valid {
		return nil
	}
	return v.V
}
