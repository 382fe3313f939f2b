// This file folds users again of whom something was retracted that is in their
// rows: from their history, as it is without that.

package projections

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// foldAgain remakes the rows of those users of the batch who need it, each
// once, however much of theirs was retracted.
func (f *folding) foldAgain(ctx context.Context, log HistoryLog) error {
	keys := slices.Collect(maps.Keys(f.batch.retracted.again))
	sortKeys(keys)
	return inChunks(keys, func(keys []eventstore.UserKey) error {
		facts, err := f.loadUsers(ctx, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := f.foldUserAgain(ctx, log, key, facts[sqldb.UUID(key)]); err != nil {
				return fmt.Errorf("fold user %s again: %w", key, err)
			}
		}
		return nil
	})
}

// foldUserAgain remakes the rows of a user of whom facts are kept.
func (f *folding) foldUserAgain(ctx context.Context, log HistoryLog, user eventstore.UserKey, kept []byte) error {
	u, id, err := refold(ctx, log, user, f.batch.last)
	if err != nil {
		return err
	}
	u.erased = u.erased || f.batch.users[user].erased
	key := sqldb.UUID(user)
	facts, err := domain.DecodeUserFacts(kept)
	if err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	before := userRowsOf(key, id, facts, f.platform, f.now)
	if u.known() {
		facts, are, err := u.allFacts()
		if err != nil {
			return fmt.Errorf("facts: %w", err)
		}
		after := userRowsOf(key, id, facts, f.platform, f.now)
		f.writes.user(true, &before, &after)
		f.writes.userFacts(true, key, are)
	} else {
		f.writes.userGone(&before)
	}
	return f.sessionsAgain(ctx, user, u)
}

// sessionsAgain remakes the rows of all sessions of a user.
func (f *folding) sessionsAgain(ctx context.Context, user eventstore.UserKey, u *shardUser) error {
	kept := map[sqldb.UUID][]byte{}
	err := eachRow(ctx, f.tx, "SELECT session_key, facts FROM sessions WHERE user_key = $1", []any{sqldb.UUID(user)}, func(row scanner) error {
		var hash sqldb.UUID
		var facts []byte
		err := row.Scan(&hash, &facts)
		kept[hash] = facts
		return err
	})
	if err != nil {
		return fmt.Errorf("load their sessions: %w", err)
	}
	to := f.writes.to(sessionsTable.table)
	err = u.eachSession(func(name sessionName, facts *domain.SessionFacts, are []byte) {
		key := sessionKey{user, name.sessionID, name.contentID}
		hash := key.hash()
		was, there := kept[hash]
		delete(kept, hash)
		if bytes.Equal(was, are) {
			return
		}
		row := sessionRowOf(hash, key, facts, are)
		if there {
			to.change(reportedColumns|startColumns, sessionsTable.row(&row))
		} else {
			to.add(sessionsTable.row(&row))
		}
	})
	for _, hash := range slices.SortedFunc(maps.Keys(kept), func(a, b sqldb.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		to.remove([]any{hash})
	}
	return err
}
