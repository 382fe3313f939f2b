// This file finds whom erasures were about, for those who keep read models that
// don't follow the log any more.

package eventstore

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/internal/sqldb"
)

// ErasedUsers returns the pseudonyms of those who were erased by events after a
// position, in their order, and the position of the last of these events. There
// are at most limit; fewer mean that there are no more.
func (s *Store) ErasedUsers(ctx context.Context, after Position, limit int) ([]UserKey, Position, error) {
	if limit < 1 {
		return nil, 0, errors.New("read erasures: the limit isn't positive")
	}
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT user_key, position FROM events
		WHERE type = 'user.erased' AND position > $1 ORDER BY position LIMIT $2`, after, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read erasures: %w", err)
	}
	defer rows.Close()
	var erased []UserKey
	last := after
	for rows.Next() {
		var user sqldb.UUID
		if err := rows.Scan(&user, &last); err != nil {
			return nil, 0, fmt.Errorf("read erasures: %w", err)
		}
		erased = append(erased, UserKey(user))
	}
	return erased, last, rows.Err()
}

// LastErasure returns where the log stood at the last erasure; its position is 0
// where there was none.
func (s *Store) LastErasure(ctx context.Context) (Head, error) {
	var h Head
	err := s.db.SQL().QueryRowContext(ctx, `SELECT COALESCE((SELECT MAX(position) FROM events WHERE type = 'user.erased'), 0), epoch, erasures
		FROM log_head`).Scan(&h.Position, &h.Epoch, &h.Erasures)
	if err != nil {
		return Head{}, fmt.Errorf("look up the last erasure: %w", err)
	}
	return h, nil
}
