// This file is the vocabulary of the log: what goes in, what comes out, and
// how the two are accounted for.

package eventstore

import (
	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A Position is an event's number in the log: 1, 2, 3 … with none missing.
// Zero is before the first.
type Position int64

// A UserKey is the random pseudonym that stands in the log for a user's id. It
// outlives the erasure of its user, as nobody's; a user who registers again
// after an erasure gets a new one.
type UserKey [16]byte

// String returns the pseudonym as the UUID that it is, in lower case.
func (u UserKey) String() string { return sqldb.UUID(u).String() }

// An Incoming is one message of the broker after domain has judged it.
type Incoming struct {
	// Sequence is the message's number in the broker's stream.
	Sequence uint64
	// Exactly one of Event and Refusal is set.
	Event   *domain.Event
	Refusal *domain.Refusal
	// Raw is the event as it came, to be kept where it is refused. A binary
	// message is rendered as the structured event that it says, as far as it
	// says one; for a good one it may be nil, and is then rendered where it is
	// needed. At most 4 KiB of it are kept where the reason is too_large.
	Raw []byte
	// ReceivedAt is when the service took it from the broker.
	ReceivedAt domain.Instant
	// MustBeNew says that the event makes a user: it is refused as a conflict
	// where there is one of its subject already.
	MustBeNew bool
}

// A Batch is what is appended in one transaction.
type Batch struct {
	// Stream names the incarnation of the broker's stream: its name and the
	// instant at which it was created, so that the sequence numbers of a
	// stream that was deleted and recreated are not taken for the old ones.
	Stream   string
	Messages []Incoming
}

// An Account says what became of a batch. Appended + Duplicates + Refused is
// the number of its messages: whatever was fetched ends as one of the three.
type Account struct {
	// First and Last are the positions that the batch took; both zero where
	// nothing was appended.
	First, Last Position
	Appended    int
	Duplicates  int
	Refused     int
}

// A Record is one event of the log as it is read back.
type Record struct {
	Position   Position
	RecordedAt domain.Instant
	User       UserKey
	// Erased says that the user's key has been destroyed: Event has neither
	// Subject nor anything personal then.
	Erased bool
	Event  domain.Event
}

// A Head is where the log stands.
type Head struct {
	Position Position
	// Epoch is changed whenever history was recovered from a backup or a
	// lagging standby: positions of another epoch may name other events.
	Epoch string
	// Erasures counts the erasures so far. Whoever caches users' keys drops
	// them when it has moved.
	Erasures int64
}
