// This file opens a database, and the parts of it that have tables of their own.

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A DB is a handle on one schema of one database: on PostgreSQL a schema of a
// server's database, on SQLite a file. It is safe for concurrent use.
type DB struct {
	sql     *sql.DB
	dialect *Dialect
	// location is what it takes to open another handle on the same database.
	location location
	schema   string
	// writer lets one transaction at a time write, where the engine takes only
	// one: those who wait for it stand in a queue instead of polling the file.
	writer chan *writerConn
}

// A location says where a database is, and opens a schema of it.
type location interface {
	open(ctx context.Context, schema string) (*DB, error)
	// drop removes a schema and all that is in it.
	drop(ctx context.Context, db *DB, schema string) error
}

// maxConns is how many connections a handle opens at most. A process has a
// handle for the log and one for each generation of the read models, and a
// PostgreSQL server takes some hundred connections in all.
const maxConns = 12

// idleTime is after how long an unused connection is closed.
const idleTime = 5 * time.Minute

// Open opens the database that url names:
//
//   - postgres://… or postgresql://…, as libpq and pgx read it;
//   - sqlite:PATH, a file that is made where there is none; its directory has to
//     be there. A ?, # or % in the path stands percent-encoded ([SQLiteURL] does
//     that). sqlite:PATH?synchronous=normal is faster and may lose the last
//     commits, never more, when the machine loses power; the default is full.
//
// It connects once, so an unreachable server or an unusable file is an error
// here. No error quotes the url, which may hold a password.
func Open(ctx context.Context, url string) (*DB, error) {
	where, err := locate(url)
	if err != nil {
		return nil, err
	}
	return where.open(ctx, "")
}

func locate(url string) (location, error) {
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "postgres", "postgresql":
		return locatePostgres(url)
	case "sqlite":
		return locateSQLite(url)
	}
	return nil, errors.New("open database: its URL has to begin with postgres:// or with sqlite: and a path")
}

// Schema opens another handle, on the part of the same database that is called
// name. On PostgreSQL it is the schema of that name, and the only one in the
// handle's search path; on SQLite it is a file of its own beside the
// database's (boxoffice.db and log give boxoffice-log.db). [DB.Migrate] makes
// the schema where there is none. The handle is closed on its own.
//
// A name is lower-case letters, digits and underscores, and begins with a letter.
func (db *DB) Schema(ctx context.Context, name string) (*DB, error) {
	if err := validSchema(name); err != nil {
		return nil, err
	}
	return db.location.open(ctx, name)
}

// DropSchema removes the part of the database that is called name, with all
// that is in it, and does nothing where there is none. No handle on it may be
// open in this process.
func (db *DB) DropSchema(ctx context.Context, name string) error {
	if err := validSchema(name); err != nil {
		return err
	}
	if err := db.location.drop(ctx, db, name); err != nil {
		return fmt.Errorf("drop schema %s: %w", name, err)
	}
	return nil
}

var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

func validSchema(name string) error {
	if !schemaName.MatchString(name) {
		return fmt.Errorf("schema name %q: it has to be lower-case letters, digits and underscores", name)
	}
	return nil
}

// newDB finishes a handle: it limits the pool and connects once.
func newDB(ctx context.Context, pool *sql.DB, d *Dialect, where location, schema string) (*DB, error) {
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(idleTime)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to %s: %w", d.Name, err)
	}
	db := &DB{sql: pool, dialect: d, location: where, schema: schema}
	if d.oneWriter {
		db.writer = make(chan *writerConn, 1)
		db.writer <- &writerConn{}
	}
	return db, nil
}

// SQL is the pool of connections, for single statements. Transactions go
// through [DB.InTx] and [DB.ReadTx].
func (db *DB) SQL() *sql.DB { return db.sql }

// Dialect says how the engine differs.
func (db *DB) Dialect() *Dialect { return db.dialect }

// Close closes the handle's connections; other handles on the same database
// stay open. A transaction that writes is waited for.
func (db *DB) Close() error {
	if db.writer != nil {
		conn := <-db.writer
		conn.release(false)
		db.writer <- conn
	}
	return db.sql.Close()
}
