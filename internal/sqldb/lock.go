// This file is a lock between processes, for work that one does at a time.

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"time"

	"boxoffice/internal/pause"
)

// A Lock is one that a handle has. It is an alias, so that whoever needs locks can
// declare what it needs of them beside itself. A lock is for one goroutine.
type Lock = interface {
	// Check returns an error where the handle may no longer have the lock: in
	// PostgreSQL it ends with its connection, which the server, or whatever is in
	// between, may cut while nobody uses it.
	Check(ctx context.Context) error
	// Unlock releases the lock.
	Unlock() error
}

// TryLock takes the lock of a name on the handle's schema, which one process
// has at a time; false where another has it. It ends with Unlock, or with the
// process.
func (db *DB) TryLock(ctx context.Context, name string) (lock Lock, ok bool, err error) {
	try := db.tryLockSQLite
	if db.dialect.Name == Postgres {
		try = db.tryLockPostgres
	}
	if lock, ok, err = try(ctx, name); err != nil {
		return nil, false, fmt.Errorf("take the lock %s: %w", name, err)
	}
	return lock, ok, nil
}

// lock is [DB.TryLock], and waits while another process has the lock.
func (db *DB) lock(ctx context.Context, name string) (Lock, error) {
	for {
		lock, ok, err := db.TryLock(ctx, name)
		if err != nil || ok {
			return lock, err
		}
		if err := pause.Wait(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// tryLockPostgres takes an advisory lock on a connection of its own.
func (db *DB) tryLockPostgres(ctx context.Context, name string) (Lock, bool, error) {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	hash := fnv.New64a()
	hash.Write([]byte("boxoffice " + name + " " + db.schema))
	key := int64(hash.Sum64())
	var ok bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&ok); err != nil {
		discard(conn) // it may have the lock
		return nil, false, err
	}
	if !ok {
		return nil, false, conn.Close()
	}
	return &postgresLock{conn, key}, true, nil
}

// A postgresLock is an advisory lock of a session.
type postgresLock struct {
	conn *sql.Conn
	key  int64
}

// Check asks the server whether the session is still there: its locks are as long
// as it is, and the connection is never replaced by another.
func (l *postgresLock) Check(ctx context.Context) error { return l.conn.PingContext(ctx) }

func (l *postgresLock) Unlock() error {
	if _, err := l.conn.ExecContext(context.Background(), "SELECT pg_advisory_unlock($1)", l.key); err != nil {
		discard(l.conn)
		return err
	}
	return l.conn.Close()
}

// discard ends a connection, which isn't to go back to the pool, and with it the
// locks that it holds.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// tryLockSQLite holds a transaction open on an empty database beside the file's:
// the engine's own lock, on every system that it runs on.
func (db *DB) tryLockSQLite(ctx context.Context, name string) (Lock, bool, error) {
	path := db.location.(*sqliteLocation).file(db.schema) + "-" + name
	pool, err := sql.Open("sqlite", "file:"+escapePath(path)+"?_busy_timeout=0&_txlock=exclusive")
	if err != nil {
		return nil, false, err
	}
	tx, err := pool.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		pool.Close()
		if isTransient(err) {
			err = nil
		}
		return nil, false, err
	}
	return &sqliteLock{pool, tx}, true, nil
}

// A sqliteLock is a transaction that is open, on a database of its own.
type sqliteLock struct {
	pool *sql.DB
	tx   *sql.Tx
}

// Check finds the lock there: nobody but its own process can end it.
func (l *sqliteLock) Check(context.Context) error { return nil }

func (l *sqliteLock) Unlock() error {
	l.tx.Rollback()
	return l.pool.Close()
}
