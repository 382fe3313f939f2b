// This file reads many users at once, for those who read the log in bulk.

package vault

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"boxoffice/internal/sqldb"
)

// Range gives the users whose pseudonyms lie from first to last, both included,
// in the order of the pseudonyms and at most limit of them. They are those of
// one moment, and leave the cache as it is.
func (v *Vault) Range(ctx context.Context, q Querier, first, last sqldb.UUID, limit int) ([]*User, error) {
	rows, err := readUserRows(ctx, q, "u.user_key >= $1 AND u.user_key <= $2 ORDER BY u.user_key LIMIT $3",
		[]any{first, last, limit})
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	for i := range rows {
		if i == 0 || rows[i].wrapping != rows[i-1].wrapping {
			if err := v.ensure(ctx, q, rows[i].wrapping); err != nil {
				return nil, err
			}
		}
	}
	return v.openUsers(rows)
}

// openUsers makes users from their rows, on all processors.
func (v *Vault) openUsers(rows []userRow) ([]*User, error) {
	users := make([]*User, len(rows))
	parts := runtime.GOMAXPROCS(0)
	errs := make([]error, parts)
	var opening sync.WaitGroup
	for part := range parts {
		opening.Go(func() {
			for i := part; i < len(rows) && errs[part] == nil; i += parts {
				users[i], errs[part] = v.openUser(&rows[i])
			}
		})
	}
	opening.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return users, nil
}
