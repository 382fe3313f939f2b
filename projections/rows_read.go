// This file reads whole rows, as they were written.

package projections

import (
	"context"
	"database/sql"
	"fmt"

	"boxoffice/internal/sqldb"
)

// read hands over the rows of a table that are of a user, in the order of its
// key: their values as rowTable.row makes them.
func (t *table) read(ctx context.Context, q querier, user sqldb.UUID, take func([]any)) error {
	rows, err := q.QueryContext(ctx, "SELECT "+quotedList(t.columns)+" FROM "+t.name+
		" WHERE user_key = $1 ORDER BY "+quotedList(t.key()), user)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	defer rows.Close()
	for rows.Next() {
		cells := make([]any, len(t.columns))
		for i := range cells {
			cells[i] = t.columns[i].typ.cell()
		}
		if err := rows.Scan(cells...); err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		for i := range cells {
			cells[i] = valueOf(cells[i])
		}
		take(cells)
	}
	if err := rows.Err(); err != nil {
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
