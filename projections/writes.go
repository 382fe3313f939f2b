// This file gathers what changes in the tables, and writes it.

package projections

import (
	"context"
	"maps"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// writes are changes of rows, by table.
type writes struct {
	tables map[*table]*tableWrites
	ledger ledger
}

// newWrites begins with no changes but those of a ledger, which stays the caller's.
func newWrites(l ledger) *writes { return &writes{tables: map[*table]*tableWrites{}, ledger: l} }

// to returns the changes of a table.
func (w *writes) to(t *table) *tableWrites {
	of := w.tables[t]
	if of == nil {
		of = &tableWrites{}
		w.tables[t] = of
	}
	return of
}

// tableWrites are the rows to add to a table and to change in it, by the groups
// of columns that are changed, and the keys of those to delete.
type tableWrites struct {
	added, gone [][]any
	changed     map[columnGroups][][]any
}

func (w *tableWrites) add(row []any) { w.added = append(w.added, row) }

func (w *tableWrites) remove(key []any) { w.gone = append(w.gone, key) }

func (w *tableWrites) change(groups columnGroups, row []any) {
	if w.changed == nil {
		w.changed = map[columnGroups][][]any{}
	}
	w.changed[groups] = append(w.changed[groups], row)
}

// put takes up a whole row that is there already or not.
func (w *tableWrites) put(there bool, row []any) {
	if there {
		w.change(0, row)
	} else {
		w.add(row)
	}
}

// compare takes up how a user's rows of one table have changed.
func compare[R keyed[K], K comparable](w *writes, t *rowTable[R], were, are []R) {
	added, changed, gone := compareRows(were, are)
	to := w.to(t.table)
	for i := range added {
		to.add(t.row(&added[i]))
	}
	for i := range changed {
		to.change(0, t.row(&changed[i]))
	}
	for i := range gone {
		to.remove(t.row(&gone[i])[:t.keys])
	}
}

// user takes up how the rows of a user have changed, who is known or not.
func (w *writes) user(known bool, before, after *userRows) {
	w.userRow(known, &before.user, &after.user)
	w.userLists(before, after)
	if known {
		w.ledger.add(domain.ContributionsDiff(before.ledgerEntries(), after.ledgerEntries()))
	} else {
		w.ledger.add(after.ledgerEntries())
	}
}

// userLists takes up how the rows have changed of which a user has several.
func (w *writes) userLists(before, after *userRows) {
	compare(w, entitlementsTable, before.entitlements, after.entitlements)
	compare(w, periodsTable, before.periods, after.periods)
	compare(w, accessSpansTable, before.access, after.access)
	compare(w, trialSpansTable, before.trial, after.trial)
	compare(w, membersTable, before.members, after.members)
}

// userGone takes up that there is nobody any more: all events of the user are
// retracted.
func (w *writes) userGone(before *userRows) {
	for _, t := range []*table{usersTable.table, statusTermsTable.table, userFactsTable.table} {
		w.to(t).remove([]any{before.user.key})
	}
	w.userLists(before, &userRows{})
	w.ledger.add(domain.ContributionsDiff(before.ledgerEntries(), nil))
}

func (w *writes) userRow(known bool, before, after *userRow) {
	if !known || before.status.from != after.status.from || before.status.until != after.status.until {
		w.to(statusTermsTable.table).put(known, statusTermsTable.row(after))
	}
	switch {
	case !known:
		w.to(usersTable.table).add(usersTable.row(after))
	case *before != *after:
		is := usersTable.row(after)
		w.to(usersTable.table).change(usersTable.changed(usersTable.row(before), is), is)
	}
}

// changed says in which groups two rows differ. Their values are comparable.
func (t *table) changed(before, after []any) columnGroups {
	var groups columnGroups
	for i := range t.columns {
		if before[i] != after[i] {
			groups |= t.columns[i].group
		}
	}
	return groups
}

func (w *writes) userFacts(known bool, key sqldb.UUID, facts []byte) {
	w.to(userFactsTable.table).put(known, userFactsTable.row(&factsRow{key, facts}))
}

// flush writes everything.
func (w *writes) flush(ctx context.Context, tx *sqldb.Tx, c domain.Calendar) error {
	for _, t := range rowTables {
		if err := w.to(t).flush(ctx, tx, t); err != nil {
			return err
		}
	}
	return w.ledger.write(ctx, tx, c)
}

// flush deletes first: a row that is added may take the place of one that goes.
// Of the groups the greatest is first, as their order says.
func (w *tableWrites) flush(ctx context.Context, tx *sqldb.Tx, t *table) error {
	if err := t.delete(ctx, tx, w.gone); err != nil {
		return err
	}
	for _, groups := range slices.Backward(slices.Sorted(maps.Keys(w.changed))) {
		if err := t.update(ctx, tx, groups, w.changed[groups]); err != nil {
			return err
		}
	}
	return t.insert(ctx, tx, w.added)
}
