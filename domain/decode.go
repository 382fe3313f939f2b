// This file is the judge of events: from a message as it came to an event that
// keeps every rule, or to the first rule that it breaks.

package domain

import (
	"errors"
	"time"
)

const (
	// MaxEventBytes is the largest that an event may be: in structured mode its
	// body, in binary mode headers and body together.
	MaxEventBytes = 256 << 10
	// ClockSkew is how far ahead of the service's clock an event's time may be,
	// in microseconds.
	ClockSkew = Instant(5 * time.Minute / time.Microsecond)
)

// Decode decodes and judges a message at now. Exactly one result is non-nil.
func Decode(m *Message, now Instant) (*Event, *Refusal) {
	return nil, &Refusal{Reason: Malformed}
}

// Content gives the canonical form of what makes two events the same content.
func (e *Event) Content() []byte { return e.AppendContent(nil) }

// AppendContent appends what Content gives to dst.
func (e *Event) AppendContent(dst []byte) []byte { return dst }

// Restore makes an event from its stored parts; personal is nil and subject
// empty after an erasure.
func Restore(t Type, s Stamp, subject string, public, personal []byte) (*Event, error) {
	return nil, errors.ErrUnsupported
}

// Data gives the data of the event as one compact JSON object, public and
// personal members together.
func (e *Event) Data() []byte { return nil }

// MarshalCloudEvent renders the event as structured CloudEvents JSON.
func (e *Event) MarshalCloudEvent() []byte { return nil }

// MarshalSealed renders a row of the log as structured CloudEvents JSON without
// opening it: the subject is the user's pseudonym, and what is personal stands
// as base64 in the extension sealed (left out where it is nil). More extensions
// may be given.
func MarshalSealed(t Type, s Stamp, pseudonym string, public, sealed []byte, extensions ...Attribute) []byte {
	return nil
}

// RenderStructured gives a message as the structured event that it says, as far
// as it says one.
func RenderStructured(m *Message) []byte { return nil }

// ParseInstant reads a time in RFC 3339 with an offset.
func ParseInstant(s string) (Instant, error) { return 0, errors.ErrUnsupported }

// ValidUserID says what rule a user's id breaks, nil for none.
func ValidUserID(s string) error { return nil }

// Types lists the types of the catalogue in its order.
func Types() []Type { return nil }

// KnownType says whether the catalogue has the type.
func KnownType(s string) bool { return false }

// DecodeBatch splits a JSON array into its elements' texts, which share body's
// memory. A key twice or invalid UTF-8 stays within its element.
func DecodeBatch(body []byte) ([][]byte, error) { return nil, errors.ErrUnsupported }
