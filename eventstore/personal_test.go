package eventstore

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// impersonal are the columns of bytes in which nothing personal is, whoever may
// read them: what the catalogue lists as impersonal, and hashes and pseudonyms that
// lead to nobody once the keys and the rows of users are gone.
var impersonal = []string{"events.data", "events.identity", "events.content", "user_blocks.entries",
	"refused.type", "refused.identity", "refused.retry_identity", "tombstones.subject"}

// Of each column of bytes it has to be said whether it is personal. PostgreSQL
// takes no samples of those that are, which would outlive their rows.
func TestPersonalColumns(t *testing.T) {
	s := sqltest.New(t, sqldb.Postgres)()
	if err := Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	query := `SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'boxoffice_log' AND c.relkind = 'r' AND a.attnum > 0 AND a.atttypid = 'bytea'::regtype`
	var personal []string
	for _, table := range personalTables {
		for _, column := range table.columns {
			personal = append(personal, table.name+"."+column)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(append(slices.Clone(impersonal), personal...))), texts(t, s, query)); diff != "" {
		t.Errorf("columns of bytes, listed and there: %s", diff)
	}
	unsampled := texts(t, s, query+" AND a.attstattarget = 0")
	for _, column := range personal {
		if !slices.Contains(unsampled, column) {
			t.Errorf("PostgreSQL takes samples of %s", column)
		}
	}
}

// What an erasure removes is in tables that a scrub rewrites, and in no others.
func TestTablesThatForget(t *testing.T) {
	var forget []string
	for _, table := range personalTables {
		if table.forgets {
			forget = append(forget, table.name)
		}
	}
	for engine, query := range map[sqldb.Engine]string{
		sqldb.SQLite:   "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%wrapp%'",
		sqldb.Postgres: "SELECT DISTINCT relname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname LIKE '%wrapp%' AND relkind = 'r'",
	} {
		db := sqltest.New(t, engine)()
		own, err := db.Schema(t.Context(), schema(db.Dialect()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { own.Close() })
		if err := Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(forget)), texts(t, own, query)); diff != "" {
			t.Errorf("%s: tables with keys: %s", engine, diff)
		}
	}
}

// texts reads the texts that a query finds, sorted.
func texts(t *testing.T, db *sqldb.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}
