// This file makes the databases that are measured on, and removes them.

package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// A database is one that was made for the bench.
type database struct {
	Engine sqldb.Engine
	URL    string
	// MasterKey is the file of the key that wraps the users' keys.
	MasterKey string

	name string // of a PostgreSQL database
	dir  string // of a SQLite database's files
}

// newDatabase makes an empty database with the schema of the log and the read
// models.
func (b *Bench) newDatabase(ctx context.Context, engine sqldb.Engine) (*database, error) {
	d, err := b.makeDatabase(ctx, engine, "")
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx); err != nil {
		return nil, fmt.Errorf("setting up a database to measure on: %w", err)
	}
	return d, nil
}

// copyOf makes a database that holds what another does, which nobody may have
// open.
func (b *Bench) copyOf(ctx context.Context, from *database) (*database, error) {
	d, err := b.makeDatabase(ctx, from.Engine, from.name)
	if err != nil {
		return nil, err
	}
	d.MasterKey = from.MasterKey
	if from.Engine == sqldb.SQLite {
		if err := os.CopyFS(d.dir, os.DirFS(from.dir)); err != nil {
			return nil, fmt.Errorf("copying a database: %w", err)
		}
	}
	return d, nil
}

// makeDatabase makes a database, on PostgreSQL as a copy of the one of the name
// template where that isn't empty. It is dropped when the bench ends.
func (b *Bench) makeDatabase(ctx context.Context, engine sqldb.Engine, template string) (*database, error) {
	dir, err := os.MkdirTemp(b.dir, "database-")
	if err != nil {
		return nil, err
	}
	d := &database{Engine: engine, MasterKey: filepath.Join(b.dir, "master-key.json")}
	if engine == sqldb.SQLite {
		d.dir, d.URL = dir, sqldb.SQLiteURL(filepath.Join(dir, "boxoffice.db"))
		return d, nil
	}
	at, err := url.Parse(b.DatabaseURL)
	if err != nil {
		return nil, errors.New("the URL of the PostgreSQL server can't be read") // it may have a password in it
	}
	d.name = "boxoffice_bench_" + strings.ToLower(rand.Text()[:12])
	at.Path = "/" + d.name
	d.URL = at.String()
	b.made = append(b.made, d.name)
	statement := "CREATE DATABASE " + d.name
	if template != "" {
		statement += " TEMPLATE " + template
	}
	if err := b.onServer(ctx, statement); err != nil {
		return nil, fmt.Errorf("making a database to measure on: %w", err)
	}
	return d, nil
}

// drop removes a database. One that is gone already is no error.
func (b *Bench) drop(ctx context.Context, d *database) error {
	if d.Engine == sqldb.SQLite {
		return os.RemoveAll(d.dir)
	}
	return b.dropPostgres(ctx, d.name)
}

func (b *Bench) dropPostgres(ctx context.Context, name string) error {
	if err := b.onServer(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping the database %s: %w", name, err)
	}
	b.made = slices.DeleteFunc(b.made, func(other string) bool { return other == name })
	return nil
}

// onServer runs a statement in the database that the server's URL names.
func (b *Bench) onServer(ctx context.Context, statement string) error {
	db, err := sqldb.Open(ctx, b.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.SQL().ExecContext(ctx, statement)
	return err
}

func (d *database) migrate(ctx context.Context) error {
	db, err := sqldb.Open(ctx, d.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := eventstore.Migrate(ctx, db); err != nil {
		return err
	}
	return projections.Migrate(ctx, db)
}

// An openLog is a database with its log open.
type openLog struct {
	db    *sqldb.DB
	store *eventstore.Store
}

// open opens the log of a database whose schema is up to date.
func (d *database) open(ctx context.Context) (*openLog, error) {
	db, err := sqldb.Open(ctx, d.URL)
	if err != nil {
		return nil, err
	}
	store, err := eventstore.Open(ctx, db, vault.FileMasterKey(d.MasterKey, true), nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &openLog{db, store}, nil
}

func (l *openLog) close() error { return errors.Join(l.store.Close(), l.db.Close()) }

// cleanWithin is how long removing what was made may take once the bench has
// been told to stop.
const cleanWithin = 30 * time.Second
