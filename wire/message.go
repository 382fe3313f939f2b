// This file makes the messages that carry events to the broker.

package wire

import (
	"slices"

	"boxoffice/domain"
)

// A Message is one message for the broker. Who publishes it must not change it
// before the publication has returned.
type Message struct {
	// Subject is the subject that it is published to.
	Subject string
	// Header has the message's headers: nil for none.
	Header map[string][]string
	// Data is the message's body.
	Data []byte
}

// An Arrival is one event as it came, judged: it has either an Event, which keeps
// every rule that can be judged without the log, or a Refusal.
type Arrival struct {
	Message *domain.Message
	Event   *domain.Event
	Refusal *domain.Refusal
	// MustBeNew says that the log has to refuse it where there is a user of its
	// subject already.
	MustBeNew bool

	// partial says that the message has only the first part of an event that is
	// too large.
	partial bool
}

// Judge judges an event at now.
func Judge(m *domain.Message, now domain.Instant) Arrival {
	event, refusal := domain.Decode(m, now)
	return Arrival{Message: m, Event: event, Refusal: refusal}
}

// Type is the event's type, be it in the catalogue or not; empty where it can't
// be read.
func (a *Arrival) Type() string {
	if a.Event != nil {
		return string(a.Event.Type)
	}
	return a.Refusal.Type
}

// Outgoing makes the message with which a publisher sends the event: as it came,
// in its own mode, so that it is judged by who receives it as it was here. Of one
// that is too large only the first part goes on, with its attributes beside it.
// The message shares the body's memory.
func (a *Arrival) Outgoing() Message {
	m := Message{Subject: SubjectOf(a.Type()), Data: a.Message.Body}
	switch {
	case a.tooLarge():
		m.Header, m.Data = envelope(a.Refusal), a.firstPart()
	case a.Message.Binary:
		m.Header = make(map[string][]string, len(a.Message.Attributes)+1)
		for _, attribute := range a.Message.Attributes {
			name := AttributePrefix + attribute.Name
			if attribute.Name == contentTypeAttribute {
				name = contentTypeHeader
			}
			m.Header[name] = append(m.Header[name], attribute.Value)
		}
	}
	return m
}

// Forward makes the message with which the service sends on an event that it was
// given. received is ReceivedAt of when that was.
func (a *Arrival) Forward(received string) Message {
	m := a.Outgoing()
	if m.Header == nil {
		m.Header = map[string][]string{contentTypeHeader: {StructuredType}}
	}
	m.Header[HeaderReceivedAt] = []string{received}
	if a.MustBeNew {
		m.Header[HeaderMustBeNew] = []string{"true"}
	}
	return m
}

// Kept is what is kept of the event where it is refused, here or by the log: the
// event as it came, or the structured event that a binary message says, or the
// first 4 KiB of one that is too large. It is nil for a good binary message,
// which the log renders itself where it refuses it.
func (a *Arrival) Kept() []byte {
	switch {
	case a.Refusal == nil && a.Message.Binary:
		return nil
	case a.tooLarge():
		return slices.Clone(a.firstPart()) // so that the rest of the memory is freed
	}
	return domain.RenderStructured(a.Message)
}

func (a *Arrival) tooLarge() bool {
	return a.Refusal != nil && a.Refusal.Reason == domain.TooLarge
}

// firstPart is as much of an event that is too large as is kept.
func (a *Arrival) firstPart() []byte {
	text := a.Message.Body
	if !a.partial {
		text = domain.RenderStructured(a.Message)
	}
	return text[:min(len(text), domain.KeptOfTooLarge)]
}
