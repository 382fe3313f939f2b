// Package sqltest makes databases for tests, on each engine one of their own.
package sqltest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"boxoffice/internal/sqldb"
)

// URLVariable names the environment variable with the URL of a PostgreSQL
// server on which tests may create and drop databases.
const URLVariable = "BOXOFFICE_TEST_DATABASE_URL"

// Each runs f as a subtest on each engine, with a database of its own that is
// gone afterwards. Each call of open returns another handle on that same
// database, as another process would have; they are closed when the subtest
// ends. With -short it is SQLite alone, which needs no server.
func Each(t *testing.T, f func(t *testing.T, open func() *sqldb.DB)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(string(engine), func(t *testing.T) { f(t, New(t, engine)) })
	}
}

// Engines are those that tests run on: both, or with -short SQLite alone.
func Engines() []sqldb.Engine {
	if testing.Short() {
		return []sqldb.Engine{sqldb.SQLite}
	}
	return []sqldb.Engine{sqldb.SQLite, sqldb.Postgres}
}

// New makes a database on one engine; see [Each].
func New(t testing.TB, engine sqldb.Engine) (open func() *sqldb.DB) {
	t.Helper()
	databaseURL := URL(t, engine)
	return func() *sqldb.DB {
		t.Helper()
		db, err := sqldb.Open(context.Background(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
}

// URL makes a database on one engine and returns its URL. It is gone when the
// test ends.
func URL(t testing.TB, engine sqldb.Engine) string {
	t.Helper()
	if engine == sqldb.SQLite {
		return sqldb.SQLiteURL(filepath.Join(t.TempDir(), "test.db"))
	}
	return postgresDatabase(t)
}

// postgresDatabase makes a database with a name of its own on the tests' server.
func postgresDatabase(t testing.TB) string {
	t.Helper()
	needsPostgres(t)
	server := os.Getenv(URLVariable)
	if server == "" {
		t.Fatalf("%s isn't set: it names the PostgreSQL server to test on (scripts/test starts one)", URLVariable)
	}
	at, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s isn't a URL", URLVariable)
	}
	admin, err := sqldb.Open(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	name := "boxoffice_test_" + randomName()
	if _, err := admin.SQL().Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.SQL().Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	at.Path = "/" + name
	return at.String()
}

// needsPostgres leaves a test that only PostgreSQL can pass out of short runs.
func needsPostgres(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs PostgreSQL")
	}
}

func randomName() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// CutLocks ends the connections to a PostgreSQL database that hold locks of
// [sqldb.DB.TryLock], as a server or a proxy does to those that nobody uses.
func CutLocks(ctx context.Context, db *sqldb.DB) error {
	_, err := db.SQL().ExecContext(ctx, `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	return err
}
