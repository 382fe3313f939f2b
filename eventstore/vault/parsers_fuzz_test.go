// This file has the fuzzer try what the vault opens.

package vault

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpenSealed defends: only what was sealed opens, with what it was sealed with.
func FuzzOpenSealed(f *testing.F) {
	key := newKey()
	aead := newAEAD(&key)
	f.Add([]byte{}, []byte("a"))
	f.Add(make([]byte, 40), []byte("a"))
	f.Add([]byte{sealVersion}, []byte(""))
	f.Fuzz(func(t *testing.T, text, associated []byte) {
		if _, err := openWith(aead, text, associated); err == nil {
			t.Error("what nobody sealed opens")
		}
		sealed := sealWith(aead, text, associated)
		if opened, err := openWith(aead, sealed, associated); err != nil || string(opened) != string(text) {
			t.Errorf("opened as %q, %v", opened, err)
		}
		if _, err := openWith(aead, sealed, append(associated, 'x')); err == nil {
			t.Error("it opens with other associated data")
		}
	})
}

// FuzzMasterKeyFile defends: a file that isn't a key-set file is an error, never
// written over, and never quoted.
func FuzzMasterKeyFile(f *testing.F) {
	dir := f.TempDir()
	made := filepath.Join(dir, "made")
	if err := NewMasterKeyFile(made); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(made)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(``))
	f.Add([]byte(`{"primaryKeyId":1,"key":[]}`))
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := FileMasterKey(path, true).LoadOrMake(t.Context())
		if (key == nil) == (err == nil) {
			t.Errorf("%v, %v", key, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(text) {
			t.Errorf("the file was changed: %v", err)
		}
	})
}
