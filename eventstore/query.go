// This file is the vocabulary of reading: what can be asked of the log and of
// what was refused, and what comes back.

package eventstore

import (
	"boxoffice/domain"
)

// A SealedRecord is one row of the log as it stands there: what is personal is
// ciphertext, and the user a pseudonym. Erasing a user changes none of it.
type SealedRecord struct {
	Position   Position
	RecordedAt domain.Instant
	Time       domain.Instant
	Type       domain.Type
	User       UserKey
	Source     string
	ID         string
	// Public is the part of data that the catalogue lists as impersonal, a
	// compact JSON object.
	Public []byte
	// Sealed is the ciphertext of the personal part; nil where there is none.
	Sealed []byte
	// Identity and Content are keyed hashes: of source and id, and of what
	// makes two events the same. Nobody without the keys can compute them.
	Identity [16]byte
	Content  [16]byte
}

// A SealedQuery asks for rows of the log after After, in log order, at most
// Limit of them. Its filters are all to be met; a zero one is met by every row.
type SealedQuery struct {
	After Position
	Limit int
	Type  domain.Type
	// UserID is a user's id on the platform. Of a user who was erased nothing
	// is found by it.
	UserID string
	// From (inclusive) and To (exclusive) are of the events' time.
	From, To *domain.Instant
}

// A SealedPage answers a SealedQuery. It may have fewer rows than Limit and
// still not be the last: a call looks at a bounded range of the log.
type SealedPage struct {
	Records []SealedRecord
	// Next is the After of the next page.
	Next Position
	// End says that the range reached the end of the log as it was.
	End bool
}

// A RefusedEvent is an event that was kept as refused.
type RefusedEvent struct {
	ID         int64
	ReceivedAt domain.Instant
	Reason     domain.Reason
	// Message names the field and the rule, and never quotes a value.
	Message string
	// Time is the event's, nil where it couldn't be read.
	Time *domain.Instant
	// Subject and Type are nil where they couldn't be read. Of an event about
	// a user who was erased nothing is kept but Reason, Time and Type: Subject
	// and Body are nil.
	Subject *string
	Type    *string
	Body    []byte
}

// A RefusedQuery asks for refused events, the latest first.
type RefusedQuery struct {
	Reason domain.Reason // empty: any
	// Before is the ID of the last one of the page before; 0 on the first.
	Before int64
	Limit  int
}

// A Verdict is where an identity ended.
type Verdict struct {
	// Position is the event's position in the log; 0 where it isn't there.
	Position Position
	// Refused is the latest refused event of that identity that is kept, nil
	// where there is none. There may be one beside a Position: of two events
	// with one identity and other content, the second is refused.
	Refused *RefusedEvent
}
