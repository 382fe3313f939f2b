// This file tells what the log knows of users' ids, for those who make users.

package eventstore

import (
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
)

// A Standing is what the log knows of a user's id.
type Standing struct {
	// Taken says that there is a user of that id who isn't erased.
	Taken bool
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
		standings[i] = Standing{Taken: k.User != nil, ErasedAt: k.ErasedAt}
	}
	return standings, nil
}
