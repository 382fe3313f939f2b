// This file removes from the bytes that an engine keeps what is in no table any
// more: it rewrites tables and recycles the write-ahead log.

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"boxoffice/internal/pause"
)

// ErrInUse says that a table or a log couldn't be rewritten because somebody
// else is using it for long.
var ErrInUse = errors.New("it is in use")

// ErrNotAllowed says that the database's role may not do what was asked.
var ErrNotAllowed = errors.New("the database's role may not do that")

const (
	// lockTries is how often a table or log that is in use is tried in all, and
	// lockTime how long it is waited for each time: whoever comes after waits
	// that long too.
	lockTries = 5
	lockTime  = 5 * time.Second
)

// Rewrite rewrites a table and its indexes, so that nothing of rows that
// were deleted or changed is left in them. Nobody else can use the table
// meanwhile. An error wraps [ErrInUse] where somebody has been using it for
// long, or [ErrNotAllowed] where it is another role's.
func (db *DB) Rewrite(ctx context.Context, table string) error {
	rewrite := db.rewriteSQLite
	if db.dialect.Name == Postgres {
		rewrite = db.rewritePostgres
	}
	if err := rewrite(ctx, table); err != nil {
		return fmt.Errorf("rewrite the table %s: %w", table, err)
	}
	return nil
}

// rewritePostgres has the engine write the table into new files, and look at
// what is in it.
func (db *DB) rewritePostgres(ctx context.Context, table string) error {
	name := pgx.Identifier{table}.Sanitize()
	before, err := db.fileOf(ctx, table)
	if err != nil {
		return err
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT set_config('lock_timeout', $1, false)", lockTime.String()); err != nil {
		return err
	}
	defer func() {
		// Where that fails the connection is broken, and nobody gets it again.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "RESET lock_timeout")
	}()
	if err := awaitOlder(ctx, conn); err != nil {
		return err
	}
	if err := tryLocked(ctx, func() error {
		_, err := conn.ExecContext(ctx, "VACUUM (FULL, ANALYZE) "+name)
		return err
	}); err != nil {
		return err
	}
	// What the role doesn't own is left out with no more than a warning.
	after, err := db.fileOf(ctx, table)
	if err == nil && after == before {
		err = fmt.Errorf("%w: it is the owner's of the table", ErrNotAllowed)
	}
	return err
}

func (db *DB) fileOf(ctx context.Context, table string) (file int64, err error) {
	err = db.sql.QueryRowContext(ctx, "SELECT pg_relation_filenode(CAST($1 AS regclass))", pgx.Identifier{table}.Sanitize()).Scan(&file)
	return file, err
}

// awaitOlder waits until no transaction is left that began before now. What one
// still sees of deleted rows would be copied with the others.
func awaitOlder(ctx context.Context, conn *sql.Conn) error {
	var now string
	if err := conn.QueryRowContext(ctx, "SELECT CAST(CAST(pg_current_xact_id() AS xid) AS text)").Scan(&now); err != nil {
		return err
	}
	for end := time.Now().Add(lockTries * lockTime); ; {
		var older int
		err := conn.QueryRowContext(ctx, `SELECT
			(SELECT count(*) FROM pg_stat_activity WHERE (datname = current_database() OR backend_type = 'walsender') AND pid <> pg_backend_pid()
				AND (age(backend_xmin) >= age(CAST($1 AS xid)) OR age(backend_xid) >= age(CAST($1 AS xid)))
				AND backend_type <> 'autovacuum worker')
			+ (SELECT count(*) FROM pg_replication_slots WHERE age(xmin) >= age(CAST($1 AS xid)))
			+ (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())`, now).Scan(&older)
		if err != nil || older == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: %d transactions, such as a long export, still see what was there before", ErrInUse, older)
		}
		if err := pause.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// tryLocked runs f until it gets the lock that it wants.
func tryLocked(ctx context.Context, f func() error) error {
	const lockNotAvailable = "55P03"
	for try := 1; ; try++ {
		err := f()
		pg := (*pgconn.PgError)(nil)
		if err == nil || !errors.As(err, &pg) || pg.Code != lockNotAvailable {
			return err
		}
		if try == lockTries {
			return fmt.Errorf("%w by somebody else, such as a long export: %w", ErrInUse, err)
		}
		if err := pause.Wait(ctx, lockTime); err != nil {
			return err
		}
	}
}

// rewriteSQLite copies the table and drops the old one, whose pages are
// overwritten with zeros when they are freed (secure_delete).
func (db *DB) rewriteSQLite(ctx context.Context, table string) error {
	return db.InTx(ctx, func(tx *Tx) error {
		create, rest, err := schemaOf(ctx, tx, table)
		if err != nil {
			return err
		}
		copied := table + "_rewritten"
		statements := []string{
			createTable.ReplaceAllLiteralString(create, "CREATE TABLE "+quote(copied)),
			"INSERT INTO " + quote(copied) + " SELECT * FROM " + quote(table),
		}
		if strings.Contains(create, "AUTOINCREMENT") {
			statements = append(statements, goOnNumbering(table, copied)...)
		}
		statements = append(statements,
			"DROP TABLE "+quote(table),
			"ALTER TABLE "+quote(copied)+" RENAME TO "+quote(table))
		for _, statement := range append(statements, rest...) {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// goOnNumbering returns the statements after which rows of copied are numbered
// from where table is: a number isn't given twice, though its row has gone.
func goOnNumbering(table, copied string) []string {
	return []string{
		"DELETE FROM sqlite_sequence WHERE name = " + quoteText(copied),
		"INSERT INTO sqlite_sequence (name, seq) SELECT " + quoteText(copied) + ", seq FROM sqlite_sequence WHERE name = " + quoteText(table),
	}
}

// createTable is how the statement begins that made a table.
var createTable = regexp.MustCompile(`^CREATE TABLE ("[^"]+"|\w+)`)

// schemaOf returns the statement that makes a table, and those that make its
// indexes and triggers.
func schemaOf(ctx context.Context, tx *Tx, table string) (create string, rest []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT type, sql FROM sqlite_master
		WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'table' DESC, name`, table)
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, text string
		if err := rows.Scan(&kind, &text); err != nil {
			return "", nil, err
		}
		if kind == "table" {
			create = text
		} else {
			rest = append(rest, text)
		}
	}
	if err := rows.Err(); err != nil {
		return "", nil, err
	}
	if create == "" {
		return "", nil, errors.New("there is no such table")
	}
	return create, rest, nil
}

// RecycleLog gets rid of what the write-ahead log holds from before the call:
// on SQLite of this handle's file, on PostgreSQL of the whole server. An error
// wraps [ErrInUse] or [ErrNotAllowed] where that can't be done now, or not by
// this role.
func (db *DB) RecycleLog(ctx context.Context) error {
	recycle := db.recycleSQLite
	if db.dialect.Name == Postgres {
		recycle = db.recyclePostgres
	}
	if err := recycle(ctx); err != nil {
		return fmt.Errorf("recycle the write-ahead log: %w", err)
	}
	return nil
}

func (db *DB) recycleSQLite(ctx context.Context) error {
	for try := 1; ; try++ {
		var busy, pages, moved int
		if err := db.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil && !isTransient(err) {
			return err
		} else if err == nil && busy == 0 {
			return nil
		}
		if try == lockTries {
			return fmt.Errorf("%w by somebody else, such as a long export", ErrInUse)
		}
		if err := pause.Wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// recyclePostgres goes once through all files of the log that there are. After
// a checkpoint the server keeps old files under new names for the log to come:
// each is written over when its turn comes, and switching to the next fills the
// rest of it with zeros.
func (db *DB) recyclePostgres(ctx context.Context) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// What was written last has to be in a file that the checkpoint frees.
	for _, step := range []string{emit, switchFile, "CHECKPOINT"} {
		if err := privileged(ctx, conn, step); err != nil {
			return err
		}
	}
	var files int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM pg_ls_waldir()").Scan(&files); err != nil {
		return allowed(err)
	}
	for range files {
		for _, step := range []string{emit, switchFile} {
			if err := privileged(ctx, conn, step); err != nil {
				return err
			}
		}
	}
	return privileged(ctx, conn, "CHECKPOINT")
}

const (
	// emit writes something, without which switching does nothing.
	emit       = "SELECT pg_logical_emit_message(false, 'boxoffice', 'scrub')"
	switchFile = "SELECT pg_switch_wal()"
)

func privileged(ctx context.Context, conn *sql.Conn, statement string) error {
	_, err := conn.ExecContext(ctx, statement)
	return allowed(err)
}

// allowed says what the role lacks where that is what is wrong.
func allowed(err error) error {
	const insufficientPrivilege = "42501"
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == insufficientPrivilege {
		return fmt.Errorf("%w: it takes pg_checkpoint, and EXECUTE on pg_switch_wal() and pg_ls_waldir()", ErrNotAllowed)
	}
	return err
}
