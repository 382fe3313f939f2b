// This file is a master key in the place of another, while what the other has
// wrapped is still there.

package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrOldMasterKey says that what is wrong is wrong with the master key before.
var ErrOldMasterKey = errors.New("the master key before")

// Replacing is a master key that takes another's place: it wraps from now on,
// and what the one before has wrapped is unwrapped with that.
func Replacing(key, before MasterKey) MasterKey { return replacing{key, before} }

type replacing struct{ key, before MasterKey }

func (r replacing) Load(ctx context.Context) (tink.AEADWithContext, error) {
	key, err := r.key.Load(ctx)
	if err != nil {
		return nil, err
	}
	before, err := r.before.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOldMasterKey, err)
	}
	return replacingAEAD{key, before}, nil
}

// LoadOrMake is for a database that has no keys yet: nothing was wrapped before.
func (r replacing) LoadOrMake(ctx context.Context) (tink.AEADWithContext, error) {
	return r.key.LoadOrMake(ctx)
}

type replacingAEAD struct{ key, before tink.AEADWithContext }

func (r replacingAEAD) EncryptWithContext(ctx context.Context, plaintext, associated []byte) ([]byte, error) {
	return r.key.EncryptWithContext(ctx, plaintext, associated)
}

// DecryptWithContext unwraps with the key that has wrapped. That the one before
// can't be asked is its error; that neither has wrapped it, the key's.
func (r replacingAEAD) DecryptWithContext(ctx context.Context, ciphertext, associated []byte) ([]byte, error) {
	plaintext, err := r.key.DecryptWithContext(ctx, ciphertext, associated)
	if !errors.Is(err, ErrWrongMasterKey) {
		return plaintext, err
	}
	plaintext, oldErr := r.before.DecryptWithContext(ctx, ciphertext, associated)
	switch {
	case oldErr == nil:
		return plaintext, nil
	case errors.Is(oldErr, ErrWrongMasterKey):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrOldMasterKey, oldErr)
}
