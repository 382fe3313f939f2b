// These tests hold what rewriting tables and recycling logs comes to, and
// locks between processes.

package sqldb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// Rewriting a table keeps its rows, and what keeps rows apart, finds them
// and guards them.
func TestRewrite(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		setUp := []string{
			`CREATE TABLE "of" (id integer PRIMARY KEY, mail text NOT NULL UNIQUE, n integer CHECK (n > 0))`,
			`CREATE UNIQUE INDEX of_n ON "of" (n) WHERE n IS NOT NULL`,
		}
		for i := range 100 {
			setUp = append(setUp, fmt.Sprintf(`INSERT INTO "of" VALUES (%d, 'mail %[1]d', %[1]d)`, i+1))
		}
		setUp = append(setUp, `DELETE FROM "of" WHERE id > 50`)
		for _, statement := range setUp {
			if _, err := db.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := db.Rewrite(t.Context(), "of"); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := db.SQL().QueryRowContext(t.Context(), `SELECT count(*) FROM "of"`).Scan(&n); err != nil || n != 50 {
			t.Errorf("%d rows, %v", n, err)
		}
		for _, broken := range []string{"(1, 'x', 900)", "(901, 'mail 1', 901)", "(902, 'y', 1)", "(903, 'z', 0)"} {
			if _, err := db.SQL().ExecContext(t.Context(), `INSERT INTO "of" VALUES `+broken); err == nil {
				t.Errorf("the table takes %s", broken)
			}
		}
		if err := db.Rewrite(t.Context(), "not there"); err == nil {
			t.Error("a table that isn't there was rewritten")
		}
		if db.Dialect().Name == sqldb.Postgres {
			return // its log is the whole server's: see TestScrubbingNeedsRights
		}
		if err := db.RecycleLog(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A number isn't given to a second row because the table was rewritten after
// the first one had gone: whoever noted it down would get another row.
func TestRewriteGoesOnNumbering(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		number := "integer PRIMARY KEY AUTOINCREMENT"
		if db.Dialect().Name == sqldb.Postgres {
			number = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
		}
		for _, statement := range []string{"CREATE TABLE numbered (id " + number + ", n integer)", "INSERT INTO numbered (n) VALUES (1), (2), (3)",
			"DELETE FROM numbered WHERE n > 1"} {
			if _, err := db.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for want := 4; want < 7; want++ { // the second time there is no row left to go on from
			if err := db.Rewrite(t.Context(), "numbered"); err != nil {
				t.Fatal(err)
			}
			var id int
			if err := db.SQL().QueryRowContext(t.Context(), "INSERT INTO numbered (n) VALUES (9) RETURNING id").Scan(&id); err != nil || id != want {
				t.Errorf("the next row has the number %d, not %d, %v", id, want, err)
			}
			if _, err := db.SQL().ExecContext(t.Context(), "DELETE FROM numbered"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What SQLite moves about in its trees leaves copies behind that no deleting
// finds again, though it overwrites what it deletes. Rewriting leaves none.
func TestRewriteLeavesNoCopies(t *testing.T) {
	const mark = "zqx8812-"
	path := filepath.Join(t.TempDir(), "test.db")
	db := mustOpen(t, sqldb.SQLiteURL(path))
	random := rand.New(rand.NewPCG(1, 2))
	err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
		for _, statement := range []string{"CREATE TABLE items (k BLOB PRIMARY KEY, text TEXT) STRICT", "CREATE INDEX items_text ON items (text)",
			"CREATE TABLE others (k BLOB PRIMARY KEY, text TEXT) STRICT, WITHOUT ROWID"} {
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
			for range 400 {
				key := fmt.Appendf(nil, "%016x", random.Uint64())
				text := strings.Repeat("x", random.IntN(900))
				if random.IntN(4) == 0 {
					text = strings.Repeat(mark, random.IntN(150))
				}
				for _, table := range []string{"items", "others"} {
					if _, err := tx.ExecContext(t.Context(), "INSERT INTO "+table+" VALUES (?, ?)", key, text); err != nil {
						return err
					}
				}
			}
			for _, table := range []string{"items", "others"} {
				if _, err := tx.ExecContext(t.Context(), "DELETE FROM "+table+" WHERE text LIKE ?", mark+"%"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	copies := func() int {
		if err := db.RecycleLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(content, []byte(mark))
	}
	if copies() == 0 {
		t.Error("deleting alone leaves no copies: what for is a table rewritten?")
	}
	for _, table := range []string{"items", "others"} {
		if err := db.Rewrite(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	if n := copies(); n > 0 {
		t.Errorf("%d copies of deleted rows are left", n)
	}
}

// Rows that somebody still sees would be copied, so there is no success before
// they don't.
func TestRewriteAwaitsWhoSeesOldRows(t *testing.T) {
	open := sqltest.New(t, sqldb.Postgres)
	db, other := open(), open()
	for _, statement := range []string{"CREATE TABLE items (n integer)", "CREATE TABLE others (n integer)", "INSERT INTO items VALUES (1)"} {
		if _, err := db.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	err := other.ReadTx(t.Context(), func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM others").Scan(&n); err != nil {
			return err
		}
		if _, err := db.SQL().ExecContext(t.Context(), "DELETE FROM items"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := db.Rewrite(ctx, "items"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v while a transaction sees the row", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Rewrite(t.Context(), "items"); err != nil {
		t.Error(err)
	}
}

// A role that may not rewrite a table, or recycle the log, is told so.
func TestScrubbingNeedsRights(t *testing.T) {
	server := sqltest.StartServer(t).URL
	db := mustOpen(t, server)
	for _, statement := range []string{"CREATE ROLE weak LOGIN", "CREATE TABLE theirs (n integer)", "GRANT ALL ON theirs TO weak"} {
		if _, err := db.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.User("weak")
	weak := mustOpen(t, at.String())
	if err := weak.Rewrite(t.Context(), "theirs"); !errors.Is(err, sqldb.ErrNotAllowed) {
		t.Errorf("got %v, want ErrNotAllowed", err)
	}
	if err := weak.RecycleLog(t.Context()); !errors.Is(err, sqldb.ErrNotAllowed) {
		t.Errorf("got %v, want ErrNotAllowed", err)
	}
	for _, grant := range []string{"GRANT pg_checkpoint TO weak", "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO weak",
		"GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO weak"} {
		if _, err := db.SQL().ExecContext(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
	}
	if err := weak.RecycleLog(t.Context()); err != nil {
		t.Errorf("with the rights that it takes: %v", err)
	}
}

func mustOpen(t *testing.T, databaseURL string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A lock is one handle's at a time, and goes with it.
func TestTryLock(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		one, other := open(), open()
		lock, ok, err := one.TryLock(t.Context(), "work")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, ok, err := other.TryLock(t.Context(), "work"); ok || err != nil {
			t.Errorf("another has it too: %v, %v", ok, err)
		}
		lockOther, ok, err := other.TryLock(t.Context(), "other work")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := errors.Join(lock.Check(t.Context()), lock.Unlock(), lockOther.Unlock()); err != nil {
			t.Fatal(err)
		}
		lock, ok, err = other.TryLock(t.Context(), "work")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	})
}

// Whoever has lost a lock with its connection is told so, and has it no more.
func TestLockIsLostWithItsConnection(t *testing.T) {
	open := sqltest.New(t, sqldb.Postgres)
	one, other := open(), open()
	lock, ok, err := one.TryLock(t.Context(), "work")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := sqltest.CutLocks(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := lock.Check(t.Context()); err == nil {
		t.Error("it is said to be there without its connection")
	}
	taken, ok, err := other.TryLock(t.Context(), "work")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := lock.Unlock(); err == nil {
		t.Error("it could be released without its connection")
	}
	if err := errors.Join(taken.Check(t.Context()), taken.Unlock()); err != nil {
		t.Error(err)
	}
}

// The connection that a SQLite handle keeps for its transactions holds up
// neither rewriting a table nor emptying the log.
func TestRecycleLogBesideTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, other := mustOpen(t, sqldb.SQLiteURL(path)), mustOpen(t, sqldb.SQLiteURL(path))
	readOnly := func() *sqldb.DB {
		t.Helper()
		db, err := sqldb.OpenReadOnly(t.Context(), sqldb.SQLiteURL(path))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	write := func(db *sqldb.DB, statement string) {
		t.Helper()
		err := db.InTx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write(db, "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT)")
	write(db, "INSERT INTO people VALUES (1, 'ana@example.org'), (2, 'ben@example.org')")
	write(other, "DELETE FROM people WHERE id = 1")
	look := readOnly()
	count := func(n int) {
		t.Helper()
		var got int
		if err := look.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM people").Scan(&got); err != nil || got != n {
			t.Errorf("%d rows, %v; want %d", got, err, n)
		}
	}
	count(1)
	if err := db.Rewrite(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if err := db.RecycleLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("ana@example.org")) {
			t.Errorf("%s has what was deleted", filepath.Base(file))
		}
	}
	count(1)
	// Each handle's kept connection sees the table that was put in place.
	write(other, "INSERT INTO people VALUES (3, 'cy@example.org')")
	write(db, "DELETE FROM people WHERE id = 2")
	count(1)
}
