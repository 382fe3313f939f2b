// Package cursor seals keyset cursors: the row of a list after which the next
// page begins, as a text that whoever reads the list hands back as they got it.
//
// A cursor is sealed (AES-256-GCM), because it names users, and what a client
// holds ends up in logs and histories. The list, its filters and its sort are
// bound to it as associated data, so that it opens only where it was made.
package cursor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// KeySize is the size of the key that cursors are sealed with, in bytes.
const KeySize = 32

// A Sealer makes and reads cursors. It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// NewSealer takes a key of [KeySize] bytes; with nil it makes one up, which
// suits a single process: cursors then end with it.
func NewSealer(key []byte) (*Sealer, error) {
	if key == nil {
		key = make([]byte, KeySize)
		rand.Read(key)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key for cursors has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare the key for cursors: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the key for cursors: %w", err)
	}
	return &Sealer{aead}, nil
}

// A Listing is one list with its filters and sort: what a cursor is bound to.
// Filters are texts and numbers, as JSON has them.
type Listing struct {
	Name    string
	Filters any
}

// binding is the associated data for a listing.
func (l Listing) binding() []byte {
	sum := sha256.Sum256(encode(l))
	return sum[:]
}

// Seal makes a cursor of a list that holds a value of texts and numbers.
func (s *Sealer) Seal(l Listing, value any) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, encode(value), l.binding()))
}

// Open reads what a cursor holds; false where it wasn't made for that list.
func (s *Sealer) Open(l Listing, cursor string, into any) bool {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return false
	}
	text, err := s.aead.Open(nil, nil, sealed, l.binding())
	return err == nil && json.Unmarshal(text, into) == nil
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("a cursor holds texts and numbers: %w", err))
	}
	return text
}
