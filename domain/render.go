// This file writes events as structured CloudEvents JSON: accepted ones from
// their parts, rows of the log without opening them, and binary messages as the
// event that they say.

package domain

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Data returns the data of the event as one compact JSON object, public and
// personal members together: {} where it has none.
func (e *Event) Data() []byte {
	return appendMerged(make([]byte, 0, len(e.Public)+len(e.Personal)), e.Public, openPersonal(e.Personal).data)
}

// MarshalCloudEvent renders the event as structured CloudEvents JSON, with its
// time in UTC, and without subject and personal data where they are gone. Decode
// makes the same event of it again.
func (e *Event) MarshalCloudEvent() []byte {
	p := openPersonal(e.Personal)
	dst := make([]byte, 0, 256+len(e.Public)+len(e.Personal))
	dst = appendHead(dst, e.Type, e.Stamp, e.Subject)
	if p.schema != nil {
		dst = append(append(dst, `,"dataschema":`...), p.schema...)
	}
	if len(p.extensions) > len(`{}`) {
		dst = append(dst, ',')
		dst = append(dst, p.extensions[1:len(p.extensions)-1]...)
	}
	dst = append(dst, `,"data":`...)
	dst = appendMerged(dst, e.Public, p.data)
	return append(dst, '}')
}

// MarshalSealed renders a row of the log as structured CloudEvents JSON without
// opening it: the subject is the user's pseudonym, data is its public part, and
// what is personal stands as base64 in the extension sealed, which is left out
// where sealed is nil. More extensions may be given; their names and values must
// be CloudEvents'.
func MarshalSealed(t Type, s Stamp, pseudonym string, public, sealed []byte, extensions ...Attribute) []byte {
	dst := make([]byte, 0, 256+len(public)+base64.StdEncoding.EncodedLen(len(sealed)))
	dst = appendHead(dst, t, s, pseudonym)
	for _, x := range extensions {
		dst = appendAttribute(dst, x.Name, x.Value)
	}
	if sealed != nil {
		dst = append(dst, `,"sealed":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, sealed)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"data":`...)
	return append(append(dst, public...), '}')
}

// appendHead begins an event with the attributes that every one has.
func appendHead(dst []byte, t Type, s Stamp, subject string) []byte {
	dst = append(dst, `{"specversion":"1.0"`...)
	dst = appendAttribute(dst, "id", s.ID)
	dst = appendAttribute(dst, "source", s.Source)
	dst = appendAttribute(dst, "type", string(t))
	if subject != "" {
		dst = appendAttribute(dst, "subject", subject)
	}
	dst = append(dst, `,"time":"`...)
	return append(s.Time.append(dst), '"')
}

// appendAttribute appends one more attribute of an event that has some already.
func appendAttribute(dst []byte, name, value string) []byte {
	dst = quote(append(dst, ','), name)
	return quote(append(dst, ':'), value)
}

// appendMerged appends two compact objects as one; personal may be nil.
func appendMerged(dst, public, personal []byte) []byte {
	const empty = len(`{}`)
	if len(personal) <= empty {
		return append(dst, public...)
	}
	if len(public) <= empty {
		return append(dst, personal...)
	}
	dst = append(append(dst, public[:len(public)-1]...), ',')
	return append(dst, personal[1:]...)
}

// append appends the instant as RFC 3339, in UTC, with no more decimals than it
// has.
func (i Instant) append(dst []byte) []byte {
	return i.Time().AppendFormat(dst, time.RFC3339Nano)
}

// RenderStructured returns a message as the structured event that it says, as far
// as it says one, so that one that is refused can be kept, looked at, repaired
// and sent again. In structured mode that is the body itself. In binary mode it
// is valid JSON, save that a header that stands twice is a key that stands
// twice; a header that can't be decoded stands there as it came; and a body that
// can't be data is data_base64.
func RenderStructured(m *Message) []byte {
	if !m.Binary {
		return m.Body
	}
	dst := make([]byte, 0, 64+m.HeaderBytes+len(m.Body))
	dst = append(dst, '{')
	for _, a := range renderedAttributes(m.Attributes) {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, a.Name), ':')
		dst = quote(dst, a.Value)
	}
	if len(m.Body) > 0 {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = appendBody(dst, m.Body)
	}
	return append(dst, '}')
}

// renderedAttributes returns the names and texts that the headers say. Of several
// content types there is one, the one that Decode judged.
func renderedAttributes(headers []Attribute) []Attribute {
	var env envelope
	attributes := make([]Attribute, 0, len(headers)+1)
	for _, a := range headers {
		name := strings.ToLower(a.Name)
		text, _ := headerText(a.Value)
		if !utf8.ValidString(text) {
			text = a.Value
		}
		if name == attributeNames[attrContentType] {
			env.takeContentType(text)
			continue
		}
		attributes = append(attributes, Attribute{name, text})
	}
	if a := env.known[attrContentType]; a.given {
		attributes = append(attributes, Attribute{attributeNames[attrContentType], a.text})
	}
	return attributes
}

// appendBody appends a binary message's body as data, or, where it isn't JSON
// text, as data_base64.
func appendBody(dst, body []byte) []byte {
	loose := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	if utf8.Valid(body) && jsontext.Value(body).IsValid(loose...) {
		return append(append(dst, `"data":`...), body...)
	}
	dst = append(dst, `"data_base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, body)
	return append(dst, '"')
}
