// This file is the canonical encoding of a row of the log: hashes and proofs
// rest on it, so it never changes.

package eventstore

import (
	"encoding/binary"
)

// rowVersion is the version of the encoding, its first byte.
const rowVersion = 1

// AppendCanonical appends the canonical encoding of the row to dst. It is, in
// this order and in big-endian byte order: the version 1 (1 byte); position,
// recorded_at and time (8 bytes each, the instants in microseconds since 1970
// as two's complement); type, source and id (each with its length in 4 bytes
// before it); the user's pseudonym, identity and content (16 bytes each); the
// public data (with its length); and 0 where there is no ciphertext, else 1 and
// the ciphertext (with its length). Two rows that differ have different
// encodings.
func (r *SealedRecord) AppendCanonical(dst []byte) []byte {
	dst = append(dst, rowVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Position))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.RecordedAt))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Time))
	dst = appendText(dst, string(r.Type))
	dst = appendText(dst, r.Source)
	dst = appendText(dst, r.ID)
	dst = append(dst, r.User[:]...)
	dst = append(dst, r.Identity[:]...)
	dst = append(dst, r.Content[:]...)
	dst = appendText(dst, string(r.Public))
	if r.Sealed == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	return appendText(dst, string(r.Sealed))
}

// appendText appends a text with its length before it.
func appendText(dst []byte, text string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}
