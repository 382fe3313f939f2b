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

// filledTables are the tables that are loaded, except those of the ledger.
var filledTables = []*table{
	usersTable, statusTermsTable, userFactsTable, entitlementsTable, periodsTable, accessSpansTable, trialSpansTable, membersTable,
	sessionsTable,
}

// A block holds rows of some users, by table in the order of filledTables.
type block struct {
	rows   [9][][]any
	ledger ledger
}

// The places of the tables in a block.
const (
	usersRows = iota
	statusTermsRows
	userFactsRows
	entitlementsRows
	periodsRows
	accessRows
	trialRows
	membersRows
	sessionsRows
)

// blockRows is from how many users and sessions a block is loaded.
const blockRows = 2048

func (b *block) full() bool { return len(b.rows[usersRows])+len(b.rows[sessionsRows]) >= blockRows }

// addUser adds all rows of a user.
func (b *block) addUser(key sqldb.UUID, id string, u *shardUser, c domain.Calendar, now domain.Instant) error {
	facts, binary, err := u.allFacts()
	if err != nil {
		return fmt.Errorf("facts of user %s: %w", key, err)
	}
	rows := userRowsOf(key, id, facts, c, now)
	b.rows[usersRows] = append(b.rows[usersRows], rows.user.values())
	b.rows[statusTermsRows] = append(b.rows[statusTermsRows], rows.user.terms())
	b.rows[userFactsRows] = append(b.rows[userFactsRows], []any{key, binary})
	for i := range rows.entitlements {
		b.rows[entitlementsRows] = append(b.rows[entitlementsRows], rows.entitlements[i].values())
	}
	for i := range rows.periods {
		b.rows[periodsRows] = append(b.rows[periodsRows], rows.periods[i].values())
	}
	for i := range rows.access {
		b.rows[accessRows] = append(b.rows[accessRows], rows.access[i].values())
	}
	for i := range rows.trial {
		b.rows[trialRows] = append(b.rows[trialRows], rows.trial[i].values())
	}
	for i := range rows.members {
		b.rows[membersRows] = append(b.rows[membersRows], rows.members[i].values())
	}
	b.ledger.add(rows.ledgerEntries())
	err = u.eachSession(func(name sessionName, facts *domain.SessionFacts, binary []byte) {
		session := sessionKey{eventstore.UserKey(key), name.sessionID, name.contentID}
		b.rows[sessionsRows] = append(b.rows[sessionsRows], sessionValues(session.hash(), session, facts, binary))
	})
	if err != nil {
		return fmt.Errorf("user %s: %w", key, err)
	}
	return nil
}

// load writes the rows of a shard, and gives what its users contribute to the
// ledger. Making the rows of a block and loading the one before go on at once.
func (f *filler) load(ctx context.Context, tx *sqldb.Tx, s *shard) (ledger, error) {
	sum, now := ledger{}, f.now()
	blocks := make(chan *block, 1)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		defer close(blocks)
		b := &block{ledger: sum}
		send := func() error {
			select {
			case blocks <- b:
				b = &block{ledger: sum}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for _, key := range s.sorted() {
			u := s.user(key)
			if err := b.addUser(sqldb.UUID(key), s.id(key, u), u, f.calendar, now); err != nil {
				return err
			}
			if b.full() {
				if err := send(); err != nil {
					return err
				}
			}
		}
		return send()
	})
	work.Go(func() error {
		for b := range blocks {
			for i, t := range filledTables {
				if err := t.load(ctx, tx, b.rows[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	err := work.Wait()
	return sum, err
}
