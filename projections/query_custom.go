// This file answers which of the platform's own fields users have.

package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// customKeys returns the keys of custom that users of a list have, sorted as
// bytes; of more than limit only that many. The engine goes through the users
// once, in no order, and what is kept are the keys.
func (s *snapshot) customKeys(ctx context.Context, q *UsersQuery, limit int) ([]string, error) {
	rows, err := s.queryCustomKeys(ctx, q, limit)
	if err != nil {
		return nil, fmt.Errorf("look for the keys of custom: %w", err)
	}
	slices.Sort(rows)
	return rows, nil
}

// CustomKeys returns the keys of the platform's own fields that users have at an
// instant, sorted as bytes; of more than limit only that many. It goes through all
// users.
func (r *Reader) CustomKeys(ctx context.Context, at domain.Instant, limit int) (keys []string, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		keys, err = s.customKeys(ctx, &UsersQuery{At: at}, limit)
		return err
	})
	return keys, err
}

// collectCustomKeys returns the keys of custom that users have, as customKeys does.
func collectCustomKeys(users iter.Seq2[*User, error], limit int) ([]string, error) {
	known := map[string]bool{}
	for u, err := range users {
		if err != nil {
			return nil, err
		}
		if len(u.Profile.Custom) <= len("{}") {
			continue
		}
		var custom map[string]json.RawMessage
		if err := json.Unmarshal(u.Profile.Custom, &custom); err != nil {
			return nil, fmt.Errorf("the custom fields of a user: %w", err)
		}
		for key := range custom {
			if known[key] = true; len(known) == limit {
				return slices.Sorted(maps.Keys(known)), nil
			}
		}
	}
	return slices.Sorted(maps.Keys(known)), nil
}

func (s *snapshot) queryCustomKeys(ctx context.Context, q *UsersQuery, limit int) ([]string, error) {
	st := &statement{}
	f := &q.Filter
	if s.d.Name == sqldb.Postgres {
		st.write("SELECT DISTINCT k.key FROM users u CROSS JOIN LATERAL json_object_keys(u.custom) k(key)")
	} else {
		st.write("SELECT DISTINCT k.key FROM users u CROSS JOIN json_each(u.custom) k")
	}
	conditions := []condition{always("u.id IS NOT NULL"), compared("u.first_event_at", "<=", q.At)}
	conditions = append(conditions, between("u.registered_at", f.RegisteredFrom, f.RegisteredTo)...)
	conditions = append(conditions, between("u.updated_at", f.UpdatedFrom, f.UpdatedTo)...)
	if f.Query != "" {
		conditions = append(conditions, s.contains(f.Query))
	}
	st.where(withStatus(conditions, q)...)
	st.write(" LIMIT ", st.arg(int64(limit)))
	var keys []string
	err := s.each(ctx, st, func(row scanner) error {
		var key string
		err := row.Scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}
