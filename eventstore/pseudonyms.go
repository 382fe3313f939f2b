// This file finds the pseudonyms of users.

package eventstore

import (
	"context"
	"fmt"
	"slices"

	"boxoffice/eventstore/vault"
)

// UserKeys gives the pseudonyms of the users who have these ids on the
// platform; those who aren't there, or are erased, are left out.
func (s *Store) UserKeys(ctx context.Context, ids []string) (map[string]UserKey, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	byHash := make(map[vault.Hash]string, len(ids))
	for _, id := range ids {
		byHash[s.vault.SubjectHash(id)] = id
	}
	hashes := make([]vault.Hash, 0, len(byHash))
	for hash := range byHash {
		hashes = append(hashes, hash)
	}
	keys := make(map[string]UserKey, len(byHash))
	for chunk := range slices.Chunk(hashes, 8192) {
		standings, err := s.vault.Standings(ctx, s.db.SQL(), head.Erasures, chunk)
		if err != nil {
			return nil, fmt.Errorf("look up users: %w", err)
		}
		for hash, standing := range standings {
			if standing.User != nil {
				keys[byHash[hash]] = UserKey(standing.User.Pseudonym)
			}
		}
	}
	return keys, nil
}
