// This file runs transactions: one that writes, and one that reads a single
// moment of the database.

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"boxoffice/internal/pause"
)

// A Tx is a transaction that writes. It is for one goroutine at a time.
type Tx struct {
	*sql.Tx
	conn    *sql.Conn
	dialect *Dialect
}

// Dialect says how the engine differs.
func (tx *Tx) Dialect() *Dialect { return tx.dialect }

// A CommitError says that a commit failed in a way that leaves open whether
// the transaction took effect: the connection broke between the request and
// the answer.
type CommitError struct{ Err error }

func (e *CommitError) Error() string { return "outcome of the commit unknown: " + e.Err.Error() }

func (e *CommitError) Unwrap() error { return e.Err }

// maxAttempts is how often a transaction that met another is tried in all.
const maxAttempts = 12

// InTx runs f in a transaction that may write, and commits it where f returns
// nil. A transaction that the engine gave up in favour of another
// (serialization failure, deadlock, busy file) is run again from its start, so
// f must have no effect besides the transaction's. A commit whose outcome isn't
// known is not tried again; its error is a [*CommitError]. On SQLite one such
// transaction of a handle runs at a time: f must not call InTx of the same
// handle.
func (db *DB) InTx(ctx context.Context, f func(*Tx) error) error {
	if db.writer != nil {
		select {
		case conn := <-db.writer:
			defer func() { db.writer <- conn }()
			return db.retryTx(ctx, conn, f)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return db.retryTx(ctx, &writerConn{}, f)
}

// retryTx tries until the engine doesn't give the transaction up.
func (db *DB) retryTx(ctx context.Context, writer *writerConn, f func(*Tx) error) error {
	// Two that met don't try again at the same pace.
	pauses := pause.New(2*time.Millisecond, 150*time.Millisecond)
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := db.tryTx(ctx, writer, f)
		if err != nil && !isTransient(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxAttempts), backoff.WithMaxElapsedTime(0))
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return ctx.Err() // as database/sql has it, whatever the cause
	}
	return err
}

// tryTx runs f in one transaction.
func (db *DB) tryTx(ctx context.Context, writer *writerConn, f func(*Tx) error) (err error) {
	conn, err := writer.get(ctx, db)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	committed := false
	defer func() { writer.release(committed && db.dialect.oneWriter) }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After a commit this does nothing; after a panic or an error of f it is
	// what lets go of the locks.
	defer tx.Rollback()
	if err := f(&Tx{Tx: tx, conn: conn, dialect: db.dialect}); err != nil {
		if ctx.Err() != nil && errors.Is(err, driver.ErrBadConn) {
			return ctx.Err() // for which the driver has closed the connection
		}
		return err
	}
	err = commit(ctx, tx)
	committed = err == nil
	return err
}

// A writerConn is the connection of a transaction that writes. On SQLite it is
// kept for the next: its cache is worth keeping, and the only one that may be
// large, since memory is bounded by the number of connections.
type writerConn struct{ conn *sql.Conn }

func (w *writerConn) get(ctx context.Context, db *DB) (*sql.Conn, error) {
	if w.conn != nil {
		return w.conn, nil
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if db.dialect.onWriter != "" {
		if _, err := conn.ExecContext(ctx, db.dialect.onWriter); err != nil {
			conn.Close()
			return nil, err
		}
	}
	w.conn = conn
	return conn, nil
}

// release puts the connection back into the pool, unless it is to be kept. After
// a transaction that didn't commit it never is: where the context has ended,
// database/sql rolls back in a goroutine of its own, and closing the connection
// waits for that. On a connection that is kept it would come in the middle of
// the next transaction.
func (w *writerConn) release(keep bool) {
	if !keep && w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

func commit(ctx context.Context, tx *sql.Tx) error {
	// database/sql rolls back by itself when the context has ended before the
	// commit, and that is certain.
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	switch err := tx.Commit(); {
	case err == nil:
		return nil
	case IsDefinite(err):
		return fmt.Errorf("commit: %w", err)
	default:
		return &CommitError{Err: err}
	}
}

// ReadTx runs f in a transaction that only reads and sees one moment of the
// database, however long it takes: the moment of its first statement. It
// doesn't wait for writers, and writers don't wait for it.
func (db *DB) ReadTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, &sql.TxOptions{Isolation: db.dialect.snapshot(), ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	defer tx.Rollback()
	return f(tx)
}

// snapshot is the isolation under which a transaction sees a single moment.
func (d *Dialect) snapshot() sql.IsolationLevel {
	if d.Name == Postgres {
		return sql.LevelRepeatableRead
	}
	// Every transaction of SQLite does, and its driver knows no other level.
	return sql.LevelDefault
}
