// This file reads a message of the broker as the event it carries: CloudEvents'
// binding to NATS, in both content modes.

package ingest

import (
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

const (
	attributePrefix = "ce-"
	// headerMode is the header that makes a message one in binary mode. Names of
	// headers have no case, as CloudEvents' bindings say: some clients of NATS
	// write them as HTTP's canonical form has them.
	headerMode      = attributePrefix + "specversion"
	contentType     = "content-type"
	dataContentType = "datacontenttype"
)

// incoming judges a message at now, for the log.
func incoming(subject string, header nats.Header, body []byte, sequence uint64, now domain.Instant) eventstore.Incoming {
	in := eventstore.Incoming{Sequence: sequence, ReceivedAt: now}
	if header.Get(HeaderRefused) == string(domain.TooLarge) {
		in.Refusal = refusedBefore(header, now)
		in.Raw = head(body)
		return in
	}
	message := read(subject, header, body)
	in.Event, in.Refusal = domain.Decode(message, receivedAt(header, now))
	in.MustBeNew = header.Get(HeaderMustBeNew) != ""
	switch {
	case in.Refusal != nil:
		in.Raw = raw(message, in.Refusal.Reason)
	case !message.Binary:
		// The log may still refuse it. A good binary message is rendered only
		// then, and by the log.
		in.Raw = body
	}
	return in
}

// read gives the message as domain has it.
func read(subject string, header nats.Header, body []byte) *domain.Message {
	m := &domain.Message{NATSSubject: subject, Body: body}
	if m.Binary = isBinary(header); m.Binary {
		m.Attributes, m.HeaderBytes = attributes(header)
	}
	return m
}

func isBinary(header nats.Header) bool {
	for name := range header {
		if strings.EqualFold(name, headerMode) {
			return true
		}
	}
	return false
}

// attributes gives the attributes that the headers of a binary message carry,
// sorted by name, and the size of the headers. Those of the transport, which
// the publisher's client and the service add, are neither.
func attributes(header nats.Header) ([]domain.Attribute, int) {
	var all []domain.Attribute
	size := 0
	typed := hasContentType(header)
	for name, values := range header {
		if transport(name) {
			continue
		}
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
		if attribute, ok := attributeName(name); ok && !(typed && strings.EqualFold(name, contentType)) {
			for _, value := range values {
				all = append(all, domain.Attribute{Name: attribute, Value: value})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b domain.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return all, size
}

func transport(name string) bool {
	return strings.HasPrefix(name, "Nats-") || strings.HasPrefix(name, "Boxoffice-") || name == headerUUID
}

// hasContentType says that the attribute stands in its own header. Content-Type
// counts only where it doesn't: the binding to NATS has ce-datacontenttype, and
// clients that know the one to HTTP write Content-Type.
func hasContentType(header nats.Header) bool {
	for name := range header {
		if strings.EqualFold(name, attributePrefix+dataContentType) {
			return true
		}
	}
	return false
}

// attributeName gives the attribute that a header carries, if it carries one.
func attributeName(header string) (string, bool) {
	if strings.EqualFold(header, contentType) {
		return dataContentType, true
	}
	if n := len(attributePrefix); len(header) >= n && strings.EqualFold(header[:n], attributePrefix) {
		return strings.ToLower(header[n:]), true
	}
	return "", false
}

// receivedAt is when the service first had the event: what the API says, but
// never a time to come.
func receivedAt(header nats.Header, now domain.Instant) domain.Instant {
	if value := header.Get(HeaderReceivedAt); value != "" {
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			return min(domain.InstantOf(t), now)
		}
	}
	return now
}

// refusedBefore is the refusal of an event that is too large and of which only
// the first part is here. What could be read of its envelope stands in the
// headers: whom it is about has to be known, so that an erasure finds it.
func refusedBefore(header nats.Header, now domain.Instant) *domain.Refusal {
	m := &domain.Message{Binary: true, HeaderBytes: domain.MaxEventBytes + 1}
	m.Attributes, _ = attributes(header)
	_, refusal := domain.Decode(m, now)
	return refusal
}

// raw is what is kept of a refused event: the event as it came, or as the
// structured event that its headers say.
func raw(m *domain.Message, reason domain.Reason) []byte {
	if reason == domain.TooLarge {
		return head(rendered(m))
	}
	return rendered(m)
}

func rendered(m *domain.Message) []byte {
	if m.Binary {
		return domain.RenderStructured(m)
	}
	return m.Body
}

// head copies the first 4 KiB, so that the rest of the memory is freed.
func head(body []byte) []byte {
	return slices.Clone(body[:min(len(body), domain.KeptOfTooLarge)])
}
