// This file tests that indexes can be built in several goes.

package projections

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// The rule: read models are complete when their indexes are, and a process that
// dies over building them leaves some, which the next passes over. On SQLite
// only: PostgreSQL builds them in one transaction.
func TestIndexAfterDying(t *testing.T) {
	t.Parallel()
	open := func() *generation {
		db, err := sqltest.New(t, sqldb.SQLite)().Schema(t.Context(), "models_1")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		g := &generation{number: 1, db: db}
		if err := g.begin(t.Context(), buildSpec{timeZone: "UTC", foldVersion: FoldVersion}); err != nil {
			t.Fatal(err)
		}
		return g
	}
	index := func(g *generation) []string {
		if err := g.index(t.Context()); err != nil {
			t.Fatal(err)
		}
		if whole, err := g.indexed(t.Context()); err != nil || !whole {
			t.Fatalf("indexed: %v, %v", whole, err)
		}
		return indexesOf(t, g)
	}
	undisturbed := open()
	want := index(undisturbed)

	died := open()
	for _, text := range []string{want[0], want[len(want)-1]} {
		if _, err := died.db.SQL().ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if whole, err := died.indexed(t.Context()); err != nil || whole {
		t.Fatalf("with some of the indexes: indexed: %v, %v", whole, err)
	}
	if diff := cmp.Diff(want, index(died)); diff != "" {
		t.Errorf("(-undisturbed +after dying):\n%s", diff)
	}
}

// indexesOf returns the statements that make a generation's indexes.
func indexesOf(t *testing.T, g *generation) []string {
	rows, err := g.db.SQL().QueryContext(t.Context(), "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
