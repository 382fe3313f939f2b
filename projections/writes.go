// This file gathers what a batch changes in the tables, and writes it.

package projections

import (
	"context"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// writes are the changes of one batch, by table.
type writes struct {
	usersAdded [][]any
	// usersErased and usersChanged are the changes of rows that are there, by
	// the groups of columns that they change. Those of erased users come
	// first: they free an id that a new user may have.
	usersErased, usersChanged map[columnGroups][][]any

	statusTerms   tableWrites
	userFacts     tableWrites
	entitlements  tableWrites
	periods       tableWrites
	access, trial tableWrites
	members       tableWrites
	ledger        ledger

	sessions      tableWrites
	sessionsMoved [][]any // those of which started_at changes
}

func newWrites() writes {
	return writes{
		usersErased:  map[columnGroups][][]any{},
		usersChanged: map[columnGroups][][]any{},
		ledger:       ledger{},
	}
}

// tableWrites are the rows to add to a table and to change in it, and the keys
// of those to delete.
type tableWrites struct{ added, changed, gone [][]any }

// put takes up a row that is there already or not.
func (w *tableWrites) put(there bool, row []any) {
	if there {
		w.changed = append(w.changed, row)
	} else {
		w.added = append(w.added, row)
	}
}

// compare takes up how a user's rows of one table have changed.
func compare[R, K comparable](w *tableWrites, were, are []R, key func(R) K, keyValues func(K) []any, values func(*R) []any) {
	added, changed, gone := compareRows(were, are, key)
	for i := range added {
		w.added = append(w.added, values(&added[i]))
	}
	for i := range changed {
		w.changed = append(w.changed, values(&changed[i]))
	}
	for _, k := range gone {
		w.gone = append(w.gone, keyValues(k))
	}
}

// user takes up how the rows of a user have changed.
func (w *writes) user(known bool, before, after *userRows) {
	w.userRow(known, &before.user, &after.user)
	compare(&w.entitlements, before.entitlements, after.entitlements,
		func(r entitlementRow) entitlementKey { return r.entitlementKey }, entitlementKey.values, (*entitlementRow).values)
	compare(&w.periods, before.periods, after.periods,
		func(r periodRow) periodKey { return r.periodKey }, periodKey.values, (*periodRow).values)
	spanKeyOf := func(r spanRow) spanKey { return r.spanKey }
	compare(&w.access, before.access, after.access, spanKeyOf, spanKey.values, (*spanRow).values)
	compare(&w.trial, before.trial, after.trial, spanKeyOf, spanKey.values, (*spanRow).values)

	compare(&w.members, before.members, after.members,
		func(r memberRow) memberKey { return r.memberKey }, memberKey.values, (*memberRow).values)
	w.ledger.add(domain.ContributionsDiff(before.ledgerEntries(), after.ledgerEntries()))
}

func (w *writes) userRow(known bool, before, after *userRow) {
	groups := changedGroups(before, after)
	if !known || before.status.from != after.status.from || before.status.until != after.status.until {
		w.statusTerms.put(known, after.terms())
	}
	switch {
	case !known:
		w.usersAdded = append(w.usersAdded, after.values())
	case groups == 0:
	case !after.id.there:
		w.usersErased[groups] = append(w.usersErased[groups], after.values())
	default:
		w.usersChanged[groups] = append(w.usersChanged[groups], after.values())
	}
}

func (k entitlementKey) values() []any { return []any{k.user, k.kind, k.id} }
func (k periodKey) values() []any      { return []any{k.user, k.kind, k.id, k.n} }
func (k spanKey) values() []any        { return []any{k.user, k.from} }
func (k memberKey) values() []any      { return []any{string(k.counter), k.at, k.user} }

// columnGroups is a set of groups of columns of users. Rows are changed group
// by group, so that a change of status leaves the indexes over the update's
// instant alone, and a change of profile those over the status.
type columnGroups uint8

const (
	identityColumns columnGroups = 1 << iota
	firstColumns
	updateColumns
	personColumns
	stateColumns
)

var groupColumns = []struct {
	group   columnGroups
	columns []string
}{
	{identityColumns, []string{"id", "search_id"}},
	{firstColumns, []string{"first_event_at", "registered_at"}},
	{updateColumns, []string{"updated_at"}},
	{personColumns, []string{"email", "first_name", "last_name", "locale", "country", "platform", "custom",
		"search_name", "search_email"}},
	{stateColumns, []string{"status", "status_since", "status_from", "status_until"}},
}

// changedGroups says in which groups two rows of a user differ.
func changedGroups(before, after *userRow) columnGroups {
	var groups columnGroups
	if before.id != after.id {
		groups |= identityColumns
	}
	if before.firstEventAt != after.firstEventAt || before.registeredAt != after.registeredAt {
		groups |= firstColumns
	}
	if before.updatedAt != after.updatedAt {
		groups |= updateColumns
	}
	if before.profile != after.profile {
		groups |= personColumns
	}
	if before.status != after.status {
		groups |= stateColumns
	}
	return groups
}

// columns gives the columns of the groups.
func (g columnGroups) columns() []string {
	var columns []string
	for _, of := range groupColumns {
		if g&of.group != 0 {
			columns = append(columns, of.columns...)
		}
	}
	return columns
}

// flush writes everything.
func (w *writes) flush(ctx context.Context, tx *sqldb.Tx, c domain.Calendar) error {
	if err := w.flushUsers(ctx, tx); err != nil {
		return err
	}
	for _, of := range []struct {
		table  *table
		writes *tableWrites
	}{
		{statusTermsTable, &w.statusTerms},
		{userFactsTable, &w.userFacts},
		{entitlementsTable, &w.entitlements},
		{periodsTable, &w.periods},
		{accessSpansTable, &w.access},
		{trialSpansTable, &w.trial},
		{membersTable, &w.members},
		{sessionsTable, &w.sessions},
	} {
		if err := of.writes.flush(ctx, tx, of.table); err != nil {
			return err
		}
	}
	if err := sessionsTable.update(ctx, tx, slices.Concat(sessionReported, []string{"started_at"}), w.sessionsMoved); err != nil {
		return err
	}
	return w.ledger.write(ctx, tx, c)
}

func (w *writes) flushUsers(ctx context.Context, tx *sqldb.Tx) error {
	for _, changed := range []map[columnGroups][][]any{w.usersErased, w.usersChanged} {
		for groups, rows := range changed {
			if err := usersTable.update(ctx, tx, groups.columns(), rows); err != nil {
				return err
			}
		}
	}
	return usersTable.insert(ctx, tx, w.usersAdded)
}

// flush deletes first: a row that is added may take the place of one that goes.
func (w *tableWrites) flush(ctx context.Context, tx *sqldb.Tx, t *table) error {
	if err := t.delete(ctx, tx, w.gone); err != nil {
		return err
	}
	if err := t.update(ctx, tx, t.changing(), w.changed); err != nil {
		return err
	}
	return t.insert(ctx, tx, w.added)
}
