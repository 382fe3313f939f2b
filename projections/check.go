// This file folds one user again from their own history, in the order of the log,
// and checks their rows by what comes out. A digest tells whether two generations
// are the same; this tells what is wrong where they aren't.

package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A HistoryLog reads one user's history.
type HistoryLog interface {
	// UserHistory yields the events of a user after a position up to another,
	// included, in the order of the log and with the instants at which they were
	// recorded. It ends at the first error.
	UserHistory(ctx context.Context, user eventstore.UserKey, after, upTo eventstore.Position) iter.Seq2[*eventstore.Record, error]
	RetractionLog
}

// A RowDifference is a column of a table in which a row of a user doesn't hold
// what follows from the log. Column is empty where a whole row is missing or is
// there for no reason.
type RowDifference struct{ Table, Column string }

// CheckUser folds a user again from the log, up to the position of the read
// models, and says where the rows that these have of the user aren't what comes
// out; nowhere is nil. The ledger of the figures, which isn't kept by user, isn't
// looked at. The error wraps [eventstore.ErrUserGone] where the user has been
// erased and the read models haven't come that far.
func (r *Reader) CheckUser(ctx context.Context, log HistoryLog, user eventstore.UserKey) (found []RowDifference, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		found, err = s.checkUser(ctx, log, user)
		if err != nil {
			return fmt.Errorf("check the rows of a user: %w", err)
		}
		return nil
	})
	return found, err
}

func (s *snapshot) checkUser(ctx context.Context, log HistoryLog, user eventstore.UserKey) ([]RowDifference, error) {
	kept, err := s.readUserRows(ctx, sqldb.UUID(user))
	if err != nil {
		return nil, err
	}
	folded, id, err := refold(ctx, log, user, s.Position)
	if err != nil {
		return nil, err
	}
	var holdsFrom domain.Instant // the status in the row
	if users := kept[usersTable.table]; len(users) > 0 {
		if folded.erased && users[0][usersTable.index("id")] != nil {
			return nil, eventstore.ErrUserGone
		}
		holdsFrom = domain.Instant(users[0][usersTable.index("status_from")].(sqldb.Micros))
	}
	want := newWrites(ledger{})
	if folded.known() {
		if err := want.wholeUser(sqldb.UUID(user), id, folded, platform{s.Calendar, s.RenewalGrace}, holdsFrom); err != nil {
			return nil, err
		}
	}
	var found []RowDifference
	for _, t := range rowTables {
		if t.has("user_key") {
			found = append(found, t.differences(kept[t], want.to(t).added)...)
		}
	}
	return found, nil
}

var errNotInOrder = errors.New("the log isn't in the order in which it was recorded")

// refold folds a user again from all of their history up to a position, in the
// order of the log and without what has been retracted by then or is given, and
// says which id they have on the platform.
func refold(ctx context.Context, log HistoryLog, user eventstore.UserKey, upTo eventstore.Position, retracted ...domain.Retraction) (u *shardUser, id string, err error) {
	u = newShardUser()
	retractions, err := log.Retractions(ctx, []eventstore.UserKey{user}, upTo)
	if err != nil {
		return nil, "", err
	}
	for i := range retractions {
		u.retract(retractions[i].Names)
	}
	for _, named := range retracted {
		u.retract(named)
	}
	var position eventstore.Position
	var recordedAt domain.Instant
	for r, err := range log.UserHistory(ctx, user, 0, upTo) {
		if err != nil {
			return nil, "", err
		}
		if r.Position <= position || position > 0 && r.RecordedAt < recordedAt {
			return nil, "", fmt.Errorf("position %d: %w", r.Position, errNotInOrder)
		}
		position, recordedAt = r.Position, r.RecordedAt
		if _, err := u.take(&r.Event); err != nil {
			return nil, "", err
		}
		if r.Erased {
			u.erased = true
		}
		if r.Event.Subject != "" {
			id = r.Event.Subject
		}
	}
	return u, id, nil
}

// keptRows are the rows that read models have of a user, by table.
type keptRows map[*table][][]any

func (s *snapshot) readUserRows(ctx context.Context, user sqldb.UUID) (keptRows, error) {
	kept := keptRows{}
	for _, t := range rowTables {
		if !t.has("user_key") {
			continue
		}
		if err := t.read(ctx, s.tx, user, func(row []any) { kept[t] = append(kept[t], row) }); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// differences compares the rows of a table with those that there should be.
func (t *table) differences(kept, want [][]any) []RowDifference {
	key := func(row []any) string { return fmt.Sprint(row[:t.keys]...) }
	wanted := map[string][]any{}
	for _, row := range want {
		wanted[key(row)] = row
	}
	columns := map[string]bool{} // in which rows differ
	for _, row := range kept {
		other, there := wanted[key(row)]
		delete(wanted, key(row))
		if !there {
			columns[""] = true
			continue
		}
		for i := range row {
			if !reflect.DeepEqual(row[i], other[i]) {
				columns[t.columns[i].name] = true
			}
		}
	}
	if len(wanted) > 0 {
		columns[""] = true
	}
	var found []RowDifference
	for _, name := range append([]string{""}, namesOf(t.columns)...) {
		if columns[name] {
			found = append(found, RowDifference{t.name, name})
		}
	}
	return found
}
