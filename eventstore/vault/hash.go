// This file is the keyed hashes by which identities and subjects are known
// again, and the derivation of keys from keys.

package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// A Hash is the first 16 bytes of an HMAC-SHA256. It says nothing to whoever
// doesn't have the key.
type Hash [16]byte

// A hasher computes hashes under one key. It is safe for concurrent use.
type hasher struct{ states sync.Pool }

func newHasher(key []byte) *hasher {
	h := &hasher{}
	h.states.New = func() any {
		mac := hmac.New(sha256.New, key)
		// From its first Reset on, the state for the key isn't computed again.
		mac.Reset()
		return &hashState{mac: mac}
	}
	return h
}

type hashState struct {
	mac hash.Hash
	in  []byte
	out []byte
}

// sum hashes texts, each with its length before it, so that no two lists of
// texts are the same bytes.
func (h *hasher) sum(texts ...string) Hash {
	s := h.states.Get().(*hashState)
	defer h.states.Put(s)
	s.in = s.in[:0]
	for _, text := range texts {
		s.in = binary.BigEndian.AppendUint32(s.in, uint32(len(text)))
		s.in = append(s.in, text...)
	}
	s.mac.Reset()
	s.mac.Write(s.in)
	s.out = s.mac.Sum(s.out[:0])
	return Hash(s.out[:16])
}

// derive returns the key for one purpose from a key that has several.
func derive(key []byte, purpose string) [32]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	return [32]byte(mac.Sum(nil))
}
