// This file is the master key: where it comes from, and the key-set file, which
// is made here.

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
	// ErrWrongMasterKey says that the master key isn't the one under which the
	// database's keys are.
	ErrWrongMasterKey = errors.New("the master key isn't the one that this database was made with")
)

// A MasterKey wraps the service's own keys. It is used when a store is opened
// and when a wrapping key was exchanged, never for an event.
type MasterKey interface {
	// Load returns the key; an error wraps ErrNoMasterKey where there is none.
	// What it is used for tells by ErrWrongMasterKey that another key has
	// wrapped, and by ErrKMS that it can't be used now.
	Load(ctx context.Context) (tink.AEADWithContext, error)
	// LoadOrMake is called for a database that has no keys yet. It returns the
	// key, which is made where there is none and may be made, and is then on
	// stable storage before LoadOrMake returns.
	LoadOrMake(ctx context.Context) (tink.AEADWithContext, error)
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

func (f *fileMasterKey) Load(context.Context) (tink.AEADWithContext, error) {
	handle, err := readMasterKeyFile(f.path)
	if err != nil {
		return nil, err
	}
	key, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("the master key: %s has no key for authenticated encryption: %w", f.path, err)
	}
	return localAEAD{key}, nil
}

// A localAEAD is a key in memory.
type localAEAD struct{ key tink.AEAD }

func (l localAEAD) EncryptWithContext(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return l.key.Encrypt(plaintext, associated)
}

func (l localAEAD) DecryptWithContext(_ context.Context, ciphertext, associated []byte) ([]byte, error) {
	plaintext, err := l.key.Decrypt(ciphertext, associated)
	if err != nil {
		return nil, ErrWrongMasterKey
	}
	return plaintext, nil
}

func readMasterKeyFile(path string) (*keyset.Handle, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the key-set file %s isn't there", ErrNoMasterKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		// The cause might quote the file, which is a secret.
		return nil, fmt.Errorf("the master key: %s isn't a key-set file", path)
	}
	return handle, nil
}

func (f *fileMasterKey) LoadOrMake(ctx context.Context) (tink.AEADWithContext, error) {
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
	text, err := masterKeyText(handle)
	if err != nil {
		return err
	}
	return writeWhole(path, text, os.Link)
}

// RotateMasterKeyFile adds a new key to a key-set file and makes it the one that
// wraps from now on. The others stay and unwrap what they have wrapped, until
// [PruneMasterKeyFile]. The file is replaced whole or not at all.
func RotateMasterKeyFile(path string) error {
	err := changeMasterKeyFile(path, func(m *keyset.Manager) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
	if err != nil {
		return fmt.Errorf("rotate the master key: %w", err)
	}
	return nil
}

// PruneMasterKeyFile removes from a key-set file every key but the one that
// wraps, where that alone opens what check is given: it is called with the
// pruned key, before the file is replaced, and its error stops that.
func PruneMasterKeyFile(path string, check func(MasterKey) error) error {
	err := changeMasterKeyFile(path, func(m *keyset.Manager) error {
		handle, err := m.Handle()
		if err != nil {
			return err
		}
		info := handle.KeysetInfo()
		for _, key := range info.GetKeyInfo() {
			if key.GetKeyId() == info.GetPrimaryKeyId() {
				continue
			}
			if err := m.Delete(key.GetKeyId()); err != nil {
				return err
			}
		}
		if handle, err = m.Handle(); err != nil {
			return err
		}
		return check(handleMasterKey{handle})
	})
	if err != nil {
		return fmt.Errorf("prune the master key: %w", err)
	}
	return nil
}

// A handleMasterKey is a master key in memory.
type handleMasterKey struct{ handle *keyset.Handle }

func (h handleMasterKey) Load(context.Context) (tink.AEADWithContext, error) {
	key, err := aead.New(h.handle)
	return localAEAD{key}, err
}

func (h handleMasterKey) LoadOrMake(ctx context.Context) (tink.AEADWithContext, error) {
	return h.Load(ctx)
}

// changeMasterKeyFile reads a key-set file, changes it, and replaces it.
func changeMasterKeyFile(path string, change func(*keyset.Manager) error) error {
	handle, err := readMasterKeyFile(path)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := change(manager); err != nil {
		return err
	}
	if handle, err = manager.Handle(); err != nil {
		return err
	}
	text, err := masterKeyText(handle)
	if err != nil {
		return err
	}
	return writeWhole(path, text, os.Rename)
}

// masterKeyText returns a key set as it stands in a file.
func masterKeyText(handle *keyset.Handle) ([]byte, error) {
	var text bytes.Buffer
	err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text))
	return text.Bytes(), err
}

// writeWhole writes a file whole or not at all: under a name of its own first,
// which put then moves or links to path. With os.Rename the file takes the place of
// another, with os.Link it never does.
func writeWhole(path string, data []byte, put func(from, to string) error) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".master-key-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := writeAndSync(temp, data); err != nil {
		return err
	}
	if err := put(temp.Name(), path); err != nil {
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
