package eventstore_test

import (
	"path/filepath"
	"testing"

	"boxoffice/eventstore"
	"boxoffice/eventstore/storetest"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// tables are all tables of the log; TestTables holds the list to the schema.
var tables = []string{"log_head", "events", "accounts", "user_blocks", "compaction", "refused", "vault_keys", "users", "tombstones", "scrub", "schema_version"}

// newLog makes a log on one engine.
func newLog(t testing.TB, engine sqldb.Engine) *storetest.Log {
	t.Helper()
	open := sqltest.New(t, engine)
	master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
	clock := &storetest.Clock{}
	l := &storetest.Log{Clock: clock, Tables: tables}
	l.Open = func(t *testing.T) *eventstore.Store { return openStore(t, open(), master, clock) }
	db := open()
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	own, err := db.Schema(t.Context(), map[sqldb.Engine]string{sqldb.Postgres: "boxoffice_log", sqldb.SQLite: "log"}[engine])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	l.SQL = own.SQL()
	return l
}

func openStore(t testing.TB, db *sqldb.DB, master vault.MasterKey, clock *storetest.Clock) *eventstore.Store {
	t.Helper()
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s, err := eventstore.Open(t.Context(), db, master, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	eventstore.SmallBlocks(s)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	for _, engine := range sqltest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) *storetest.Log { return newLog(t, engine) })
		})
	}
}
