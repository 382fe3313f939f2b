// This file folds the events of a batch into the rows of users: it loads the
// facts of the users whom the batch touches, adds their events, and gathers
// what that changes.

package projections

import (
	"bytes"
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A folding is the work of one batch in one transaction.
type folding struct {
	tx      *sqldb.Tx
	dialect *sqldb.Dialect
	platform
	now    domain.Instant
	batch  *batch
	writes *writes
}

// foldUsers takes the batch's events into the facts of its users.
func (f *folding) foldUsers(ctx context.Context) error {
	touched, viewers := f.batch.split()
	surprising, err := f.surprisingViewers(ctx, viewers)
	if err != nil {
		return err
	}
	touched = append(touched, surprising...)
	sortKeys(touched)
	return inChunks(touched, func(keys []eventstore.UserKey) error {
		facts, err := f.loadUsers(ctx, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := f.foldUser(key, f.batch.users[key], facts[sqldb.UUID(key)]); err != nil {
				return err
			}
		}
		return nil
	})
}

// surprisingViewers returns those of the users who did nothing but play to whom
// that makes a difference: who aren't known yet, or only from a later instant.
func (f *folding) surprisingViewers(ctx context.Context, viewers []eventstore.UserKey) ([]eventstore.UserKey, error) {
	var surprising []eventstore.UserKey
	err := inChunks(viewers, func(keys []eventstore.UserKey) error {
		first, err := f.loadFirstEvents(ctx, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if at, known := first[key]; !known || f.batch.users[key].viewed.Time < at {
				surprising = append(surprising, key)
			}
		}
		return nil
	})
	return surprising, err
}

func (f *folding) loadFirstEvents(ctx context.Context, keys []eventstore.UserKey) (map[eventstore.UserKey]domain.Instant, error) {
	in, args := sqldb.In(f.dialect, "user_key", 1, uuids(keys))
	first := make(map[eventstore.UserKey]domain.Instant, len(keys))
	err := eachRow(ctx, f.tx, "SELECT user_key, first_event_at FROM users WHERE "+in, args, func(row scanner) error {
		var key sqldb.UUID
		var at sqldb.Micros
		err := row.Scan(&key, &at)
		first[eventstore.UserKey(key)] = domain.Instant(at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up users: %w", err)
	}
	return first, nil
}

// loadFacts reads the facts that a table has under keys, in their binary form.
func (f *folding) loadFacts(ctx context.Context, table, column string, keys []sqldb.UUID) (map[sqldb.UUID][]byte, error) {
	in, args := sqldb.In(f.dialect, column, 1, keys)
	facts := make(map[sqldb.UUID][]byte, len(keys))
	err := eachRow(ctx, f.tx, "SELECT "+column+", facts FROM "+table+" WHERE "+in, args, func(row scanner) error {
		var key sqldb.UUID
		var b []byte
		err := row.Scan(&key, &b)
		facts[key] = b
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the facts of %s: %w", table, err)
	}
	return facts, nil
}

// loadUsers reads the facts of users.
func (f *folding) loadUsers(ctx context.Context, keys []eventstore.UserKey) (map[sqldb.UUID][]byte, error) {
	return f.loadFacts(ctx, "user_facts", "user_key", uuids(keys))
}

// foldUser adds the events of one user to the facts that are kept, nil for a
// user who isn't known yet.
func (f *folding) foldUser(user eventstore.UserKey, events *userEvents, kept []byte) error {
	key := sqldb.UUID(user)
	facts := &domain.UserFacts{}
	if kept != nil {
		var err error
		if facts, err = domain.DecodeUserFacts(kept); err != nil {
			return fmt.Errorf("facts of user %s: %w", key, err)
		}
	}
	before := userRowsOf(key, events.subject, facts, f.platform, f.now)
	addUserEvents(facts, events)
	are, err := facts.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("facts of user %s: %w", key, err)
	}
	if bytes.Equal(kept, are) {
		return nil
	}
	after := userRowsOf(key, events.subject, facts, f.platform, f.now)
	f.writes.user(kept != nil, &before, &after)
	f.writes.userFacts(kept != nil, key, are)
	return nil
}

func addUserEvents(facts *domain.UserFacts, events *userEvents) {
	for _, e := range events.events {
		facts.Add(e)
	}
	if events.viewed != nil {
		facts.Add(events.viewed)
	}
	if events.erased {
		facts.Forget()
	}
}

// uuids returns keys as arguments.
func uuids(keys []eventstore.UserKey) []sqldb.UUID {
	args := make([]sqldb.UUID, len(keys))
	for i, key := range keys {
		args[i] = sqldb.UUID(key)
	}
	return args
}
