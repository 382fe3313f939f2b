// This file says which row the read models have of one viewing session.

package projections

import (
	"crypto/sha256"
	"encoding/binary"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A sessionKey is the identity of a viewing session.
type sessionKey struct {
	user      eventstore.UserKey
	sessionID string
	contentID string
}

// hash returns the session's primary key. Two texts in an index cost more, for
// each of the reports of which a session sees hundreds, than a hash does.
func (k sessionKey) hash() sqldb.UUID {
	b := make([]byte, 0, 16+8+len(k.sessionID)+len(k.contentID))
	b = append(b, k.user[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(k.sessionID)))
	b = append(b, k.sessionID...)
	b = append(b, k.contentID...)
	sum := sha256.Sum256(b)
	return sqldb.UUID(sum[:16])
}

// A sessionRow is a row of sessions.
type sessionRow struct {
	sessionKey
	hash  sqldb.UUID
	view  domain.SessionView
	ended bool
	facts []byte // in binary form
}

func sessionRowOf(hash sqldb.UUID, key sessionKey, f *domain.SessionFacts, facts []byte) sessionRow {
	return sessionRow{
		sessionKey: key, hash: hash, facts: facts, ended: f.LastEventIsEnd(),
		view: f.View(f.LastEventAt(), 0), // the state isn't kept, so the instant doesn't matter
	}
}
