// This file is a lock between processes, for work that one does at a time.

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"time"
)

// TryLock takes the lock of a name on the handle's schema, which one process
// has at a time; false where another has it. It ends with unlock, or with the
// process.
func (db *DB) TryLock(ctx context.Context, name string) (unlock func() error, ok bool, err error) {
	try := db.tryLockSQLite
	if db.dialect.Name == Postgres {
		try = db.tryLockPostgres
	}
	if unlock, ok, err = try(ctx, name); err != nil {
		return nil, false, fmt.Errorf("take the lock %s: %w", name, err)
	}
	return unlock, ok, nil
}

// lock is [DB.TryLock], and waits while another process has the lock.
func (db *DB) lock(ctx context.Context, name string) (unlock func() error, err error) {
	for {
		unlock, ok, err := db.TryLock(ctx, name)
		if err != nil || ok {
			return unlock, err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// tryLockPostgres takes an advisory lock on a connection of its own.
func (db *DB) tryLockPostgres(ctx context.Context, name string) (func() error, bool, error) {
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
	return func() error {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key); err != nil {
			discard(conn)
			return err
		}
		return conn.Close()
	}, true, nil
}

// discard ends a connection, which isn't to go back to the pool, and with it the
// locks that it holds.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// tryLockSQLite holds a transaction open on an empty database beside the file's:
// the engine's own lock, on every system that it runs on.
func (db *DB) tryLockSQLite(ctx context.Context, name string) (func() error, bool, error) {
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
	return func() error {
		tx.Rollback()
		return pool.Close()
	}, true, nil
}
