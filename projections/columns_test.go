// This file holds the description of the tables against the schema files, and
// against the promise that nothing personal is left of who was erased.

package projections

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// The rule: a column stands in the description and in both schema files, or
// nowhere, and with the same type, key, and whether it may be NULL.
func TestSchemaIsAsDescribed(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		g := emptyGeneration(t, openModels(t, open))
		read, described := postgresColumns, describedPostgres
		if g.db.Dialect().Name == sqldb.SQLite {
			read, described = sqliteColumns, describedSQLite
		}
		var want []string
		for _, of := range tables() {
			for i := range of.columns {
				want = append(want, described(of, &of.columns[i]))
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, queryTexts(t, g, read)); diff != "" {
			t.Errorf("(-described +schema):\n%s", diff)
		}
	})
}

// Personal columns have no samples in the server's statistics, which would
// outlive their rows.
func describedPostgres(t *table, c *column) string {
	kind := map[string]string{"timestamptz": "timestamp with time zone"}[c.typ.postgres]
	if kind == "" {
		kind = c.typ.postgres
	}
	return fmt.Sprintf("%s.%s %s key=%t null=%t bytewise=%t sampled=%t commented=true", t.name, c.name, kind, c.is(primary),
		!c.is(required) && !c.is(primary), c.typ.bytewise, !c.is(personal))
}

const postgresColumns = `
	SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, NULL) ||
		' key=' || (a.attnum = ANY (COALESCE(k.conkey, '{}')))::text || ' null=' || (NOT a.attnotnull)::text ||
		' bytewise=' || (COALESCE(l.collname, '') = 'C')::text ||
		' sampled=' || (COALESCE(a.attstattarget, -1) <> 0)::text ||
		' commented=' || (col_description(c.oid, a.attnum) IS NOT NULL)::text
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
	LEFT JOIN pg_collation l ON l.oid = a.attcollation
	LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
	WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname <> 'schema_version'
		AND a.attnum > 0 AND NOT a.attisdropped`

func describedSQLite(t *table, c *column) string {
	// A key that is added later is a unique index, and no key to SQLite.
	key := c.is(primary) && t != sessionsTable.table
	nullable := !c.is(required)
	return fmt.Sprintf("%s.%s %s key=%t null=%t", t.name, c.name, c.typ.sqlite, key, nullable)
}

const sqliteColumns = `
	SELECT t.name || '.' || c.name || ' ' || c.type || iif(c.pk, ' key=true', ' key=false') ||
		iif(c."notnull", ' null=false', ' null=true')
	FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
	WHERE t.type = 'table' AND t.name NOT IN ('schema_version', 'sqlite_sequence')`

// queryTexts returns the rows of a query of one text, sorted.
func queryTexts(t *testing.T, g *generation, query string) []string {
	t.Helper()
	rows, err := g.db.SQL().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(texts)
	return texts
}

// emptyGeneration makes a generation that can be asked.
func emptyGeneration(t *testing.T, m *Models) *generation {
	t.Helper()
	spec := buildSpec{timeZone: "UTC", foldVersion: FoldVersion, epoch: "test"}
	number, err := m.acquireBuild(t.Context(), spec, 0)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.acquire(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.release(g) })
	if err := g.create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return g
}

// The rule: whichever way a generation forgets a user, each personal column that
// held something of them holds nothing any more; what they entered stands in no
// other column either, before and after; and another user's rows are as they
// were.
func TestPersonalColumnsAreForgotten(t *testing.T) {
	t.Parallel()
	w, erased, other := forgettingWorld(t)
	keys := []eventstore.UserKey{erased.key}
	within := func(forget func(*sqldb.Tx) error) func(*Models, *generation) error {
		return func(_ *Models, g *generation) error { return g.db.InTx(t.Context(), forget) }
	}
	ways := map[string]func(*Models, *generation) error{
		"following": func(m *Models, _ *generation) error {
			return build(m, &w.log, time.UTC, forgettingNow, 1) // with the erasure at the end
		},
		"elsewhere": within(func(tx *sqldb.Tx) error {
			return forgetFacts(t.Context(), tx, keys, platform{calendar: domain.Calendar{Zone: time.UTC}}, forgettingNow)
		}),
		"another version": within(func(tx *sqldb.Tx) error { return forgetColumns(t.Context(), tx, keys) }),
	}
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		m := openModels(t, open)
		living := &testLog{records: w.log.records[:len(w.log.records)-1]}
		for way, forget := range ways {
			if err := build(m, living, time.UTC, forgettingNow, 10); err != nil {
				t.Fatal(err)
			}
			g := liveGeneration(t, m)
			before, others := rowsOf(t, g, erased.key), rowsOf(t, g, other.key)
			before.holdPersonally(t, "before")
			if err := forget(m, g); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			rowsOf(t, g, erased.key).holdNothing(t, way)
			if diff := cmp.Diff(others, rowsOf(t, g, other.key)); diff != "" {
				t.Errorf("%s: another user's rows (-before +after):\n%s", way, diff)
			}
		}
		if err := build(m, living, time.UTC, forgettingNow, 10); err != nil {
			t.Fatal(err)
		}
		g := liveGeneration(t, m)
		if err := g.db.InTx(t.Context(), func(tx *sqldb.Tx) error { return forgetAll(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		rowsOf(t, g, erased.key).holdNothing(t, "all")
		rowsOf(t, g, other.key).holdNothing(t, "all")
	})
	filled := newShardUser()
	for i := range w.log.records {
		if r := &w.log.records[i]; r.User == erased.key {
			if _, err := filled.take(&r.Event); err != nil {
				t.Fatal(err)
			}
		}
	}
	filled.erased = true
	filling := newWrites(ledger{})
	if err := filling.wholeUser(sqldb.UUID(erased.key), erased.was, filled, platform{calendar: w.calendar}, forgettingNow); err != nil {
		t.Fatal(err)
	}
	rows := userTables{}
	for _, of := range rowTables {
		rows[of.name] = filling.to(of).added
	}
	rows.holdNothing(t, "filling")
}

const forgettingNow domain.Instant = 1e15

// forgettingMark is in all that the user entered.
const forgettingMark = "Zxq"

// forgettingWorld has a user of whom every personal column holds something,
// and one beside them. The last event is the erasure.
func forgettingWorld(t *testing.T) (w *world, erased, other *person) {
	t.Helper()
	w = &world{calendar: domain.Calendar{Zone: time.UTC}}
	for i, id := range []string{forgettingMark, "other"} {
		p := &person{key: keyOf(i), id: id, was: id, sessions: map[[2]string]*domain.SessionFacts{}}
		at := forgettingNow - 40*24*hour
		entered := map[string]any{}
		for _, field := range []string{"email", "first_name", "last_name", "locale", "country", "platform"} {
			entered[field] = id + " " + field
		}
		entered["custom"] = map[string]any{id + " key": id + " value"}
		w.happen(t, p, sent{typ: domain.UserRegistered, at: at, data: entered})
		w.happen(t, p, sent{typ: domain.SubscriptionStarted, at: at + hour, data: map[string]any{"subscription_id": "s", "offer_id": "o"}})
		w.happen(t, p, sent{typ: domain.SubscriptionCanceled, at: at + 2*hour,
			data: map[string]any{"subscription_id": "s", "comment": id + " comment"}})
		for i, typ := range []domain.Type{domain.SubscriptionStarted, domain.SubscriptionPaymentFailed, domain.SubscriptionPaused} {
			w.happen(t, p, sent{typ: typ, at: at + domain.Instant(3+i)*hour,
				data: map[string]any{"subscription_id": "s", "offer_id": "o", "comment": id + " comment"}})
		}
		w.happen(t, p, sent{typ: domain.PlaybackEnded, at: at + hour, data: map[string]any{"session_id": "p", "content_id": "c"}})
		w.people = append(w.people, p)
	}
	erased, other = w.people[0], w.people[1]
	erased.id = ""
	w.happen(t, erased, sent{typ: domain.UserErased, at: forgettingNow - hour})
	return w, erased, other
}

// userTables are the rows of one user, by table.
type userTables map[string][][]any

func rowsOf(t *testing.T, g *generation, user eventstore.UserKey) userTables {
	t.Helper()
	all := userTables{}
	for _, of := range rowTables {
		if of.has("user_key") {
			err := of.read(t.Context(), g.db.SQL(), sqldb.UUID(user), func(row []any) { all[of.name] = append(all[of.name], row) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// holdPersonally says that each personal column holds what the user entered, and
// that no other column does.
func (rows userTables) holdPersonally(t *testing.T, when string) {
	t.Helper()
	for _, of := range rowTables {
		for i, c := range of.columns {
			holds := slices.ContainsFunc(rows[of.name], func(row []any) bool { return isMarked(row[i]) })
			if holds != c.is(personal) {
				t.Errorf("%s: %s.%s holds what the user entered: %t, personal: %t", when, of.name, c.name, holds, c.is(personal))
			}
		}
	}
}

// holdNothing says that no column holds what the user entered, and that the
// personal ones are empty.
func (rows userTables) holdNothing(t *testing.T, when string) {
	t.Helper()
	for _, of := range rowTables {
		for _, row := range rows[of.name] {
			for i, c := range of.columns {
				empty := row[i] == nil || c.typ == jsonType && row[i] == "{}" || c.typ == bytesType
				if isMarked(row[i]) || c.is(personal) && !empty {
					t.Errorf("%s: %s.%s holds %q", when, of.name, c.name, row[i])
				}
			}
		}
	}
}

// isMarked says whether a value holds the mark, case-folded or not.
func isMarked(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(foldCase(value), foldCase(forgettingMark))
	case []byte:
		return bytes.Contains(bytes.ToLower(value), bytes.ToLower([]byte(forgettingMark)))
	}
	return false
}

// liveGeneration returns the live generation, for the test's time.
func liveGeneration(t *testing.T, m *Models) *generation {
	t.Helper()
	number, _, err := m.live(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.acquire(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.release(g) })
	return g
}
