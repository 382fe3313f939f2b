// This file is what is left of the differences of the two engines once types,
// transactions and bulk loading have hidden theirs.

package sqldb

import (
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// An Engine names a database engine.
type Engine string

// The engines.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

// MaxKeys is how many keys [In] takes at most: a statement of SQLite has no
// more than 32,766 parameters.
const MaxKeys = 8192

// A Dialect is what differs between the engines. It is immutable.
type Dialect struct {
	Name Engine
	// ForUpdate ends a SELECT that locks its rows until the transaction ends;
	// empty on SQLite, where a transaction that writes locks the whole file.
	ForUpdate string

	oneWriter bool
	// onWriter is run once on a connection that is to write.
	onWriter string
	inArray  bool
	copy     copyFunc
	goose    goose.Dialect
}

// Either returns what is the dialect's of two texts.
func (d *Dialect) Either(postgres, sqlite string) string {
	if d.Name == Postgres {
		return postgres
	}
	return sqlite
}

// In returns the condition that column is one of keys, and its arguments, which
// stand from $first on: the condition has to be the statement's last part that
// has placeholders, and those before it are $1 to $first-1 in rising order.
// There is at least one key and at most [MaxKeys]. The texts of the condition
// are few whatever the number of keys, so that statements that are kept
// prepared stay few too.
func In[T any](d *Dialect, column string, first int, keys []T) (condition string, args []any) {
	if d.inArray {
		return column + " = ANY($" + strconv.Itoa(first) + ")", []any{keys}
	}
	padded := 1
	for padded < len(keys) {
		padded *= 2
	}
	args = make([]any, padded)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)]
	}
	// SQLite looks a numbered placeholder up among all others, which takes
	// quadratic time; a bare one it only counts.
	return column + " IN (?" + strings.Repeat(", ?", padded-1) + ")", args
}

// SQLSTATE codes of PostgreSQL.
const (
	pgUniqueViolation      = "23505"
	pgSerializationFailure = "40001"
	pgDeadlockDetected     = "40P01"
)

// IsUniqueViolation says whether err is a statement's refusal because of a
// unique index or a primary key.
func IsUniqueViolation(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return pg.Code == pgUniqueViolation
	}
	if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return true
		}
	}
	return false
}

// isTransient says whether a transaction that failed with err may succeed when
// it is run again from its start.
func isTransient(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		switch pg.Code {
		case pgSerializationFailure, pgDeadlockDetected:
			return true
		}
		// A prepared statement whose tables a migration has changed since.
		return pg.Routine == "RevalidateCachedQuery"
	}
	if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return true
		}
	}
	return false
}

// IsDefinite says whether err is the engine's own word that a transaction was
// not committed. Any other error of a commit leaves open whether it was.
func IsDefinite(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		// Class 08 are broken connections, 57P shutdowns in the middle.
		return !strings.HasPrefix(pg.Code, "08") && !strings.HasPrefix(pg.Code, "57P")
	}
	// What SQLite couldn't sync may still be found in the write-ahead log after a
	// crash.
	lite := (*sqlite.Error)(nil)
	return errors.As(err, &lite) && lite.Code()&0xff != sqlite3.SQLITE_IOERR
}
