// This file is about cursors: the place in a list at which the next page
// begins, as a text that a client hands back as it got it.
//
// A cursor is sealed (AES-256-GCM), because it names users, and what a client
// holds ends up in logs and histories. The list, its filters and its sort are
// bound to it as associated data, so that it opens only where it was made.

package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"boxoffice/domain"
)

// cursorKeySize is the size of the key that cursors are sealed with.
const cursorKeySize = 32

// A cursorSealer makes and reads cursors. It is safe for concurrent use.
type cursorSealer struct{ aead cipher.AEAD }

// newCursorSealer takes a key of 32 bytes; with nil it makes one up.
func newCursorSealer(key []byte) (*cursorSealer, error) {
	if key == nil {
		key = make([]byte, cursorKeySize)
		rand.Read(key)
	}
	if len(key) != cursorKeySize {
		return nil, fmt.Errorf("the key for cursors has %d bytes, not %d", len(key), cursorKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare the key for cursors: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the key for cursors: %w", err)
	}
	return &cursorSealer{aead}, nil
}

// A place is what a cursor holds: the instant that the first page was asked
// about, and the last row of the page before.
type place[Row any] struct {
	At    domain.Instant
	After Row
}

// A listing is one list with its filters and sort: what a cursor is bound to.
type listing struct {
	Name    string
	Filters any
}

// binding gives the associated data for a listing.
func (l listing) binding() []byte {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // filters are texts and numbers
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// cursorFor gives the cursor after a row; nil where there is none.
func cursorFor[Row any](c *cursorSealer, l listing, at domain.Instant, after *Row) *string {
	if after == nil {
		return nil
	}
	text, err := json.Marshal(place[Row]{at, *after})
	if err != nil {
		panic(err) // rows are texts and numbers
	}
	cursor := base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, text, l.binding()))
	return &cursor
}

// openPage finds out which page of a list is asked for: the instant, and the
// row after which it begins, nil for the first page. The first page's instant
// is asOf, or now; the pages after it keep that.
func openPage[Row any](s *service, l listing, cursor string, asOf *domain.Instant) (domain.Instant, *Row, error) {
	if cursor == "" {
		if asOf != nil {
			return *asOf, nil, nil
		}
		return s.now(), nil, nil
	}
	at, ok := openCursor[Row](s.cursors, l, cursor)
	if !ok || asOf != nil && *asOf != at.At {
		return 0, nil, invalidCursor()
	}
	return at.At, &at.After, nil
}

func openCursor[Row any](c *cursorSealer, l listing, cursor string) (place[Row], bool) {
	var p place[Row]
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return p, false
	}
	text, err := c.aead.Open(nil, nil, sealed, l.binding())
	if err != nil {
		return p, false
	}
	return p, json.Unmarshal(text, &p) == nil
}
