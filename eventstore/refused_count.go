// This file counts refused events.

package eventstore

import (
	"context"
	"fmt"

	"boxoffice/domain"
)

// CountRefused returns how many refused events are in the list, by reason; one
// of which there is none is left out.
func (s *Store) CountRefused(ctx context.Context) (map[domain.Reason]int64, error) {
	rows, err := s.db.SQL().QueryContext(ctx, "SELECT r.reason, count(*) FROM refused r WHERE "+listed+" GROUP BY r.reason")
	if err != nil {
		return nil, fmt.Errorf("count refused events: %w", err)
	}
	defer rows.Close()
	counts := map[domain.Reason]int64{}
	for rows.Next() {
		var reason domain.Reason
		var n int64
		if err := rows.Scan(&reason, &n); err != nil {
			return nil, fmt.Errorf("count refused events: %w", err)
		}
		counts[reason] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count refused events: %w", err)
	}
	return counts, nil
}
