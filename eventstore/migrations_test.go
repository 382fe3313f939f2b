package eventstore

import (
	"testing"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A wrapping key that a refused event's key is under can't be destroyed, as one
// can't that a user's is under.
func TestRefusedEventsReferToTheirKeys(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		own, err := db.Schema(t.Context(), schema(db.Dialect()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { own.Close() })
		if err := Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if _, err := own.SQL().ExecContext(t.Context(), "INSERT INTO vault_keys (id, purpose, wrapped, made_at) VALUES (2, 'wrapping', $1, $2)",
			[]byte{1}, sqldb.Micros(0)); err != nil {
			t.Fatal(err)
		}
		refuse := func(sequence, key any) error {
			_, err := own.SQL().ExecContext(t.Context(),
				"INSERT INTO refused (stream, sequence, received_at, reason, wrapping_key) VALUES ('s', $1, $2, 'malformed', $3)", sequence, sqldb.Micros(0), key)
			return err
		}
		for sequence, key := range []any{2, nil} {
			if err := refuse(sequence, key); err != nil {
				t.Fatal(err)
			}
		}
		if err := refuse(3, 1); err == nil {
			t.Error("a refused event is under a key that isn't there")
		}
		if _, err := own.SQL().ExecContext(t.Context(), "DELETE FROM vault_keys WHERE id = 2"); err == nil {
			t.Error("a key is destroyed that a refused event is under")
		}
	})
}
