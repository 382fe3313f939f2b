// This file runs one statement many times in a transaction.

package sqldb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// UpdateEach runs a statement n times, each with arguments of its own, without
// waiting for the answer to one before sending the next where the engine is
// away.
func UpdateEach(ctx context.Context, tx *Tx, n int, statement string, args func(i int) []any) error {
	if n == 0 {
		return nil
	}
	if tx.dialect.Name == Postgres {
		return updateEachPostgres(ctx, tx, n, statement, args)
	}
	prepared, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for i := range n {
		if _, err := prepared.ExecContext(ctx, args(i)...); err != nil {
			return err
		}
	}
	return nil
}

func updateEachPostgres(ctx context.Context, tx *Tx, n int, statement string, args func(i int) []any) error {
	var batch pgx.Batch
	for i := range n {
		batch.Queue(statement, args(i)...)
	}
	err := tx.conn.Raw(func(driverConn any) error {
		return driverConn.(*stdlib.Conn).Conn().SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return fmt.Errorf("update %d rows: %w", n, err)
	}
	return nil
}
