// This file is authenticated encryption: AES-256-GCM with a random nonce before
// the ciphertext and the version of this form before both.

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// sealVersion is the version of the form of ciphertexts.
const sealVersion = 1

// errOpen says that a ciphertext isn't one of the key and the associated data.
var errOpen = errors.New("the ciphertext doesn't open: it or its key was changed")

func newKey() (key [32]byte) {
	rand.Read(key[:]) // never fails
	return key
}

func newAEAD(key *[32]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has one of the lengths
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block has the right size
	}
	return aead
}

// sealWith encrypts plaintext; associated has to be given again to open it.
func sealWith(aead cipher.AEAD, plaintext, associated []byte) []byte {
	out := make([]byte, 1, 1+aead.Overhead()+len(plaintext))
	out[0] = sealVersion
	return aead.Seal(out, nil, plaintext, associated)
}

// openWith decrypts what sealWith has encrypted.
func openWith(aead cipher.AEAD, sealed, associated []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, errOpen
	}
	plaintext, err := aead.Open(nil, nil, sealed[1:], associated)
	if err != nil {
		return nil, errOpen
	}
	return plaintext, nil
}
