// This file is where events are published to.

package wire

import (
	"time"

	"boxoffice/domain"
)

const (
	// Stream is the JetStream stream that takes the events.
	Stream = "BOXOFFICE"
	// SubjectPrefix and an event's type are the subject it is published to.
	SubjectPrefix = domain.SubjectPrefix
	// Subjects is what the stream listens on.
	Subjects = SubjectPrefix + ">"
	// UnknownSubject is where events go whose type there isn't, or can't be read.
	// They are refused for that before the subject is looked at.
	UnknownSubject = SubjectPrefix + "unknown"

	// DuplicateWindow is how long the stream remembers message ids: the shortest
	// that the broker allows, since it drops what has the same id without looking
	// at its content. The log knows a repeated event however late it comes.
	DuplicateWindow = 100 * time.Millisecond
)

// The largest that a request to publish over HTTP may be. How large an event may
// be, and how much is kept of a larger one, is the domain's.
const (
	// MaxRequestBytes is the size of the body.
	MaxRequestBytes = 16 << 20
	// MaxBatchEvents is the number of events.
	MaxBatchEvents = 10_000
)

// Subject is the subject that events of a type are published to.
func Subject(t domain.Type) string { return SubjectPrefix + string(t) }

// SubjectOf is the subject for a type that may not be in the catalogue.
func SubjectOf(eventType string) string {
	if !domain.KnownType(eventType) {
		return UnknownSubject
	}
	return Subject(domain.Type(eventType))
}
