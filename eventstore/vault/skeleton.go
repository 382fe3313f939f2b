package vault

import (
	"context"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A MasterKey wraps the keys of the vault. Implementations: FileMasterKey (a Tink key-set file), later a KMS.
type MasterKey interface {
	// Load gives the key; an error that wraps ErrNoMasterKey where there is none.
	Load(ctx context.Context) (tink.AEAD, error)
	// Make makes the key where there is none yet, durably.
	Make(ctx context.Context) (tink.AEAD, error)
}

// FileMasterKey is a key-set file; makes it where the database is new and it isn't there, if mayMake.
func FileMasterKey(path string, mayMake bool) MasterKey { return nil }

// NewMasterKeyFile makes a key-set file (0600); an existing file is never overwritten.
func NewMasterKeyFile(path string) error { return nil }
