// This file makes the rows of a shard and loads them into the tables.

package projections

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// loadedAtOnce is from how many users and sessions their rows are loaded.
const loadedAtOnce = 2048

// full says whether these are enough rows to load.
func (w *writes) full() bool {
	return len(w.to(usersTable.table).added)+len(w.to(sessionsTable.table).added) >= loadedAtOnce
}

// wholeUser takes up all rows of a user of whom there are none.
func (w *writes) wholeUser(key sqldb.UUID, id string, u *shardUser, p platform, now domain.Instant) error {
	facts, binary, err := u.allFacts()
	if err != nil {
		return fmt.Errorf("facts of user %s: %w", key, err)
	}
	rows := userRowsOf(key, id, facts, p, now)
	w.user(false, &userRows{}, &rows)
	w.userFacts(false, key, binary)
	sessions := w.to(sessionsTable.table)
	err = u.eachSession(func(name sessionName, facts *domain.SessionFacts, binary []byte) {
		session := sessionKey{eventstore.UserKey(key), name.sessionID, name.contentID}
		row := sessionRowOf(session.hash(), session, facts, binary)
		sessions.add(sessionsTable.row(&row))
	})
	if err != nil {
		return fmt.Errorf("user %s: %w", key, err)
	}
	return nil
}

// load writes the rows of a shard, and returns what its users contribute to the
// ledger. Making the rows of some users and loading those before go on at once.
func (f *filler) load(ctx context.Context, tx *sqldb.Tx, s *shard) (ledger, error) {
	sum, now := ledger{}, f.now()
	made := make(chan *writes, 1)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		defer close(made)
		w := newWrites(sum)
		send := func() error {
			select {
			case made <- w:
				w = newWrites(sum)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for _, key := range s.sorted() {
			u := s.user(key)
			if !u.known() {
				continue // all of their events are retracted
			}
			if err := w.wholeUser(sqldb.UUID(key), s.id(key, u), u, f.platform, now); err != nil {
				return err
			}
			if w.full() {
				if err := send(); err != nil {
					return err
				}
			}
		}
		return send()
	})
	work.Go(func() error {
		for w := range made {
			for _, t := range rowTables {
				if err := t.load(ctx, tx, w.to(t).added); err != nil {
					return err
				}
			}
		}
		return nil
	})
	err := work.Wait()
	return sum, err
}
