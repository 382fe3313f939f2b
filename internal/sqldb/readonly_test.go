// These tests hold what a handle for reading promises.

package sqldb_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

func TestReadOnlyReadsAndDoesNotWrite(t *testing.T) {
	for _, engine := range sqltest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			ctx := t.Context()
			url := sqltest.URL(t, engine)
			db, err := sqldb.Open(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			write := func(db *sqldb.DB, statement string) error {
				return db.InTx(ctx, func(tx *sqldb.Tx) error {
					_, err := tx.ExecContext(ctx, statement)
					return err
				})
			}
			if err := write(db, "CREATE TABLE seen (n integer)"); err != nil {
				t.Fatal(err)
			}
			if err := write(db, "INSERT INTO seen VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			reading, err := sqldb.OpenReadOnly(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer reading.Close()
			if err := write(reading, "INSERT INTO seen VALUES (2)"); err == nil {
				t.Error("it can write")
			}
			// It sees what is written while it is open, and a transaction of it
			// holds nobody up and sees one moment.
			err = reading.ReadTx(ctx, func(tx *sql.Tx) error {
				if n := count(t, ctx, tx); n != 1 {
					t.Errorf("%d rows, not 1", n)
				}
				if err := write(db, "INSERT INTO seen VALUES (3)"); err != nil {
					t.Errorf("writing beside it: %v", err)
				}
				if n := count(t, ctx, tx); n != 1 {
					t.Errorf("%d rows, not 1 as before", n)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if n := count(t, ctx, reading.SQL()); n != 2 {
				t.Errorf("%d rows, not 2", n)
			}
		})
	}
}

type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func count(t *testing.T, ctx context.Context, q rowQuerier) int {
	t.Helper()
	var n int
	if err := q.QueryRowContext(ctx, "SELECT COUNT(*) FROM seen").Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

// A file that nobody has open is read too, and nothing is made where there is
// none.
func TestReadOnlyMakesNothing(t *testing.T) {
	dir := t.TempDir()
	if db, err := sqldb.OpenReadOnly(t.Context(), sqldb.SQLiteURL(filepath.Join(dir, "none.db"))); err == nil {
		db.Close()
		t.Error("a file that isn't there was opened")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it made %v, %v", entries, err)
	}
	url := sqldb.SQLiteURL(filepath.Join(dir, "closed.db"))
	db, err := sqldb.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL().Exec("CREATE TABLE seen (n integer)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	reading, err := sqldb.OpenReadOnly(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	if n := count(t, t.Context(), reading.SQL()); n != 0 {
		t.Errorf("%d rows", n)
	}
}
