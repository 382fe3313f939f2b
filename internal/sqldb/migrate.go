// This file brings a schema up to date. Several processes may start at once:
// one of them migrates, and the others wait for it.

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// versionTable is where a schema keeps which migrations it has had.
const versionTable = "schema_version"

// migrateFuncs is how the engines differ in migrating.
type migrateFuncs struct {
	dialect goose.Dialect
	// lock waits until no other process migrates the same schema, and makes
	// the schema where there is none.
	lock func(ctx context.Context, db *DB) (unlock func() error, err error)
}

var (
	migratePostgres = migrateFuncs{dialect: database.DialectPostgres, lock: lockPostgres}
	migrateSQLite   = migrateFuncs{dialect: database.DialectSQLite3, lock: lockSQLite}
)

// Migrate applies the migrations of files that the schema hasn't had. files
// holds a directory for each engine, "postgres" and "sqlite", with migrations
// in goose's form (00001_name.sql). A schema that has had migrations that
// files doesn't know is newer than the program, and refused.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	return db.migrate(ctx, files, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// MigrateTo is [DB.Migrate] up to the migration of that number and no further.
// It leaves a schema alone that has had it.
func (db *DB) MigrateTo(ctx context.Context, files fs.FS, version int64) error {
	return db.migrate(ctx, files, func(p *goose.Provider) error {
		has, err := p.GetDBVersion(ctx)
		if err != nil || has >= version {
			return err
		}
		_, err = p.UpTo(ctx, version)
		return err
	})
}

// SchemaVersion gives the number of the last migration that the schema has had.
// The schema has had one.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var version int64
	err := db.sql.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+versionTable).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("look up the version of the schema: %w", err)
	}
	return version, nil
}

// migrate runs up where nobody else migrates.
func (db *DB) migrate(ctx context.Context, files fs.FS, up func(*goose.Provider) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("migrate the database: %w", err)
		}
	}()
	own, err := fs.Sub(files, string(db.dialect.Name))
	if err != nil {
		return err
	}
	unlock, err := db.dialect.migrate.lock(ctx, db)
	if err != nil {
		return fmt.Errorf("wait for others who migrate: %w", err)
	}
	defer func() {
		if unlockErr := unlock(); err == nil {
			err = unlockErr
		}
	}()
	// What a migration sets for its connection ends with it.
	migrating, err := db.location.open(ctx, db.schema)
	if err != nil {
		return err
	}
	defer migrating.Close()
	provider, err := goose.NewProvider(db.dialect.migrate.dialect, migrating.sql, own,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("its schema is of version %d, and this program knows versions up to %d: use the newer program", has, knows)
	}
	return up(provider)
}

// lockPostgres takes an advisory lock in the name of the schema on a
// connection of its own.
func lockPostgres(ctx context.Context, db *DB) (func() error, error) {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, err
	}
	name := fnv.New64a()
	name.Write([]byte("boxoffice migration " + db.schema))
	key := int64(name.Sum64())
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		conn.Close()
		return nil, err
	}
	unlock := func() error {
		defer conn.Close()
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
		return err
	}
	if db.schema != "" {
		if err := makeSchema(ctx, conn, db.schema); err != nil {
			return nil, errors.Join(err, unlock())
		}
	}
	return unlock, nil
}

// makeSchema makes a schema where there is none. It looks first, since a role
// that may use the schema needn't be one that may make it.
func makeSchema(ctx context.Context, conn *sql.Conn, name string) error {
	var there bool
	err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", name).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = conn.ExecContext(ctx, "CREATE SCHEMA "+pgx.Identifier{name}.Sanitize())
	return err
}

// lockSQLite holds a transaction open on an empty database beside the file's:
// the engine's own lock, on every system that it runs on.
func lockSQLite(ctx context.Context, db *DB) (func() error, error) {
	where := db.location.(*sqliteLocation)
	path := where.file(db.schema) + "-migrate"
	pool, err := sql.Open("sqlite", "file:"+escapePath(path)+"?_busy_timeout=60000&_txlock=exclusive")
	if err != nil {
		return nil, err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return func() error {
		tx.Rollback()
		return pool.Close()
	}, nil
}
