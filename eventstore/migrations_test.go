package eventstore

import (
	"testing"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// The migration that gives refused events a reference to their wrapping key
// keeps those that are there, and gives no number twice.
func TestRefusedEventsStayWhenTheyAreMigrated(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		own, err := db.Schema(t.Context(), schema(db.Dialect()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { own.Close() })
		if err := own.MigrateTo(t.Context(), embedded(), 2); err != nil {
			t.Fatal(err)
		}
		insert := "INSERT INTO refused (stream, sequence, received_at, reason, wrapping_key) VALUES ('s', $1, $2, 'malformed', $3)"
		refuse := func(sequence, key any) error {
			_, err := own.SQL().ExecContext(t.Context(), insert, sequence, sqldb.Micros(0), key)
			return err
		}
		if _, err := own.SQL().ExecContext(t.Context(), "INSERT INTO vault_keys (id, purpose, wrapped, made_at) VALUES (2, 'wrapping', $1, $2)",
			[]byte{1}, sqldb.Micros(0)); err != nil {
			t.Fatal(err)
		}
		for sequence, key := range []any{2, nil, 2} {
			if err := refuse(sequence, key); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := own.SQL().ExecContext(t.Context(), "DELETE FROM refused WHERE sequence = 2"); err != nil {
			t.Fatal(err)
		}
		if err := own.Migrate(t.Context(), embedded()); err != nil {
			t.Fatal(err)
		}
		if err := refuse(3, 2); err != nil {
			t.Fatal(err)
		}
		if err := refuse(4, 1); err == nil {
			t.Error("a refused event is under a key that isn't there")
		}
		var rows, next int
		err = own.SQL().QueryRowContext(t.Context(), "SELECT count(*), (SELECT id FROM refused WHERE sequence = 3) FROM refused WHERE sequence IN (0, 1)").Scan(&rows, &next)
		if err != nil || rows != 2 || next != 4 {
			t.Errorf("%d of 2 rows stayed, the next has the number %d, %v", rows, next, err)
		}
	})
}
