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
	if err := v.ensure(ctx, q, r.WrappingKey); err != nil {
		return nil, err
	}
	wrapping, err := v.wrappingKey(r.WrappingKey)
	if err != nil {
		return nil, err
	}
	key, err := openWith(wrapping, r.Key, associated)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("unwrap a row's key: %w", errOpen)
	}
	return openWith(newAEAD((*[32]byte)(key)), r.Sealed, associated)
}

// ensure reads the service's own keys again where the wrapping key of that
// number isn't in memory, because another process has made it.
func (v *Vault) ensure(ctx context.Context, q Querier, number int) error {
	if _, err := v.wrappingKey(number); err == nil {
		return nil
	}
	keys, err := readKeys(ctx, q)
	if err != nil {
		return err
	}
	return v.use(keys)
}
