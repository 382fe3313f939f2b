package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/fstest"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// Rows that are read raw hold what was written, on both engines.
func TestScan(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		create := "CREATE TABLE things (n bigint, at timestamptz NOT NULL, key uuid NOT NULL, data bytea, name text NOT NULL)"
		if db.Dialect().Name == sqldb.SQLite {
			create = "CREATE TABLE things (n INTEGER, at INTEGER NOT NULL, key BLOB NOT NULL, data BLOB, name TEXT NOT NULL) STRICT"
		}
		if _, err := db.SQL().ExecContext(t.Context(), create); err != nil {
			t.Fatal(err)
		}
		type thing struct {
			n    int64
			at   sqldb.Micros
			key  sqldb.UUID
			data []byte
			name string
		}
		things := []thing{
			{math.MinInt64, -2_208_988_800_000_001, sqldb.UUID{1}, []byte{0, 255}, "é"},
			{-1, 0, sqldb.UUID{2, 15: 255}, nil, ""},
			{0, 946_684_800_000_000, sqldb.UUID{3}, []byte("x"), "same"},
			{math.MaxInt64, 1_800_000_000_123_456, sqldb.UUID{4}, []byte("y"), "same"},
		}
		for _, x := range things {
			_, err := db.SQL().ExecContext(t.Context(), "INSERT INTO things VALUES ($1, $2, $3, $4, $5)", x.n, x.at, x.key, x.data, x.name)
			if err != nil {
				t.Fatal(err)
			}
		}
		const query = "SELECT n, at, key, data, name FROM things WHERE n >= $1 AND at < $2 AND key <> $3 ORDER BY n"
		var got []string
		before := ""
		err := db.Scan(t.Context(), query, []any{int64(math.MinInt64), sqldb.Micros(2e15), sqldb.UUID{9}}, func(row *sqldb.RawRow) error {
			before = row.Text(4, before)
			got = append(got, fmt.Sprintf("%+v", thing{row.Int64(0), row.Micros(1), row.UUID(2), row.Bytes(3), before}))
			if row.Bytes(3) == nil != (row.Int64(0) == -1) {
				t.Error("NULL isn't told from what is there")
			}
			return nil
		})
		if err != nil || len(got) != len(things) {
			t.Fatalf("%v, %v", got, err)
		}
		for i, x := range things {
			if want := fmt.Sprintf("%+v", x); got[i] != want {
				t.Errorf("got  %s\nwant %s", got[i], want)
			}
		}

		// Whoever takes rows may stop, and the handle goes on.
		stop := errors.New("enough")
		for range 20 { // more than there are connections
			err := db.Scan(t.Context(), query, []any{int64(-1), sqldb.Micros(2e15), sqldb.UUID{9}}, func(*sqldb.RawRow) error { return stop })
			if !errors.Is(err, stop) {
				t.Fatal(err)
			}
		}
		if err := db.Scan(t.Context(), "SELECT nothing", nil, nil); err == nil {
			t.Error("a query that fails gives no error")
		}
		ctx, cancel := context.WithCancel(t.Context())
		const long = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000000) SELECT i FROM c"
		rows := 0
		err = db.Scan(ctx, long, nil, func(*sqldb.RawRow) error {
			if rows++; rows == 10 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the end of the context gives %v after %d rows", err, rows)
		}
		if err := db.SQL().PingContext(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A schema that is brought up to a migration has had that one and no later, and
// one that is further stays where it is.
func TestMigrateTo(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db, err := open().Schema(t.Context(), "part")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		files := twoMigrations()
		for _, c := range []struct{ to, want int64 }{{1, 1}, {1, 1}, {2, 2}, {1, 2}} {
			if err := db.MigrateTo(t.Context(), files, c.to); err != nil {
				t.Fatal(err)
			}
			if has, err := db.SchemaVersion(t.Context()); has != c.want || err != nil {
				t.Errorf("after migrating to %d it is at %d: %v", c.to, has, err)
			}
		}
		if err := db.Migrate(t.Context(), files); err != nil {
			t.Fatal(err)
		}
		if _, err := db.SQL().ExecContext(t.Context(), "SELECT * FROM one, two"); err != nil {
			t.Error(err)
		}
	})
}

func twoMigrations() fstest.MapFS {
	files := fstest.MapFS{}
	for i, name := range []string{"one", "two"} {
		for _, engine := range sqltest.Engines() {
			files[fmt.Sprintf("%s/%05d_%s.sql", engine, i+1, name)] = &fstest.MapFile{
				Data: []byte("-- +goose Up\nCREATE TABLE " + name + " (n integer);\n"),
			}
		}
	}
	return files
}
