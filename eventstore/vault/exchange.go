// This file exchanges the wrapping key: a new one is made, what the old one
// wraps is rewrapped, and the old one is destroyed. Whatever old pages, logs
// and copies of the database hold of users' keys is unreadable from then on.

package vault

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"

	"boxoffice/internal/sqldb"
)

// Noticed tells the vault the log's counter of erasures: what it has in memory
// of users from before the last one goes.
func (v *Vault) Noticed(erasures int64) { v.cache.noticed(erasures) }

// Drop forgets all users' keys that are in memory. They are read again when
// they are needed.
func (v *Vault) Drop() { v.cache.drop() }

// Cached is how many users' keys are in memory.
func (v *Vault) Cached() int { return v.cache.len() }

// ErrKeysMoved says that the service's own keys have been changed since a new
// wrapping key was made.
var ErrKeysMoved = errors.New("the service's keys have been changed meanwhile")

// A WrappingKey is a new wrapping key that isn't in use yet.
type WrappingKey struct {
	Number int
	row    keyRow
	// others are the service's other keys rewrapped; before is how they stood.
	others, before []keyRow
}

// NewWrappingKey makes another wrapping key, and rewraps the service's other keys
// under the master key that its source gives now, so that an exchange of that
// takes effect too. It changes nothing in the database, and asks the master key,
// which may take its time: the caller holds no lock. An error wraps
// [ErrNoMasterKey], [ErrWrongMasterKey] or [ErrKMS] where the master key is
// missing, isn't the database's or can't be used now.
func (v *Vault) NewWrappingKey(ctx context.Context, q Querier) (*WrappingKey, error) {
	master, err := v.source.Load(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(ctx, q)
	if err != nil {
		return nil, err
	}
	plain, err := unwrapWith(ctx, master, keys)
	if err != nil {
		return nil, err
	}
	k := &WrappingKey{before: keys, others: slices.Clone(keys)}
	for i := range k.others {
		if err := k.others[i].wrap(ctx, master, plain[i]); err != nil {
			return nil, err
		}
		k.Number = max(k.Number, keys[i].id+1)
	}
	key := newKey()
	k.row = keyRow{id: k.Number, purpose: purposeWrapping}
	return k, k.row.wrap(ctx, master, key[:])
}

// Use puts a new wrapping key in use: whatever is wrapped from then on is under it.
// The caller holds the log's lock, so that nothing is wrapped under the key before
// meanwhile. The error wraps [ErrKeysMoved] where another key has to be made.
func (k *WrappingKey) Use(ctx context.Context, tx *sqldb.Tx) error {
	now, err := readKeys(ctx, tx)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(now, k.before, func(a, b keyRow) bool { return a.id == b.id && bytes.Equal(a.wrapped, b.wrapped) }) {
		return ErrKeysMoved
	}
	for _, other := range k.others {
		if _, err := tx.ExecContext(ctx, "UPDATE vault_keys SET wrapped = $1 WHERE id = $2", other.wrapped, other.id); err != nil {
			return fmt.Errorf("store a rewrapped key: %w", err)
		}
	}
	if err := countExchange(ctx, tx); err != nil {
		return err
	}
	return k.row.store(ctx, tx)
}

// RewrapUsers rewraps the keys of up to limit users who aren't under the
// wrapping key of that number yet, and returns how many it did: fewer than
// limit when all are. A user who is erased meanwhile stays erased.
func (v *Vault) RewrapUsers(ctx context.Context, tx *sqldb.Tx, number, limit int) (int, error) {
	to, err := v.keyFor(ctx, tx, number)
	if err != nil {
		return 0, err
	}
	rows, err := readUserRows(ctx, tx, "u.wrapping_key <> $1 LIMIT $2", []any{number, limit})
	if err != nil {
		return 0, fmt.Errorf("read users: %w", err)
	}
	pseudonyms, wrapped := make([]sqldb.UUID, len(rows)), make([][]byte, len(rows))
	for i := range rows {
		data := keyData(rows[i].pseudonym)
		if wrapped[i], err = v.rewrap(ctx, tx, rows[i].wrapping, rows[i].wrapped, data, to); err != nil {
			return 0, fmt.Errorf("the key of the user %s: %w", rows[i].pseudonym, err)
		}
		pseudonyms[i] = rows[i].pseudonym
	}
	return len(rows), sqldb.UpdateEach(ctx, tx, len(rows),
		"UPDATE users SET wrapping_key = $1, wrapped_key = $2 WHERE user_key = $3",
		func(i int) []any { return []any{number, wrapped[i], pseudonyms[i]} })
}

// rewrap rewraps a key that is under the wrapping key of a number.
func (v *Vault) rewrap(ctx context.Context, q Querier, from int, wrapped, associated []byte, to cipher.AEAD) ([]byte, error) {
	old, err := v.keyFor(ctx, q, from)
	if err != nil {
		return nil, err
	}
	key, err := openWith(old, wrapped, associated)
	if err != nil {
		return nil, err
	}
	return sealWith(to, key, associated), nil
}

// RewrapRow rewraps a row's key; associated is what it was sealed with.
func (v *Vault) RewrapRow(ctx context.Context, q Querier, r SealedRow, associated []byte, number int) (SealedRow, error) {
	to, err := v.keyFor(ctx, q, number)
	if err != nil {
		return SealedRow{}, err
	}
	key, err := v.rewrap(ctx, q, r.WrappingKey, r.Key, associated, to)
	if err != nil {
		return SealedRow{}, fmt.Errorf("a row's key: %w", err)
	}
	return SealedRow{WrappingKey: number, Key: key, Sealed: r.Sealed}, nil
}

// DestroyOldKeys destroys every wrapping key but the one of that number. The
// caller has seen to it that nothing is wrapped under them any more, and holds
// the log's lock.
func (v *Vault) DestroyOldKeys(ctx context.Context, tx *sqldb.Tx, number int) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM vault_keys WHERE purpose = $1 AND id <> $2", purposeWrapping, number)
	if err != nil {
		return fmt.Errorf("destroy the old wrapping keys: %w", err)
	}
	return countExchange(ctx, tx)
}

// countExchange tells every process to read the wrapping keys again.
func countExchange(ctx context.Context, tx *sqldb.Tx) error {
	if _, err := tx.ExecContext(ctx, "UPDATE log_head SET exchanges = exchanges + 1"); err != nil {
		return fmt.Errorf("count an exchange of keys: %w", err)
	}
	return nil
}
