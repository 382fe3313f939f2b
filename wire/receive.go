// This file reads a message of the broker as the event it carries: CloudEvents'
// binding to NATS, in both content modes.

package wire

import (
	"slices"
	"strings"

	"boxoffice/domain"
)

// Receive reads a message of the broker, and judges its event at now, or at the
// earlier instant at which the service had it. What is kept of it shares the
// body's memory.
func Receive(subject string, header map[string][]string, body []byte, now domain.Instant) Arrival {
	if first(header, HeaderRefused) == string(domain.TooLarge) {
		return refusedBefore(header, body, now)
	}
	a := Judge(read(subject, header, body), receivedAt(header, now))
	a.MustBeNew = first(header, HeaderMustBeNew) != ""
	return a
}

// refusedBefore is an event that is too large and of which only the first part
// is here. What could be read of its envelope stands in the headers: whom it is
// about has to be known, so that an erasure finds it.
func refusedBefore(header map[string][]string, body []byte, now domain.Instant) Arrival {
	m := &domain.Message{Binary: true, HeaderBytes: domain.MaxEventBytes + 1, Body: body}
	m.Attributes, _ = attributes(header)
	a := Judge(m, now)
	a.partial = true
	return a
}

// read takes the message apart.
func read(subject string, header map[string][]string, body []byte) *domain.Message {
	m := &domain.Message{NATSSubject: subject, Body: body}
	if m.Binary = has(header, modeHeader); m.Binary {
		m.Attributes, m.HeaderBytes = attributes(header)
	}
	return m
}

// has says that a header is there. Names of headers have no case, as CloudEvents'
// bindings say: some clients of NATS write them as HTTP's canonical form has them.
func has(header map[string][]string, name string) bool {
	for given := range header {
		if strings.EqualFold(given, name) {
			return true
		}
	}
	return false
}

// attributes returns the attributes that the headers of a binary message carry,
// sorted by name, and the size of the headers. Those of the transport are neither.
// Content-Type counts only where the attribute has no header of its own: the
// binding to NATS has ce-datacontenttype, and clients that know the one to HTTP
// write Content-Type.
func attributes(header map[string][]string) ([]domain.Attribute, int) {
	var all []domain.Attribute
	size := 0
	typed := has(header, AttributePrefix+contentTypeAttribute)
	for name, values := range header {
		if transport(name) {
			continue
		}
		for _, value := range values {
			size += headerSize(name, value)
		}
		if attribute, ok := attributeOf(name); ok && !(typed && strings.EqualFold(name, contentTypeHeader)) {
			for _, value := range values {
				all = append(all, domain.Attribute{Name: attribute, Value: value})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b domain.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return all, size
}

// headerSize is what a header counts of an event's size.
func headerSize(name, value string) int { return len(name) + len(": ") + len(value) + len("\r\n") }

// attributeOf returns the attribute that a header carries, if it carries one.
func attributeOf(header string) (string, bool) {
	if strings.EqualFold(header, contentTypeHeader) {
		return contentTypeAttribute, true
	}
	if n := len(AttributePrefix); len(header) >= n && strings.EqualFold(header[:n], AttributePrefix) {
		return strings.ToLower(header[n:]), true
	}
	return "", false
}
