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
	tx       *sqldb.Tx
	dialect  *sqldb.Dialect
	calendar domain.Calendar
	now      domain.Instant
	batch    *batch
	writes   *writes
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
			if err := f.foldUser(key, f.batch.users[key], facts[key]); err != nil {
				return err
			}
		}
		return nil
	})
}

// surprisingViewers gives those of the users who did nothing but play to whom
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
	rows, err := f.tx.QueryContext(ctx, "SELECT user_key, first_event_at FROM users WHERE "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up users: %w", err)
	}
	defer rows.Close()
	first := make(map[eventstore.UserKey]domain.Instant, len(keys))
	for rows.Next() {
		var key sqldb.UUID
		var at sqldb.Micros
		if err := rows.Scan(&key, &at); err != nil {
			return nil, fmt.Errorf("look up users: %w", err)
		}
		first[eventstore.UserKey(key)] = domain.Instant(at)
	}
	return first, rows.Err()
}

func (f *folding) loadUsers(ctx context.Context, keys []eventstore.UserKey) (map[eventstore.UserKey][]byte, error) {
	in, args := sqldb.In(f.dialect, "user_key", 1, uuids(keys))
	rows, err := f.tx.QueryContext(ctx, "SELECT user_key, facts FROM user_facts WHERE "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("load users: %w", err)
	}
	defer rows.Close()
	facts := make(map[eventstore.UserKey][]byte, len(keys))
	for rows.Next() {
		var key sqldb.UUID
		var b []byte
		if err := rows.Scan(&key, &b); err != nil {
			return nil, fmt.Errorf("load users: %w", err)
		}
		facts[eventstore.UserKey(key)] = b
	}
	return facts, rows.Err()
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
	before := userRowsOf(key, events.subject, facts, f.calendar, f.now)
	addUserEvents(facts, events)
	are, err := facts.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("facts of user %s: %w", key, err)
	}
	if bytes.Equal(kept, are) {
		return nil
	}
	after := userRowsOf(key, events.subject, facts, f.calendar, f.now)
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

// uuids gives keys as arguments.
func uuids(keys []eventstore.UserKey) []sqldb.UUID {
	args := make([]sqldb.UUID, len(keys))
	for i, key := range keys {
		args[i] = sqldb.UUID(key)
	}
	return args
}
