// This file tells whether an event is recorded.

package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Recorded returns the position of the event of a source and an id; 0 where none
// is recorded.
func (s *Store) Recorded(ctx context.Context, source, id string) (Position, error) {
	identity := s.vault.Identity(source, id)
	var p Position
	err := s.db.SQL().QueryRowContext(ctx, "SELECT position FROM events WHERE identity = $1", identity[:]).Scan(&p)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("look an event up: %w", err)
	}
	return p, nil
}
