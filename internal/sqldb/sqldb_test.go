package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

//go:embed testdata/migrations
var testdata embed.FS

func migrations(t *testing.T) fs.FS {
	t.Helper()
	files, err := fs.Sub(testdata, "testdata/migrations")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// openItems opens a database that has the table items.
func openItems(t *testing.T, open func() *sqldb.DB) *sqldb.DB {
	t.Helper()
	db := open()
	if err := db.Migrate(t.Context(), migrations(t)); err != nil {
		t.Fatal(err)
	}
	return db
}

type item struct {
	N    int64
	At   sqldb.Micros
	Key  *sqldb.UUID
	Body []byte
}

func readItems(t *testing.T, db *sqldb.DB) []item {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), "SELECT n, at, key, body FROM items ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var items []item
	for rows.Next() {
		var i item
		if err := rows.Scan(&i.N, &i.At, &i.Key, &i.Body); err != nil {
			t.Fatal(err)
		}
		items = append(items, i)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return items
}

// exampleItems go beyond one prepared insert of SQLite, and have NULL in every
// column that takes it.
func exampleItems() []item {
	items := make([]item, 150)
	for i := range items {
		items[i] = item{N: int64(i), At: sqldb.Micros(-2208988800000000 + int64(i)*1234567), Key: &sqldb.UUID{1, 15: byte(i)}, Body: []byte{0, 255, byte(i)}}
	}
	items[3].At, items[4].Key, items[5].Body = sqldb.Endless, nil, nil
	items[6].At = 253402300799999999 // the last microsecond of 9999
	return items
}

// An instant, a UUID, bytes and NULL come back as they went in, by a bulk load
// as by single statements.
func TestTypesComeBack(t *testing.T) {
	ways := map[string]func(*sqldb.Tx, []item) error{
		"copy": func(tx *sqldb.Tx, items []item) error {
			n, err := tx.CopyIn(t.Context(), "items", []string{"n", "at", "key", "body"}, sqldb.RowsOf(len(items), 4, func(i int, v []any) {
				v[0], v[1], v[2], v[3] = items[i].N, items[i].At, items[i].Key, items[i].Body
			}))
			if err == nil && n != int64(len(items)) {
				err = fmt.Errorf("loaded %d of %d", n, len(items))
			}
			return err
		},
		"insert": func(tx *sqldb.Tx, items []item) error {
			for _, i := range items {
				if _, err := tx.ExecContext(t.Context(), "INSERT INTO items (n, body, at, key) VALUES ($1, $4, $2, $3)", i.N, i.At, i.Key, i.Body); err != nil {
					return err
				}
			}
			return nil
		},
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		for name, way := range ways {
			t.Run(name, func(t *testing.T) {
				if _, err := db.SQL().ExecContext(t.Context(), "DELETE FROM items"); err != nil {
					t.Fatal(err)
				}
				want := exampleItems()
				if err := db.InTx(t.Context(), func(tx *sqldb.Tx) error { return way(tx, want) }); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, readItems(t, db)); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// Instants and UUIDs compare in SQL as they do in Go, whatever the engine.
func TestTypesCompare(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		insert(t, db, item{N: 1, At: -5, Key: &sqldb.UUID{1}}, item{N: 2, At: 5, Key: &sqldb.UUID{2}}, item{N: 3, At: sqldb.Endless, Key: &sqldb.UUID{3}})
		cond, args := sqldb.In(db.Dialect(), "key", 2, []sqldb.UUID{{1}, {2}, {3}})
		var n int64
		err := db.SQL().QueryRowContext(t.Context(), "SELECT n FROM items WHERE at < $1 AND "+cond, append([]any{sqldb.Micros(5)}, args...)...).Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("got %d, %v; want 1", n, err)
		}
	})
}

// In finds each key that is there, for any number of keys.
func TestIn(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		for n := range 20 {
			insert(t, db, item{N: int64(n), Body: []byte{byte(n)}})
		}
		for _, count := range []int{1, 2, 3, 17, sqldb.MaxKeys} {
			keys := make([][]byte, count)
			for i := range keys {
				keys[i] = []byte{byte(i % 17)}
			}
			cond, args := sqldb.In(db.Dialect(), "body", 1, keys)
			var n int
			if err := db.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM items WHERE "+cond, args...).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if want := min(count, 17); n != want {
				t.Errorf("%d keys find %d rows, want %d", count, n, want)
			}
		}
	})
}

func insert(t *testing.T, db *sqldb.DB, items ...item) {
	t.Helper()
	for _, i := range items {
		if _, err := db.SQL().ExecContext(t.Context(), "INSERT INTO items (n, at, key, body) VALUES ($1, $2, $3, $4)", i.N, i.At, i.Key, i.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// A transaction whose function fails leaves nothing, its bulk load included.
func TestFailedTransactionLeavesNothing(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		broken := errors.New("broken")
		err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
			items := exampleItems()
			if _, err := tx.CopyIn(t.Context(), "items", []string{"n"}, sqldb.RowsOf(len(items), 1, func(i int, v []any) { v[0] = items[i].N })); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want the function's error", err)
		}
		if items := readItems(t, db); len(items) > 0 {
			t.Errorf("%d rows are left", len(items))
		}
	})
}

// Where the context has ended, that is the error, also where a statement met it
// as a connection that the driver had closed for it.
func TestEndedContextIsTheError(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(ctx, func(*sqldb.Tx) error {
			cancel()
			return driver.ErrBadConn
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		if err := db.InTx(t.Context(), func(*sqldb.Tx) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("with a context that goes on the error is %v", err)
		}
	})
}

// A violated unique index is told apart from other errors, in a statement and
// in a bulk load, and the transaction doesn't take effect.
func TestUniqueViolation(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		insert(t, db, item{N: 7})
		err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.CopyIn(t.Context(), "items", []string{"n"}, sqldb.RowsOf(10, 1, func(i int, v []any) { v[0] = int64(i) }))
			return err
		})
		if !sqldb.IsUniqueViolation(err) {
			t.Errorf("got %v, want a unique violation", err)
		}
		if _, err := db.SQL().ExecContext(t.Context(), "INSERT INTO nothing VALUES (1)"); err == nil || sqldb.IsUniqueViolation(err) {
			t.Errorf("got %v, want another error", err)
		}
		if n := len(readItems(t, db)); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

// Transactions that read and then write the same row, through several handles
// at once, lose no update.
func TestConcurrentTransactions(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		first := openItems(t, open)
		insert(t, first, item{N: 0, At: 0})
		const handles, each = 4, 25
		var wg sync.WaitGroup
		for range handles {
			db := open()
			wg.Go(func() {
				for range each {
					err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
						var at sqldb.Micros
						if err := tx.QueryRowContext(t.Context(), "SELECT at FROM items WHERE n = 0"+db.Dialect().ForUpdate).Scan(&at); err != nil {
							return err
						}
						_, err := tx.ExecContext(t.Context(), "UPDATE items SET at = $1 WHERE n = 0", at+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := readItems(t, first)[0].At; got != handles*each {
			t.Errorf("%d updates are there, want %d", got, handles*each)
		}
	})
}

// A reading transaction sees one moment, and holds no writer up.
func TestReadTxSeesOneMoment(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := openItems(t, open)
		insert(t, db, item{N: 1})
		err := db.ReadTx(t.Context(), func(tx *sql.Tx) error {
			for range 2 {
				var n int
				if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM items").Scan(&n); err != nil {
					return err
				}
				if n != 1 {
					t.Errorf("sees %d rows, want 1", n)
				}
				insert(t, db, item{N: int64(len(readItems(t, db)) + 1)})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Processes that start at once migrate once, and each finds the schema there.
func TestConcurrentMigrations(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		base := open()
		var wg sync.WaitGroup
		for range 6 {
			db, err := base.Schema(t.Context(), "store")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			wg.Go(func() {
				if err := db.Migrate(t.Context(), migrations(t)); err != nil {
					t.Error(err)
				}
				if _, err := db.SQL().ExecContext(t.Context(), "SELECT n FROM items"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// Who wants to migrate waits for who does, as long as its context lets it.
func TestMigrationsWait(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		one, other := open(), open()
		lock, ok, err := one.TryLock(t.Context(), "migration")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := other.Migrate(ctx, migrations(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while another migrates: %v, want %v", err, context.DeadlineExceeded)
		}
		done := make(chan error, 1)
		go func() { done <- other.Migrate(t.Context(), migrations(t)) }()
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("once the other is done: %v", err)
		}
	})
}

// A schema that another version of the program has migrated further is refused and
// left alone, and it is said what can be done.
func TestNewerSchemaIsRefused(t *testing.T) {
	newer := fstest.MapFS{}
	for _, engine := range []string{"sqlite", "postgres"} {
		old, err := testdata.ReadFile("testdata/migrations/" + engine + "/00001_items.sql")
		if err != nil {
			t.Fatal(err)
		}
		newer[engine+"/00001_items.sql"] = &fstest.MapFile{Data: old}
		newer[engine+"/00002_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE more (n bigint);")}
		if engine == "sqlite" {
			newer[engine+"/00002_more.sql"].Data = []byte("-- +goose Up\nCREATE TABLE more (n INTEGER) STRICT;")
		}
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		if err := db.Migrate(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), migrations(t)); err == nil || !strings.Contains(err.Error(), "another version of the program made it: use that one, or begin with an empty database") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

// Schemas of one database have tables of their own; dropping one leaves the others.
func TestSchemas(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		base := open()
		schemas := map[string]*sqldb.DB{}
		for _, name := range []string{"one", "two"} {
			db, err := base.Schema(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Migrate(t.Context(), migrations(t)); err != nil {
				t.Fatal(err)
			}
			schemas[name] = db
		}
		insert(t, schemas["one"], item{N: 1})
		if n := len(readItems(t, schemas["two"])); n != 0 {
			t.Errorf("a row of one is in two")
		}
		schemas["one"].Close()
		for range 2 {
			if err := base.DropSchema(t.Context(), "one"); err != nil {
				t.Error(err)
			}
		}
		again, err := base.Schema(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if _, err := again.SQL().ExecContext(t.Context(), "SELECT 1 FROM items"); err == nil {
			t.Error("the dropped table is still there")
		}
		readItems(t, schemas["two"])
	})
}

// Names that would mean something in SQL or in a path aren't names of schemas.
func TestSchemaNames(t *testing.T) {
	db, err := sqldb.Open(t.Context(), sqldb.SQLiteURL(filepath.Join(t.TempDir(), "a%b?c#.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range []string{"", "A", "../x", `a"b`, "1a", "a b", strings.Repeat("a", 60)} {
		if _, err := db.Schema(t.Context(), name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// What can't be opened is an error of Open that doesn't repeat a password.
func TestOpenErrors(t *testing.T) {
	for _, url := range []string{
		"", "mysql://x", "sqlite:", "sqlite:x?mode=ro", "sqlite:" + filepath.Join(t.TempDir(), "missing", "x.db"),
		"postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=1", "postgres://u:hunter2@:x:/", "postgres://u:hunter2@h/x?sslmode=maybe",
	} {
		db, err := sqldb.Open(t.Context(), url)
		if err == nil {
			db.Close()
			t.Errorf("%q opens", url)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the password is in the error", url)
		}
	}
}

// On PostgreSQL a listener hears once at the start and then of each
// notification; on both its end is the context's.
func TestListen(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		ctx, cancel := context.WithCancel(t.Context())
		heard, done := make(chan struct{}, 8), make(chan error)
		go func() { done <- db.Listen(ctx, "news", func() { heard <- struct{}{} }) }()
		if db.Dialect().Name == sqldb.Postgres {
			<-heard
			if _, err := open().SQL().ExecContext(ctx, "NOTIFY news"); err != nil {
				t.Fatal(err)
			}
			<-heard
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's end", err)
		}
	})
}
