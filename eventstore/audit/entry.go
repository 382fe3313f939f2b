// Package audit is what an auditor who trusts nobody checks the log by.
package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

const (
	// MaxEntryBytes is what no entry exceeds, so that entry bundles of the tiles
	// format can hold it.
	MaxEntryBytes = 2048

	entryVersion = "boxoffice/v1"
	entryTime    = "2006-01-02T15:04:05.000000Z"
)

// AppendEntry appends the entry of an event to dst. It is UTF-8 text of ten
// lines, each ended by a line feed: the version, the position, recorded_at, time,
// type, source, id, the user's pseudonym, and in standard base64 the SHA-256 of
// data and of the ciphertext, of which the last is empty where there is no
// ciphertext. It says what was recorded and has nothing of it but hashes of its
// data. It never changes, since proofs rest on it.
func AppendEntry(dst []byte, r *eventstore.SealedRecord) []byte {
	dst = append(dst, entryVersion+"\n"...)
	dst = append(strconv.AppendInt(dst, int64(r.Position), 10), '\n')
	dst = appendInstant(dst, r.RecordedAt)
	dst = appendInstant(dst, r.Time)
	for _, text := range []string{string(r.Type), r.Source, r.ID, r.User.String()} {
		dst = append(append(dst, text...), '\n')
	}
	dst = appendHash(dst, r.Public)
	if r.Sealed == nil {
		return append(dst, '\n')
	}
	return appendHash(dst, r.Sealed)
}

func appendInstant(dst []byte, i domain.Instant) []byte {
	return append(i.Time().UTC().AppendFormat(dst, entryTime), '\n')
}

func appendHash(dst, data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(base64.StdEncoding.AppendEncode(dst, sum[:]), '\n')
}
