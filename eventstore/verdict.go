// This file tells where events ended that are asked for by their identity, for
// those who publish an event and want to know what became of it.

package eventstore

import (
	"context"
	"fmt"
	"slices"

	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// An EventID is what an event is known by.
type EventID struct{ Source, ID string }

// Verdicts tells where each of the events ended, in the order in which they are
// given: in the log, among what was refused, in both or in neither. The zero
// [Verdict] is that of an event that hasn't been judged yet.
func (s *Store) Verdicts(ctx context.Context, ids []EventID) ([]Verdict, error) {
	identities := s.identities(ids)
	located, err := s.locate(ctx, identities)
	if err != nil {
		return nil, err
	}
	found := make(map[vault.Hash]Verdict, len(ids))
	for identity, at := range located {
		found[identity] = Verdict{Position: at.Position}
	}
	for chunk := range slices.Chunk(identities, sqldb.MaxKeys) {
		if err := s.readRefusals(ctx, chunk, found); err != nil {
			return nil, err
		}
	}
	verdicts := make([]Verdict, len(ids))
	for i := range identities {
		verdicts[i] = found[vault.Hash(identities[i])]
	}
	return verdicts, nil
}

// readRefusals finds those that were refused, the latest refusal of each. There
// are hardly ever any.
func (s *Store) readRefusals(ctx context.Context, identities [][]byte, found map[vault.Hash]Verdict) error {
	latest, err := s.latestRefusals(ctx, identities)
	if err != nil {
		return fmt.Errorf("look events up: %w", err)
	}
	for identity, id := range latest {
		refused, err := s.readRefused(ctx, "r.id = $1", id)
		if err != nil {
			return err
		}
		if len(refused) == 0 {
			continue // it has gone meanwhile
		}
		v := found[identity]
		v.Refused = &refused[0]
		found[identity] = v
	}
	return nil
}

// latestRefusals returns the ids of the refused events, by identity.
func (s *Store) latestRefusals(ctx context.Context, identities [][]byte) (map[vault.Hash]int64, error) {
	condition, args := sqldb.In(s.db.Dialect(), "identity", 1, identities)
	rows, err := s.db.SQL().QueryContext(ctx, "SELECT identity, MAX(id) FROM refused WHERE "+condition+" GROUP BY identity", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	latest := map[vault.Hash]int64{}
	for rows.Next() {
		var identity []byte
		var id int64
		if err := rows.Scan(&identity, &id); err != nil {
			return nil, err
		}
		latest[vault.Hash(identity)] = id
	}
	return latest, rows.Err()
}
