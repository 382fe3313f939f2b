// This file tells what the log knows of users' ids: who has one, under which
// pseudonym, and when an earlier user of it was erased.

package eventstore

import (
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
)

// A SubjectState is what the log knows of a user's id.
type SubjectState struct {
	// Taken says that there is a user of that id who isn't erased, and User is
	// their pseudonym then.
	Taken bool
	User  UserKey
	// ErasedAt is the time of the latest erasure of that id, nil for none: a
	// new user of it has to be registered later.
	ErasedAt *domain.Instant
}

// SubjectStates returns what is known of users' ids, in their order.
func (s *Store) SubjectStates(ctx context.Context, ids []string) ([]SubjectState, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	subjects := make([]vault.Hash, len(ids))
	for i, id := range ids {
		subjects[i] = s.vault.SubjectHash(id)
	}
	known, err := s.vault.SubjectStates(ctx, s.db.SQL(), head.Erasures, subjects)
	if err != nil {
		return nil, fmt.Errorf("look up users: %w", err)
	}
	states := make([]SubjectState, len(ids))
	for i := range subjects {
		k := known[subjects[i]]
		states[i].ErasedAt = k.ErasedAt
		if k.User != nil {
			states[i].Taken, states[i].User = true, UserKey(k.User.Pseudonym)
		}
	}
	return states, nil
}

// subjectState is SubjectStates for one id.
func (s *Store) subjectState(ctx context.Context, id string) (SubjectState, error) {
	states, err := s.SubjectStates(ctx, []string{id})
	if err != nil {
		return SubjectState{}, err
	}
	return states[0], nil
}
