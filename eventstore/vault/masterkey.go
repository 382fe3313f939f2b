// This file is the master key: where it comes from, and how one is made.

package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrNoMasterKey says that there is no master key where it should be.
	ErrNoMasterKey = errors.New("there is no master key")
	// ErrWrongMasterKey says that the master key isn't the one that the
	// database was made with.
	ErrWrongMasterKey = errors.New("the master key isn't the one that this database was made with")
)

// A MasterKey wraps the service's own keys. It is used when a store is opened
// and when a wrapping key was exchanged, never for an event.
type MasterKey interface {
	// Load gives the key; an error wraps ErrNoMasterKey where there is none.
	Load(ctx context.Context) (tink.AEAD, error)
	// LoadOrMake is called for a database that has no keys yet. It gives the
	// key, which is made where there is none and may be made, and is then on
	// stable storage before LoadOrMake returns.
	LoadOrMake(ctx context.Context) (tink.AEAD, error)
}

// FileMasterKey is the key-set file at path. Where mayMake is true, a database
// that is new makes the file where it isn't there; a file that is there is
// never written to.
func FileMasterKey(path string, mayMake bool) MasterKey {
	return &fileMasterKey{path: path, mayMake: mayMake}
}

type fileMasterKey struct {
	path    string
	mayMake bool
}

func (f *fileMasterKey) Load(context.Context) (tink.AEAD, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the key-set file %s isn't there", ErrNoMasterKey, f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		// The cause might quote the file, which is a secret.
		return nil, fmt.Errorf("the master key: %s isn't a key-set file", f.path)
	}
	key, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("the master key: %s has no key for authenticated encryption: %w", f.path, err)
	}
	return key, nil
}

func (f *fileMasterKey) LoadOrMake(ctx context.Context) (tink.AEAD, error) {
	key, err := f.Load(ctx)
	if !f.mayMake || !errors.Is(err, ErrNoMasterKey) {
		return key, err
	}
	// Another process that starts at the same time may have made it meanwhile;
	// then it is that one.
	if err := NewMasterKeyFile(f.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return f.Load(ctx)
}

// NewMasterKeyFile makes a key-set file at path that only its owner can read,
// and returns when it is on stable storage. An error wraps fs.ErrExist where
// there is a file already; it is left as it is.
func NewMasterKeyFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the master key: %w", err)
		}
	}()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return err
	}
	return writeOnce(path, text.Bytes())
}

// writeOnce writes a file whole or not at all, and never over another: under
// a name of its own first, which is then linked to path.
func writeOnce(path string, data []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".master-key-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := writeAndSync(temp, data); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeAndSync writes data, makes it durable and closes the file. os.CreateTemp
// has made it with mode 0600.
func writeAndSync(f *os.File, data []byte) error {
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a directory's new entry durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
