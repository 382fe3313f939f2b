// This file tells what the log knows of users' ids: who has one, under which
// pseudonym, and when an earlier user of it was erased.

package eventstore

import (
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
)

// A Standing is what the log knows of a user's id.
type Standing struct {
	// Taken says that there is a user of that id who isn't erased, and User is
	// their pseudonym then.
	Taken bool
	User  UserKey
	// ErasedAt is the time of the latest erasure of that id, nil for none: a
	// new user of it has to be registered later.
	ErasedAt *domain.Instant
}

// Standings gives what is known of users' ids, in their order.
func (s *Store) Standings(ctx context.Context, ids []string) ([]Standing, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	subjects := make([]vault.Hash, len(ids))
	for i, id := range ids {
		subjects[i] = s.vault.SubjectHash(id)
	}
	known, err := s.vault.Standings(ctx, s.db.SQL(), head.Erasures, subjects)
	if err != nil {
		return nil, fmt.Errorf("look up users: %w", err)
	}
	standings := make([]Standing, len(ids))
	for i := range subjects {
		k := known[subjects[i]]
		standings[i].ErasedAt = k.ErasedAt
		if k.User != nil {
			standings[i].Taken, standings[i].User = true, UserKey(k.User.Pseudonym)
		}
	}
	return standings, nil
}

// standing is Standings for one id.
func (s *Store) standing(ctx context.Context, id string) (Standing, error) {
	standings, err := s.Standings(ctx, []string{id})
	if err != nil {
		return Standing{}, err
	}
	return standings[0], nil
}
