package eventstore_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/eventstore/storetest"
	"boxoffice/internal/sqldb"
)

// The tables that the cases look through are all that there are.
func TestTables(t *testing.T) {
	for engine, query := range map[sqldb.Engine]string{
		sqldb.SQLite:   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
		sqldb.Postgres: "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
	} {
		got := column(t, newLog(t, engine), query)
		want := slices.Sorted(slices.Values(tables))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", engine, diff)
		}
	}
}

// People read the tables in PostgreSQL: each says what it is.
func TestTablesAreCommented(t *testing.T) {
	uncommented := column(t, newLog(t, sqldb.Postgres),
		`SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = current_schema() AND c.relkind = 'r' AND obj_description(c.oid) IS NULL AND c.relname <> 'schema_version'`)
	if len(uncommented) > 0 {
		t.Errorf("without a comment: %v", uncommented)
	}
}

// column returns the texts that a query finds, sorted.
func column(t *testing.T, l *storetest.Log, query string) []string {
	t.Helper()
	rows, err := l.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
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
