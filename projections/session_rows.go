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

// hash gives the session's primary key. Two texts in an index cost more, for
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

var sessionsTable = &table{
	name: "sessions",
	key:  []string{"session_key"},
	columns: []string{"session_key", "user_key", "session_id", "content_id", "title", "started_at", "last_event_at",
		"ended", "duration_ms", "watched_ms", "content_length_ms", "completion_rate", "completed", "position_ms",
		"device", "platform", "facts"},
	reported: sessionReported,
}

// sessionReported are the columns that a report may change without touching an
// index; started_at, which is in all of them, changes only when one comes late.
var sessionReported = []string{"title", "last_event_at", "ended", "duration_ms", "watched_ms", "content_length_ms",
	"completion_rate", "completed", "position_ms", "device", "platform", "facts"}

// sessionValues gives the row of a session, with the binary form of its facts.
func sessionValues(hash sqldb.UUID, key sessionKey, f *domain.SessionFacts, facts []byte) []any {
	v := f.View(f.LastEventAt(), 0) // the state isn't kept, so the instant doesn't matter
	return []any{hash, sqldb.UUID(key.user), key.sessionID, key.contentID, optOf(v.Title).arg(),
		sqldb.Micros(v.StartedAt), sqldb.Micros(v.LastEventAt), f.LastEventIsEnd(),
		v.DurationMS, v.WatchedMS, optOf(v.ContentLengthMS).arg(), optOf(v.CompletionRate).arg(),
		optOf(v.Completed).arg(), optOf(v.PositionMS).arg(), optOf(v.Device).arg(), optOf(v.Platform).arg(), facts}
}
