package domain_test

import (
	"strconv"
	"strings"
	"testing"

	"boxoffice/domain"
)

// judgedAt is the service's clock in the tests of events: 2026-11-23T12:00:00Z.
const judgedAt = domain.Instant(1_795_435_200_000_000)

// A draft is an event that is being written: attributes and members of data as
// JSON texts, in order. Its methods give changed copies.
type draft struct {
	attributes []domain.Attribute
	data       []domain.Attribute
}

// draftOf returns an event of a type that keeps every rule, with the members of
// data given as name and JSON text in turn.
func draftOf(kind domain.Type, data ...string) draft {
	d := draft{attributes: []domain.Attribute{
		{Name: "specversion", Value: `"1.0"`},
		{Name: "id", Value: `"e-1"`},
		{Name: "source", Value: `"/platform"`},
		{Name: "type", Value: strconv.Quote(string(kind))},
		{Name: "subject", Value: `"ana"`},
		{Name: "time", Value: `"2026-11-23T11:00:00Z"`},
	}}
	for i := 0; i < len(data); i += 2 {
		d = d.with(data[i], data[i+1])
	}
	return d
}

// progressDraft returns a report of playback that keeps every rule.
func progressDraft() draft {
	return draftOf(domain.PlaybackProgressed, "session_id", `"s-1"`, "content_id", `"c-1"`)
}

// set returns the draft with an attribute as the JSON text value.
func (d draft) set(name, value string) draft {
	d.attributes = replaced(d.attributes, name, value)
	return d
}

// with returns the draft with a member of data as the JSON text value; the name
// is a text in JSON without its quotes.
func (d draft) with(name, value string) draft {
	d.data = replaced(d.data, name, value)
	return d
}

// replaced returns a copy of all with a value for name: in its place, or at the
// end; an empty value takes it away.
func replaced(all []domain.Attribute, name, value string) []domain.Attribute {
	result := []domain.Attribute{}
	found := false
	for _, a := range all {
		if a.Name == name {
			found = true
			a.Value = value
		}
		if a.Value != "" {
			result = append(result, a)
		}
	}
	if !found && value != "" {
		result = append(result, domain.Attribute{Name: name, Value: value})
	}
	return result
}

// object writes members as a JSON object.
func object(members []domain.Attribute) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + m.Name + `":` + m.Value)
	}
	return b.String() + "}"
}

// structured returns the draft as a message in structured mode.
func (d draft) structured() *domain.Message {
	all := d.attributes
	if d.data != nil {
		all = append(all[:len(all):len(all)], domain.Attribute{Name: "data", Value: object(d.data)})
	}
	return &domain.Message{Body: []byte(object(all))}
}

// binary returns the draft as a message in binary mode. Its attributes must be
// texts that need no escapes, in JSON or in a header.
func (d draft) binary() *domain.Message {
	m := &domain.Message{Binary: true}
	for _, a := range d.attributes {
		value := strings.Trim(a.Value, `"`)
		m.Attributes = append(m.Attributes, domain.Attribute{Name: a.Name, Value: value})
		m.HeaderBytes += len("ce-: \r\n") + len(a.Name) + len(value)
	}
	if d.data != nil {
		m.Body = []byte(object(d.data))
	}
	return m
}

// raw returns a structured message of a body.
func raw(body string) *domain.Message { return &domain.Message{Body: []byte(body)} }

// accepted decodes a message that must be accepted.
func accepted(t require, m *domain.Message) *domain.Event {
	t.Helper()
	e, refusal := domain.Decode(m, judgedAt)
	if refusal != nil {
		t.Fatalf("refused: %v\n%s", refusal, m.Body)
	}
	return e
}

// refused decodes a message that must be refused.
func refused(t *testing.T, m *domain.Message, reason domain.Reason) *domain.Refusal {
	t.Helper()
	_, refusal := domain.Decode(m, judgedAt)
	switch {
	case refusal == nil:
		t.Fatalf("accepted, want %s\n%.300s", reason, m.Body)
	case refusal.Reason != reason:
		t.Fatalf("refused as %v, want %s\n%.300s", refusal, reason, m.Body)
	case refusal.Message == "":
		t.Fatalf("refused as %s without a message", reason)
	}
	return refusal
}
