// This file tests that the check of a user's rows finds whatever is wrong in
// them, and nothing where nothing is.

package projections

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

func (l *testLog) UserHistory(_ context.Context, user eventstore.UserKey, after, upTo eventstore.Position) iter.Seq2[*eventstore.Record, error] {
	return func(yield func(*eventstore.Record, error) bool) {
		for i := int(after); i < min(int(upTo), len(l.records)); i++ {
			if r := &l.records[i]; r.User == user && !yield(r, nil) {
				return
			}
		}
	}
}

// wrongValues are what a column of each type is set to.
var wrongValues = map[columnType]any{
	textType: "wrong", orderedType: "wrong", jsonType: `{"wrong":true}`, instantType: sqldb.Micros(12345),
	bigintType: int64(54321), integerType: int64(54321), bytesType: []byte{1},
}

// TestCheckFindsWhatIsWrong changes one column after the other, and takes away
// and adds rows.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	w, _, other := forgettingWorld(t)
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		m := openModels(t, open)
		if err := build(m, &w.log, time.UTC, forgettingNow, 10); err != nil {
			t.Fatal(err)
		}
		c := &checking{T: t, g: liveGeneration(t, m), reader: NewReader(m, plainTimeout), log: &w.log, user: other.key}
		for _, p := range w.people {
			found, err := c.reader.CheckUser(t.Context(), &w.log, p.key)
			if err != nil || found != nil {
				t.Errorf("before anything is wrong with %q: %v, %v", p.id, found, err)
			}
		}
		for _, of := range rowTables {
			if rows := rowsOf(t, c.g, other.key)[of.name]; len(rows) > 0 {
				c.changeEach(of, rows)
				c.takeAway(of, rows)
			}
		}
		c.addRow()
	})
}

// TestCheckNeedsWhatIsLeft: nothing can be said of a user who has been erased
// where the read models haven't come that far, and none of a log out of order.
func TestCheckNeedsWhatIsLeft(t *testing.T) {
	t.Parallel()
	w, erased, other := forgettingWorld(t)
	living := &testLog{records: slices.Clone(w.log.records[:len(w.log.records)-1])}
	m := openModels(t, sqltest.New(t, sqldb.SQLite))
	if err := build(m, living, time.UTC, forgettingNow, 10); err != nil {
		t.Fatal(err)
	}
	for i := range living.records {
		living.records[i].Erased = living.records[i].User == erased.key
	}
	reader := NewReader(m, plainTimeout)
	if _, err := reader.CheckUser(t.Context(), living, erased.key); !errors.Is(err, eventstore.ErrUserGone) {
		t.Errorf("of an erasure that is still to come: %v", err)
	}
	last := &living.records[len(living.records)-1]
	last.RecordedAt = living.records[0].RecordedAt - 1
	if _, err := reader.CheckUser(t.Context(), living, other.key); !errors.Is(err, errNotInOrder) {
		t.Errorf("of a log out of order: %v", err)
	}
}

// A checking makes rows wrong and has them checked.
type checking struct {
	*testing.T
	g      *generation
	reader *Reader
	log    *testLog
	user   eventstore.UserKey
}

func (c *checking) changeEach(of *table, rows [][]any) {
	for i, column := range of.columns {
		if i < of.keys || column.typ == uuidType {
			continue
		}
		wrong := make([][]any, len(rows))
		for n, row := range rows {
			wrong[n] = slices.Clone(row)
			if wrong[n][i] = wrongValues[column.typ]; column.typ == booleanType {
				wrong[n][i] = row[i] != true
			}
		}
		c.within(func(tx *sqldb.Tx) error { return of.update(c.Context(), tx, 0, wrong) })
		if found := c.check(); !slices.Contains(found, RowDifference{of.name, column.name}) {
			c.Errorf("%s.%s is wrong: found %v", of.name, column.name, found)
		}
		c.within(func(tx *sqldb.Tx) error { return of.update(c.Context(), tx, 0, rows) })
		c.fine(of.name + "." + column.name)
	}
}

func (c *checking) takeAway(of *table, rows [][]any) {
	keys := make([][]any, len(rows))
	for i, row := range rows {
		keys[i] = row[:of.keys]
	}
	c.within(func(tx *sqldb.Tx) error { return of.delete(c.Context(), tx, keys) })
	if found := c.check(); !slices.Contains(found, RowDifference{Table: of.name}) {
		c.Errorf("the rows of %s are missing: found %v", of.name, found)
	}
	c.within(func(tx *sqldb.Tx) error { return of.insert(c.Context(), tx, rows) })
	c.fine(of.name)
}

func (c *checking) addRow() {
	row := accessSpansTable.row(&spanRow{spanKey{sqldb.UUID(c.user), 1}, 2})
	c.within(func(tx *sqldb.Tx) error { return accessSpansTable.insert(c.Context(), tx, [][]any{row}) })
	if diff := cmp.Diff([]RowDifference{{Table: "access_spans"}}, c.check()); diff != "" {
		c.Errorf("a row too many (-want +got):\n%s", diff)
	}
}

func (c *checking) fine(what string) {
	c.Helper()
	if found := c.check(); found != nil {
		c.Fatalf("%s is right again: found %v", what, found)
	}
}

func (c *checking) check() []RowDifference {
	c.Helper()
	found, err := c.reader.CheckUser(c.Context(), c.log, c.user)
	if err != nil {
		c.Fatal(err)
	}
	return found
}

func (c *checking) within(change func(*sqldb.Tx) error) {
	c.Helper()
	if err := c.g.db.InTx(c.Context(), change); err != nil {
		c.Fatal(err)
	}
}
