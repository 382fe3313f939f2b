// This file changes rows and says how many.

package sqldb

import (
	"context"
	"database/sql"
)

// An Execer runs statements: a transaction, or a pool of connections.
type Execer interface {
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

// Change runs a statement that changes rows, and returns how many it has changed.
func Change(ctx context.Context, in Execer, statement string, args ...any) (int64, error) {
	result, err := in.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Change is [Change] in a transaction of its own.
func (db *DB) Change(ctx context.Context, statement string, args ...any) (n int64, err error) {
	err = db.InTx(ctx, func(tx *Tx) error {
		n, err = Change(ctx, tx, statement, args...)
		return err
	})
	return n, err
}
