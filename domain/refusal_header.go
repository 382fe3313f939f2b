// This file is about what goes on of a refused event's envelope where the event
// itself is too large to go on.

package domain

import (
	"fmt"
	"strings"
)

// Attributes gives what could be read of the envelope as the attributes of a
// binary message, percent-encoded: so that it is known whom an event is about
// of which only the first part is kept.
func (r *Refusal) Attributes() []Attribute {
	all := []Attribute{{"id", r.ID}, {"source", r.Source}, {"type", r.Type}, {"subject", r.Subject}}
	if r.Time != nil {
		all = append(all, Attribute{"time", r.Time.String()})
	}
	readable := all[:0]
	for _, a := range all {
		if a.Value != "" && len(a.Value) <= maxSourceBytes {
			readable = append(readable, Attribute{a.Name, headerValue(a.Value)})
		}
	}
	return readable
}

// headerValue writes an attribute as CloudEvents has it in a header: space,
// quotes, percent and whatever isn't printable ASCII percent-encoded.
func headerValue(text string) string {
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
