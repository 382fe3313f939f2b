// This file has the cases about digests: when two are the same, and that no
// value of a row is left out.

package projectionstest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// digest computes the digest of the live generation at an instant.
func (h *house) digest(at domain.Instant) projections.Digest {
	h.t.Helper()
	d, err := projections.NewReader(h.models, sessionTimeout).Digest(h.t.Context(), at)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

// digestHistory is one with everything in it, some users erased.
func digestHistory(t testing.TB) []*domain.Event {
	m := newMaker(t, 90)
	return append(m.history(20), m.erased(20)...)
}

// DigestOf computes the digest of a history that is the same on every call, so
// that engines can be compared.
func DigestOf(t testing.TB, database Database) projections.Digest {
	h := newHouse(t, database)
	h.appendJudged(digestHistory(t)...)
	h.project(h.quick())
	return h.digest(now)
}

func digestOfAny(t *testing.T, database Database) {
	events := digestHistory(t)
	followed := newHouse(t, database)
	followed.clock.Store(int64(start + 40*day))
	r := followed.start(followed.quick())
	for i := 0; i < len(events); i += 30 {
		followed.appendJudged(events[i:min(i+30, len(events))]...)
	}
	followed.caughtUp(r)
	r.stop()
	fresh := newHouse(t, database)
	fresh.appendJudged(events...)
	fresh.fill(fresh.filling())
	// Rows that were made at other instants hold another status.
	for _, at := range []domain.Instant{now, start + 40*day, start + 60*day, start - day} {
		if diff := cmp.Diff(followed.digest(at), fresh.digest(at)); diff != "" {
			t.Errorf("at %s (-followed +fresh):\n%s", at, diff)
		}
	}
	a, b := followed.digest(now), fresh.digest(start+40*day)
	if a.Sum() == b.Sum() {
		t.Error("the status of an instant isn't in the digest")
	}
	for i, table := range fresh.dump() {
		for _, of := range a.Tables {
			if of.Table == i && of.Rows != int64(len(table)) {
				t.Errorf("%s has %d rows, by its digest %d", i, len(table), of.Rows)
			}
		}
	}
	if len(a.Tables) != len(dumped) {
		t.Errorf("the digest is of %d tables, the dump of %d", len(a.Tables), len(dumped))
	}
}

func digestOfAll(t *testing.T, database Database) {
	h := newHouse(t, database)
	h.appendJudged(digestHistory(t)...)
	h.project(h.quick())
	db, err := h.db.Schema(t.Context(), h.live())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := h.digest(now)
	for _, of := range dumped {
		for _, column := range of.columns {
			if of.table == "users" && column == "u:user_key" {
				continue // pseudonyms differ between installations
			}
			text := changeOf(h.db.Dialect(), of.table, column)
			if _, err := db.SQL().ExecContext(t.Context(), text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			after := h.digest(now)
			for i := range before.Tables {
				table := before.Tables[i].Table
				same := before.Tables[i] == after.Tables[i]
				switch {
				case table == of.table && same:
					t.Errorf("after %s the digest is the same", text)
				case table != of.table && !same && of.table != "users": // whose ids are in all
					t.Errorf("after %s the digest of %s is another", text, table)
				}
			}
			if before.Sum() == after.Sum() {
				t.Errorf("after %s the digest of the whole is the same", text)
			}
			before = after
		}
	}
}

// changeOf is a statement that changes a column, as [dumped] has it, in all rows of
// a table, or in some.
func changeOf(d *sqldb.Dialect, table, column string) string {
	name := `"` + column[2:] + `"`
	postgres := d.Name == sqldb.Postgres
	var value string
	switch column[0] {
	case 'u': // the rows of one user become nobody's
		return "UPDATE " + table + " SET user_key = " + nobody(postgres) + " WHERE user_key = (SELECT x.user_key FROM " + table +
			" x JOIN users u ON u.user_key = x.user_key WHERE u.id IS NOT NULL LIMIT 1)"
	case 'n':
		value = "COALESCE(" + name + ", 0) + 1000"
	case 'b':
		value = name + " IS NOT TRUE"
	case 'i':
		value = "COALESCE(" + name + ", 0) + 7"
		if postgres {
			value = "COALESCE(" + name + ", now()) + interval '7 microseconds'"
		}
	case 'x':
		value = "CAST(" + name + " || x'00' AS BLOB)"
		if postgres {
			value = name + ` || '\x00'::bytea`
		}
	default:
		value = "COALESCE(" + name + ", '') || 'x'"
		switch {
		case column == "t:custom":
			value = `'{"x":1}'`
		case table == "users" && column == "t:id":
			value += " WHERE id IS NOT NULL" // no two may have the same
		}
	}
	return "UPDATE " + table + " SET " + name + " = " + value
}

func nobody(postgres bool) string {
	if postgres {
		return "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
	}
	return "x'ffffffffffffffffffffffffffffffff'"
}
