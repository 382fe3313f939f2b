// This file says when two events with one identity are the same event: their
// content is written in one canonical form, and the same content is the same
// bytes. The log keeps a hash of it, so the form is as lasting as the log.

package domain

import (
	"bytes"
	"slices"
)

// Content gives the canonical form of what makes two events the same: their
// attributes and their data as JSON values. The order of keys, white space, how
// a text or a number is written, and the offset of a time (in the envelope and
// in the fields of data that the catalogue names as times) make no difference;
// nor do datacontenttype, traceparent and tracestate. Other extensions count in
// their canonical text, so that a header and a member say the same.
//
// It says nothing of use about an event that was read back after an erasure.
func (e *Event) Content() []byte {
	return e.AppendContent(make([]byte, 0, 192+len(e.Public)+len(e.Personal)))
}

// AppendContent appends what Content gives to dst.
func (e *Event) AppendContent(dst []byte) []byte {
	p := openPersonal(e.Personal)
	dst = append(dst, `{"data":{`...)
	dst = e.appendData(dst, p.data)
	dst = append(dst, '}')
	if p.schema != nil {
		dst = append(dst, `,"dataschema":`...)
		dst = appendCanonical(dst, p.schema)
	}
	dst = appendExtensions(dst, p.extensions)
	dst = append(dst, `,"id":`...)
	dst = quote(dst, e.ID)
	dst = append(dst, `,"source":`...)
	dst = quote(dst, e.Source)
	dst = append(dst, `,"subject":`...)
	dst = quote(dst, e.Subject)
	dst = append(dst, `,"time":"`...)
	dst = e.Time.append(dst)
	dst = append(dst, `","type":"`...)
	dst = append(dst, e.Type...)
	return append(dst, `"}`...)
}

// A member is one member of an object: its name as a text, its value as JSON.
type member struct{ name, value []byte }

// membersOf appends the members of an object to all.
func membersOf(all []member, object []byte) []member {
	if object == nil {
		return all
	}
	w := walk(object)
	for {
		name, value, ok := w.member()
		if !ok {
			return all
		}
		all = append(all, member{textOf(name), value})
	}
}

// sortMembers sorts by name, as bytes.
func sortMembers(all []member) {
	slices.SortFunc(all, func(a, b member) int { return bytes.Compare(a.name, b.name) })
}

// appendData appends the members of data, public and personal, sorted.
func (e *Event) appendData(dst, personal []byte) []byte {
	var room [16]member
	all := membersOf(membersOf(room[:0], e.Public), personal)
	sortMembers(all)
	r := catalogue.index[e.Type]
	for i, m := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, m.name), ':')
		if _, f := r.field(m.name); f != nil && f.isTime && !isNull(m.value) {
			dst = appendTime(dst, m.value)
			continue
		}
		dst = appendCanonical(dst, m.value)
	}
	return dst
}

// appendTime appends a time of data as the instant that it is.
func appendTime(dst, value []byte) []byte {
	t, err := ParseInstant(string(textOf(value)))
	if err != nil {
		return appendCanonical(dst, value)
	}
	dst = append(dst, '"')
	return append(t.append(dst), '"')
}

// appendExtensions appends the extensions that are compared, if there are any.
func appendExtensions(dst, extensions []byte) []byte {
	if extensions == nil {
		return dst
	}
	all := slices.DeleteFunc(membersOf(nil, extensions), func(m member) bool {
		return string(m.name) == "traceparent" || string(m.name) == "tracestate"
	})
	if len(all) == 0 {
		return dst
	}
	sortMembers(all)
	dst = append(dst, `,"extensions":{`...)
	for i, m := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, m.name), ':')
		dst = quote(dst, extensionText(m.value))
	}
	return append(dst, '}')
}

// extensionText gives CloudEvents' canonical text of an extension.
func extensionText(value []byte) []byte {
	switch {
	case value[0] == '"':
		return textOf(value)
	case isNumber(value):
		d := decimalOf(value)
		return d.appendInteger(nil)
	}
	return value
}

// appendCanonical appends a JSON value with its keys sorted, its numbers written
// in one way, and its texts with no more escapes than are needed.
func appendCanonical(dst, value []byte) []byte {
	switch {
	case value[0] == '"':
		return appendText(dst, value)
	case value[0] == '{':
		return appendObject(dst, value)
	case value[0] == '[':
		return appendArray(dst, value)
	case isNumber(value):
		d := decimalOf(value)
		return d.appendCanonical(dst)
	}
	return append(dst, value...)
}

// appendText appends a JSON string. One that has no escape needs none.
func appendText(dst, s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return append(dst, s...)
	}
	return quote(dst, textOf(s))
}

func appendObject(dst, object []byte) []byte {
	all := membersOf(nil, object)
	sortMembers(all)
	dst = append(dst, '{')
	for i, m := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, m.name), ':')
		dst = appendCanonical(dst, m.value)
	}
	return append(dst, '}')
}

func appendArray(dst, array []byte) []byte {
	dst = append(dst, '[')
	w := walk(array)
	for i := 0; ; i++ {
		value, ok := w.element()
		if !ok {
			return append(dst, ']')
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCanonical(dst, value)
	}
}
