// This file is PostgreSQL: opening it, loading rows with COPY, and hearing of
// notifications.

package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

var postgres = &Dialect{
	Name:      Postgres,
	ForUpdate: " FOR UPDATE",
	inArray:   true,
	copy:      copyPostgres,
	goose:     goose.DialectPostgres,
}

type postgresLocation struct{ config *pgx.ConnConfig }

func locatePostgres(url string) (location, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errPostgresURL
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "boxoffice"
	}
	config.RuntimeParams["timezone"] = "UTC"
	// A commit that is reported is on stable storage, whatever the server's
	// default is; one for which that doesn't matter can say so itself.
	if config.RuntimeParams["synchronous_commit"] == "" {
		config.RuntimeParams["synchronous_commit"] = "on"
	}
	return &postgresLocation{config: config}, nil
}

// errPostgresURL is the error of a URL that can't be read. The parser's own error
// quotes parts of it, and any part of a URL that is written wrong may be the
// password.
var errPostgresURL = errors.New("open database: the postgres URL can't be read: it has to be " +
	"postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETER=VALUE, with what is special in a part percent-encoded")

func (l *postgresLocation) open(ctx context.Context, schema string) (*DB, error) {
	config := l.config.Copy()
	if schema != "" {
		config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	}
	return newDB(ctx, stdlib.OpenDB(*config), postgres, l, schema)
}

func (l *postgresLocation) drop(ctx context.Context, db *DB, schema string) error {
	_, err := db.sql.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
	return err
}

func copyPostgres(ctx context.Context, tx *Tx, table string, columns []string, rows Rows) (int64, error) {
	var n int64
	err := tx.conn.Raw(func(driverConn any) error {
		var err error
		n, err = driverConn.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
		return err
	})
	return n, err
}

// Listen calls heard once when it begins to listen to channel and then at each
// notification, until ctx ends or the connection breaks; it returns why. It
// takes a connection of its own. SQLite has no notifications: there Listen
// waits for the end of ctx.
func (db *DB) Listen(ctx context.Context, channel string, heard func()) error {
	if db.dialect.Name != Postgres {
		<-ctx.Done()
		return ctx.Err()
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer conn.Close()
	var cause error
	_ = conn.Raw(func(driverConn any) error {
		cause = listen(ctx, driverConn.(*stdlib.Conn).Conn(), channel, heard)
		// A connection that listens isn't one to give back to the pool.
		return driver.ErrBadConn
	})
	return cause
}

func listen(ctx context.Context, conn *pgx.Conn, channel string, heard func()) error {
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	heard()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for a notification: %w", err)
		}
		heard()
	}
}
