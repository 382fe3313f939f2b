// This file brings a schema up to date. Several processes may start at once:
// one of them migrates, and the others wait for it.

package sqldb

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// versionTable is where a schema keeps which migrations it has had.
const versionTable = "schema_version"

// migrationLock is what one who migrates a schema holds.
const migrationLock = "migration"

// Migrate applies the migrations of files that the schema hasn't had. files
// holds a directory for each engine, "postgres" and "sqlite", with migrations
// in goose's form (00001_name.sql). A schema that has had migrations that
// files doesn't know is of another version of the program, a later one or one from
// before its migrations were joined into one, and refused.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	return db.migrate(ctx, files, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// MigrateSchema is [DB.Migrate] of the part of the database that is called name,
// as [DB.Schema] has it, with the files in a directory of files.
func (db *DB) MigrateSchema(ctx context.Context, name string, files fs.FS, dir string) error {
	part, err := db.Schema(ctx, name)
	if err != nil {
		return err
	}
	defer part.Close()
	own, err := fs.Sub(files, dir)
	if err != nil {
		return err
	}
	return part.Migrate(ctx, own)
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

// SchemaVersion returns the number of the last migration that the schema has had.
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
	lock, err := db.lock(ctx, migrationLock)
	if err != nil {
		return fmt.Errorf("wait for others who migrate: %w", err)
	}
	defer func() {
		if unlockErr := lock.Unlock(); err == nil {
			err = unlockErr
		}
	}()
	if err := db.makeSchema(ctx); err != nil {
		return err
	}
	// What a migration sets for its connection ends with it.
	migrating, err := db.location.open(ctx, db.schema)
	if err != nil {
		return err
	}
	defer migrating.Close()
	provider, err := goose.NewProvider(db.dialect.goose, migrating.sql, own,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("its schema is of version %d, and this program knows versions up to %d: "+
			"another version of the program made it: use that one, or begin with an empty database", has, knows)
	}
	return up(provider)
}

// makeSchema makes the handle's schema where there is none. It looks first, since
// a role that may use the schema needn't be one that may make it.
func (db *DB) makeSchema(ctx context.Context) error {
	if db.schema == "" || db.dialect.Name == SQLite {
		return nil // a file is there once it is opened
	}
	var there bool
	err := db.sql.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", db.schema).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = db.sql.ExecContext(ctx, "CREATE SCHEMA "+pgx.Identifier{db.schema}.Sanitize())
	return err
}
