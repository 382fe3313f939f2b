// This file reads many rows with little work for each: it takes them from the
// drivers as they have them, past database/sql, which converts and copies.

package sqldb

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A RawRow is a row of [DB.Scan]. What its methods return is valid until the next row.
// Columns are counted from 0, and each is read by the method for its type;
// columns that may be NULL are those that are read with Bytes.
type RawRow struct {
	binary [][]byte       // PostgreSQL: the values in their binary form
	values []driver.Value // SQLite
}

// Int64 reads a bigint, INTEGER on SQLite.
func (r *RawRow) Int64(i int) int64 {
	if r.binary != nil {
		return int64(binary.BigEndian.Uint64(r.binary[i]))
	}
	return r.values[i].(int64)
}

// microsTo2000 is the instant from which PostgreSQL counts.
const microsTo2000 = 946_684_800_000_000

// Micros reads an instant.
func (r *RawRow) Micros(i int) Micros {
	if r.binary != nil {
		return Micros(r.Int64(i) + microsTo2000)
	}
	return Micros(r.Int64(i))
}

// UUID reads a UUID.
func (r *RawRow) UUID(i int) UUID { return UUID(r.Bytes(i)) }

// Bytes reads a bytea, BLOB on SQLite; nil is NULL.
func (r *RawRow) Bytes(i int) []byte {
	if r.binary != nil {
		return r.binary[i]
	}
	b, _ := r.values[i].([]byte) // what isn't is NULL
	return b
}

// Text reads a text. It is before, where that says the same, so that a text
// that row after row has isn't allocated for each.
func (r *RawRow) Text(i int, before string) string {
	if r.binary == nil {
		return r.values[i].(string)
	}
	if string(r.binary[i]) == before {
		return before
	}
	return string(r.binary[i])
}

// Scan runs a query and hands each of its rows to take, which ends it by an
// error. Like any statement it sees one moment of the database. The arguments
// are int64, Micros and UUID.
func (db *DB) Scan(ctx context.Context, query string, args []any, take func(*RawRow) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer conn.Close()
	var failed error
	err = conn.Raw(func(driverConn any) error {
		if pg, ok := driverConn.(*stdlib.Conn); ok {
			failed = scanPostgres(ctx, pg.Conn(), query, args, take)
		} else {
			failed = scanSQLite(ctx, driverConn.(driver.QueryerContext), query, args, take)
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return err
}

func scanPostgres(ctx context.Context, conn *pgx.Conn, query string, args []any, take func(*RawRow) error) error {
	rows, err := conn.Query(ctx, query, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var row RawRow
	for rows.Next() {
		row.binary = rows.RawValues()
		if err := take(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanSQLite(ctx context.Context, conn driver.QueryerContext, query string, args []any, take func(*RawRow) error) error {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	// The driver does work for each row to have a context end it.
	rows, err := conn.QueryContext(context.WithoutCancel(ctx), query, named)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := RawRow{values: make([]driver.Value, len(rows.Columns()))}
	for n := 1; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch err := rows.Next(row.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := take(&row); err != nil {
			return err
		}
	}
}
