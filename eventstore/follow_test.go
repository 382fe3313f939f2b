// This file is about keys in memory of a process that can't reach its database.

package eventstore_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// Where the database can't be reached nobody tells of erasures: no user's key
// stays in memory for long.
func TestKeysDontOutliveTheConnection(t *testing.T) {
	databaseURL := sqltest.URL(t, sqldb.Postgres)
	db, err := sqldb.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := openStore(t, db, vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true), &storetest.Clock{})
	if _, err := s.Append(t.Context(), eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{{Sequence: 1, Event: registration(t, 1)}}}); err != nil {
		t.Fatal(err)
	}
	if s.CachedUsers() != 1 {
		t.Fatal("the key isn't in memory")
	}
	at, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(at.Path, "/")
	admin, err := sqldb.Open(t.Context(), os.Getenv(sqltest.URLVariable))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	for _, statement := range []string{"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '" + name + "'"} {
		if _, err := admin.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	eventually.Holds(t, "no key is in memory", func() bool { return s.CachedUsers() == 0 })
}
