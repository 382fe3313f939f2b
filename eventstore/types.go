// This file is the vocabulary of the log: what goes in, what comes out, and
// how the two are accounted for.

package eventstore

import (
	"boxoffice/domain"
)

// A Position is an event's number in the log: 1, 2, 3 … with none missing.
// Zero is the place before the first.
type Position int64

// A UserKey is the random pseudonym that stands in the log for a user's id. It
// outlives the erasure of its user, as nobody's; a user who registers again
// after an erasure gets a new one.
type UserKey [16]byte

// An Incoming is one message of the broker after domain has judged it.
type Incoming struct {
	// Sequence is the message's number in the broker's stream.
	Sequence uint64
	// Exactly one of Event and Refusal is set.
	Event   *domain.Event
	Refusal *domain.Refusal
	// Raw is the event as it came, to be kept where it is refused. A binary
	// message is rendered as the structured event that it says, as far as it
	// says one. At most 4 KiB of it are kept where the reason is too_large.
	Raw []byte
	// ReceivedAt is when the service took it from the broker.
	ReceivedAt domain.Instant
}

// A Batch is what is appended in one transaction.
type Batch struct {
	// Stream names the incarnation of the broker's stream: its name and the
	// instant at which it was created, so that the sequence numbers of a
	// stream that was deleted and made anew are not taken for the old ones.
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

// A RefusedEvent is an event that was kept as refused.
type RefusedEvent struct {
	ID         int64
	ReceivedAt domain.Instant
	Reason     domain.Reason
	Message    string
	// Subject, Type and Body are nil where they couldn't be read, or where
	// nothing of them may be kept (reason erased).
	Subject *string
	Type    *string
	Body    []byte
}

// A HistoryQuery asks for a page of the log: the recorded events that pass
// every filter, in log order, from the first after After on.
type HistoryQuery struct {
	After Position
	// Type, UserID: empty for any. UserID is a user's id on the platform; of a
	// user that there isn't, or who was erased, there are no events.
	Type   domain.Type
	UserID string
	// From and To bound the event's time, from inclusive and to exclusive; nil
	// for no bound.
	From, To *domain.Instant
	// Open asks for the events readable, where their user's key is still there.
	Open bool
	// Limit is how many records at most, over 0.
	Limit int
}

// A HistoryPage is a page of the log. There may be fewer records in it than
// were asked for, and even none, though more follow: a query that few events
// pass stops after a stretch of the log.
type HistoryPage struct {
	Records []SealedRecord
	// Next is the position after which the next page begins; nil at the end of
	// the log.
	Next *Position
}

// A SealedRecord is one row of the log as it stands there.
type SealedRecord struct {
	Position   Position
	RecordedAt domain.Instant
	User       UserKey
	Type       domain.Type
	domain.Stamp
	// Public is the part of data that is readable for everybody, a compact JSON
	// object. Sealed is what is personal, encrypted; nil where there is nothing.
	Public []byte
	Sealed []byte
	// Event is the event in readable form; nil where that wasn't asked for, and
	// where the user's key has been destroyed.
	Event *domain.Event
}

// A RefusedQuery asks for a page of the refused events, the latest first.
type RefusedQuery struct {
	Reason domain.Reason // empty: any
	After  *RefusedCursor
	Limit  int
}

// A RefusedCursor is the place of an event in the list of refused ones: by
// ReceivedAt, latest first, then by ID, greatest first.
type RefusedCursor struct {
	ReceivedAt domain.Instant
	ID         int64
}

// A RefusedPage is a page of the refused events; Next is nil on the last.
type RefusedPage struct {
	Refused []RefusedEvent
	Next    *RefusedCursor
}
