// This file is the headers of messages: those of our own, and how CloudEvents'
// attributes are written in headers.

package wire

import (
	"fmt"
	"strings"
	"time"

	"boxoffice/domain"
)

// The headers that the service puts on what it publishes itself, for ingest to
// read. They are internal: a publisher who sets them gains nothing, and they are
// no part of the event.
const (
	// HeaderReceivedAt is when the service had the event: RFC 3339, to the
	// microsecond. Whether the event lies in the future is judged by it, so that
	// waiting in the broker doesn't change the verdict.
	HeaderReceivedAt = "Boxoffice-Received-At"
	// HeaderRefused is on an event that has been refused already in a way that
	// can't be seen in what goes on of it: "too_large", of which only the first
	// part does. What could be read of its attributes is in ce- headers beside it,
	// percent-encoded: whom it is about matters when they are erased.
	HeaderRefused = "Boxoffice-Refused"
	// HeaderMustBeNew is on an event that makes a user. The log refuses it as a
	// conflict where there is one of its subject already, so of two that create
	// one id, one loses.
	HeaderMustBeNew = "Boxoffice-Must-Be-New"
)

const (
	// HeaderMessageID is the id by which the broker drops a message that it has
	// had within DuplicateWindow, whatever is in it. It isn't needed.
	HeaderMessageID = "Nats-Msg-Id"
	// HeaderUUID carries a Watermill message's UUID, as in Watermill's own NATS
	// package.
	HeaderUUID = "_watermill_message_uuid"

	ownHeaders    = "Boxoffice-"
	brokerHeaders = "Nats-"
)

// AttributePrefix begins the names of the headers that carry an event's attributes.
const AttributePrefix = "ce-"

const (
	// modeHeader makes a message one in binary mode.
	modeHeader        = AttributePrefix + "specversion"
	contentTypeHeader = "content-type"
	// contentTypeAttribute is the attribute that Content-Type stands for.
	contentTypeAttribute = "datacontenttype"
)

// IsBrokers says that a header is one by which a publisher asks something of the
// broker for one message, or the broker says something about it.
func IsBrokers(header string) bool { return strings.HasPrefix(header, brokerHeaders) }

// transport says that a header is one that the publisher's client or the service
// adds: no part of the event.
func transport(header string) bool {
	return IsBrokers(header) || strings.HasPrefix(header, ownHeaders) || header == HeaderUUID
}

// ReceivedAt is the value of HeaderReceivedAt.
func ReceivedAt(at domain.Instant) string {
	return at.Time().Format("2006-01-02T15:04:05.000000Z07:00")
}

// receivedAt is when the service first had an event that is read at now: what
// the header says, but never a time to come.
func receivedAt(header map[string][]string, now domain.Instant) domain.Instant {
	if value := first(header, HeaderReceivedAt); value != "" {
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			return min(domain.InstantOf(t), now)
		}
	}
	return now
}

// first is the first value of a header, empty where there is none.
func first(header map[string][]string, name string) string {
	if values := header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// maxCarried is how long a value may be that goes beside the first part of an
// event, in bytes: every attribute that keeps its rule is shorter.
const maxCarried = 255

// envelope is what could be read of a refused event's attributes, as headers.
func envelope(r *domain.Refusal) map[string][]string {
	header := map[string][]string{HeaderRefused: {string(r.Reason)}}
	put := func(attribute, value string) {
		if value != "" && len(value) <= maxCarried {
			header[AttributePrefix+attribute] = []string{encode(value)}
		}
	}
	put("id", r.ID)
	put("source", r.Source)
	put("type", r.Type)
	put("subject", r.Subject)
	if r.Time != nil {
		put("time", r.Time.String())
	}
	return header
}

// encode writes an attribute as CloudEvents has it in a header: space, quotes,
// percent and whatever isn't printable ASCII percent-encoded. Decoding is the
// domain's, which judges how it was encoded.
func encode(text string) string {
	var value strings.Builder
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' || c == '"' || c == '%' {
			fmt.Fprintf(&value, "%%%02X", c)
		} else {
			value.WriteByte(c)
		}
	}
	return value.String()
}
