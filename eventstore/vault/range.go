// This file reads many users at once, for those who read the log in bulk.

package vault

import (
	"context"
	"crypto/cipher"
	"fmt"
	"runtime"
	"sync"

	"boxoffice/internal/sqldb"
)

// Range returns the users whose pseudonyms lie from first to last, both included,
// in the order of the pseudonyms and at most limit of them. They are those of
// one moment, and leave the cache as it is.
func (v *Vault) Range(ctx context.Context, q Querier, first, last sqldb.UUID, limit int) ([]*User, error) {
	users, err := v.readAndOpen(ctx, q, "u.user_key >= $1 AND u.user_key <= $2 ORDER BY u.user_key LIMIT $3",
		[]any{first, last, limit})
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

// readAndOpen reads users, and does so again where an exchange of the wrapping
// key overtakes it.
func (v *Vault) readAndOpen(ctx context.Context, q Querier, condition string, args []any) ([]*User, error) {
	var users []*User
	err := Reread(func() error {
		found, err := readUserRows(ctx, q, condition, args)
		if err == nil {
			users, err = v.openUsers(ctx, q, found)
		}
		return err
	})
	return users, err
}

// openedAlone is how many users one goroutine opens before it is worth another.
const openedAlone = 256

// openUsers makes users from their rows, many of them on all processors.
func (v *Vault) openUsers(ctx context.Context, q Querier, rows []userRow) ([]*User, error) {
	keys := map[int]cipher.AEAD{}
	for i := range rows {
		number := rows[i].wrapping
		if keys[number] != nil {
			continue
		}
		var err error
		if keys[number], err = v.keyFor(ctx, q, number); err != nil {
			return nil, err
		}
	}
	users := make([]*User, len(rows))
	parts := min(runtime.GOMAXPROCS(0), len(rows)/openedAlone+1)
	errs := make([]error, parts)
	var opening sync.WaitGroup
	for part := range parts {
		opening.Go(func() {
			for i := part; i < len(rows) && errs[part] == nil; i += parts {
				users[i], errs[part] = openUser(&rows[i], keys[rows[i].wrapping])
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
