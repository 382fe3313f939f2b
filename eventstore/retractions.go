// This file finds what has been retracted, for those who fold the log or show
// its events. An index of the retractions alone leads there, so that a log without
// any costs next to nothing.

package eventstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// A Retraction is an event.retracted of the log. What it names may be recorded
// before it, later, or never, and may be about another user: it has no effect
// then.
type Retraction struct {
	Position Position // of the event.retracted
	User     UserKey
	Names    domain.Retraction
}

// selectRetractions selects what is read of retractions up to a position.
const selectRetractions = "SELECT position, user_key, data FROM events WHERE type = 'event.retracted' AND position <= $1"

// Retractions returns the retractions about users that were recorded up to a
// position, included, in log order.
func (s *Store) Retractions(ctx context.Context, users []UserKey, upTo Position) ([]Retraction, error) {
	var found []Retraction
	keys := make([]sqldb.UUID, len(users))
	for i, user := range users {
		keys[i] = sqldb.UUID(user)
	}
	for chunk := range slices.Chunk(keys, sqldb.MaxKeys) {
		in, args := sqldb.In(s.db.Dialect(), "user_key", 2, chunk)
		err := s.eachRow(ctx, selectRetractions+" AND "+in, append([]any{upTo}, args...), func(scan func(...any) error) error {
			var position Position
			var user sqldb.UUID
			var data []byte
			if err := scan(&position, &user, &data); err != nil {
				return err
			}
			r, err := retractionOf(position, user, data)
			found = append(found, r)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the retractions about users: %w", err)
		}
	}
	slices.SortFunc(found, func(a, b Retraction) int { return cmp.Compare(a.Position, b.Position) })
	return found, nil
}

// RetractionsOf hands over the retractions about the users of a range that were
// recorded up to a position, included, in no order.
func (s *Store) RetractionsOf(ctx context.Context, users UserRange, upTo Position, take func(Retraction)) error {
	first, last := users.bounds()
	err := s.db.Scan(ctx, selectRetractions+" AND user_key >= $2 AND user_key <= $3", []any{int64(upTo), first, last},
		func(row *sqldb.RawRow) error {
			r, err := retractionOf(Position(row.Int64(0)), row.UUID(1), row.Bytes(2))
			if err == nil {
				take(r)
			}
			return err
		})
	if err != nil {
		return fmt.Errorf("read the retractions about a range of users: %w", err)
	}
	return nil
}

func retractionOf(position Position, user sqldb.UUID, data []byte) (Retraction, error) {
	event, err := domain.Restore(domain.EventRetracted, domain.Stamp{}, "", data, nil)
	if err != nil {
		return Retraction{}, fmt.Errorf("position %d: %w", position, err)
	}
	return Retraction{position, UserKey(user), *event.Retraction}, nil
}

// A Located is where an event is recorded, and about whom. The zero value is that
// of one that isn't.
type Located struct {
	Position Position
	User     UserKey
	Type     domain.Type
}

// Locate tells where the events of identities are recorded, in the order in which
// they are given.
func (s *Store) Locate(ctx context.Context, ids []EventID) ([]Located, error) {
	identities := s.identities(ids)
	found, err := s.locate(ctx, identities)
	if err != nil {
		return nil, err
	}
	located := make([]Located, len(ids))
	for i := range identities {
		located[i] = found[vault.Hash(identities[i])]
	}
	return located, nil
}

// identities are the keyed hashes by which events are found.
func (s *Store) identities(ids []EventID) [][]byte {
	identities := make([][]byte, len(ids))
	for i, id := range ids {
		hash := s.vault.Identity(id.Source, id.ID)
		identities[i] = hash[:]
	}
	return identities
}

func (s *Store) locate(ctx context.Context, identities [][]byte) (map[vault.Hash]Located, error) {
	found := make(map[vault.Hash]Located, len(identities))
	for chunk := range slices.Chunk(identities, sqldb.MaxKeys) {
		in, args := sqldb.In(s.db.Dialect(), "identity", 1, chunk)
		err := s.eachRow(ctx, "SELECT identity, position, user_key, type FROM events WHERE "+in, args, func(scan func(...any) error) error {
			var identity []byte
			var user sqldb.UUID
			var at Located
			err := scan(&identity, &at.Position, &user, &at.Type)
			if err == nil {
				at.User = UserKey(user)
				found[vault.Hash(identity)] = at
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look events up: %w", err)
		}
	}
	return found, nil
}

// eachRow hands over the rows of a query, to be scanned.
func (s *Store) eachRow(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := s.db.SQL().QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
