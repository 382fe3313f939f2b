// This file is the judge of events: from a message as it came to an event that
// keeps every rule, or to the first rule that it breaks.

package domain

import (
	"bytes"
	"time"
	"unicode/utf8"
)

const (
	// MaxEventBytes is the largest that an event may be: in structured mode its
	// body, in binary mode headers and body together.
	MaxEventBytes = 256 << 10
	// KeptOfTooLarge is how much is kept of an event that is larger, in bytes.
	KeptOfTooLarge = 4 << 10
	// ClockSkew is how far ahead of the service's clock an event's time may be,
	// in microseconds.
	ClockSkew = Instant(5 * time.Minute / time.Microsecond)
)

// SubjectPrefix stands before an event's type in the NATS subject that it is
// published to.
const SubjectPrefix = "boxoffice.events."

// Decode decodes and judges a message at now. Exactly one result is non-nil: an
// event that keeps every rule that can be judged without the log, or a refusal
// with the first reason that applies, in the order of the reasons. Neither
// shares memory with m.
//
// Of a user.erased, nothing is kept but the stamp, the type and the subject.
func Decode(m *Message, now Instant) (*Event, *Refusal) {
	var env envelope
	if reason, rule := env.read(m); rule != "" {
		return nil, env.refuse(reason, rule)
	}
	if rule := env.check(); rule != "" {
		return nil, env.refuse(InvalidAttribute, rule)
	}
	kind := env.known[attrType].text
	r := catalogue.index[Type(kind)]
	switch {
	case r == nil:
		return nil, env.refuse(UnknownType, "type must be one of the catalogue's")
	case m.NATSSubject != "" && m.NATSSubject != SubjectPrefix+kind:
		return nil, env.refuse(SubjectMismatch, "the NATS subject must be "+SubjectPrefix+kind)
	case env.time > now+ClockSkew:
		return nil, env.refuse(InFuture, "time must not be more than 5 minutes ahead")
	}
	e := &Event{
		Stamp:   Stamp{Time: env.time, Source: env.known[attrSource].text, ID: env.known[attrID].text},
		Type:    r.of,
		Subject: env.known[attrSubject].text,
	}
	if rule := e.judgeData(r, m, &env); rule != "" {
		return nil, env.refuse(InvalidData, rule)
	}
	return e, nil
}

// judgeData reads data, and returns the rule that it breaks.
func (e *Event) judgeData(r *row, m *Message, env *envelope) string {
	if m.Binary && len(m.Body) > 0 && env.data == nil {
		return "data must be JSON"
	}
	r.begin(e)
	if rule := e.readData(r, env); rule != "" {
		return rule
	}
	return e.finishData(r)
}

// read reads the envelope and finds data, or returns the reason and the rule by
// which the message isn't an event in form.
func (env *envelope) read(m *Message) (Reason, string) {
	if m.Binary {
		return env.readBinaryMessage(m)
	}
	if len(m.Body) > MaxEventBytes {
		env.salvage(m.Body)
		return TooLarge, "an event must have at most 256 KiB"
	}
	if rule := checkJSON(m.Body, maxDepth); rule != "" {
		env.salvage(m.Body)
		return Malformed, "the event " + rule
	}
	if start := skipSpace(m.Body, 0); m.Body[start] != '{' {
		return Malformed, "the event must be a JSON object"
	}
	env.readStructured(m.Body)
	return "", ""
}

// bodyDepth is how deep arrays and objects may stand in one another in the body
// of a binary message, which is inside the event's own object.
const bodyDepth = maxDepth - 1

// readBinaryMessage is read for binary mode. A body that isn't JSON in form is
// the data's fault, and comes later; one that says a key twice, isn't UTF-8, is
// too deep or begins with a byte order mark makes the event malformed, as it does
// in structured mode.
func (env *envelope) readBinaryMessage(m *Message) (Reason, string) {
	malformed := env.readBinary(m.Attributes)
	if m.HeaderBytes+len(m.Body) > MaxEventBytes {
		return TooLarge, "an event must have at most 256 KiB"
	}
	if malformed != "" || len(m.Body) == 0 {
		return Malformed, malformed
	}
	rule := checkJSON(m.Body, bodyDepth)
	if rule == "" {
		start := skipSpace(m.Body, 0)
		env.data = m.Body[start:valueEnd(m.Body, start)]
		return "", ""
	}
	if isLooseJSON(m.Body) || tooDeep(m.Body, bodyDepth) || !utf8.Valid(m.Body) || bytes.HasPrefix(m.Body, byteOrderMark) {
		return Malformed, "data " + rule
	}
	return "", ""
}
