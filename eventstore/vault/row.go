// This file encrypts single rows that belong to no user's key: each under a key
// of its own, which is wrapped like a user's.

package vault

import (
	"context"
	"fmt"
)

// A SealedRow is a row's ciphertext with its wrapped key.
type SealedRow struct {
	WrappingKey int
	Key         []byte
	Sealed      []byte
}

// SealRow encrypts plaintext under a new key. associated has to be given again
// to open it.
func (v *Vault) SealRow(plaintext, associated []byte) SealedRow {
	key := newKey()
	wrapping, number := v.inUse()
	return SealedRow{
		WrappingKey: number,
		Key:         sealWith(wrapping, key[:], associated),
		Sealed:      sealWith(newAEAD(&key), plaintext, associated),
	}
}

// OpenRow decrypts what SealRow has encrypted; keys that aren't in memory are
// read through q.
func (v *Vault) OpenRow(ctx context.Context, q Querier, r SealedRow, associated []byte) ([]byte, error) {
	wrapping, err := v.keyFor(ctx, q, r.WrappingKey)
	if err != nil {
		return nil, err
	}
	key, err := openWith(wrapping, r.Key, associated)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("unwrap a row's key: %w", errOpen)
	}
	return openWith(newAEAD((*[32]byte)(key)), r.Sealed, associated)
}
