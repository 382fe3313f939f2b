// This file says when two events with one identity are the same event: their
// content is written in one canonical form, and the same content is the same
// bytes. The log keeps a hash of it, so the form is as lasting as the log.

package domain

import (
	"bytes"
	"slices"
)

// Content returns the canonical form of what makes two events the same: their
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

// AppendContent appends what Content returns to dst.
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

// extensionText returns CloudEvents' canonical text of an extension.
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
	c := canonicalizer{text: value, dst: dst}
	c.value()
	return c.dst
}

// A canonicalizer goes through a value once, however deep it is: to look for the
// end of each object before going into it would take time in proportion to size
// times depth, which a publisher can make large.
type canonicalizer struct {
	text []byte
	at   int
	dst  []byte
}

// value appends the value at which c is, and goes to what follows it.
func (c *canonicalizer) value() {
	start := c.at
	c.at = len(c.text) // unless there is a value
	if start >= len(c.text) {
		return
	}
	switch first := c.text[start]; {
	case first == '{':
		c.object(start + 1)
	case first == '[':
		c.array(start + 1)
	case first == '"':
		c.at = stringEnd(c.text, start)
		c.dst = appendText(c.dst, c.text[start:c.at])
	case wordEnd(c.text, start) > start:
		c.at = wordEnd(c.text, start)
		c.dst = appendWord(c.dst, c.text[start:c.at])
	}
}

// next goes from i to the next element or member, and says whether there is one
// before the array or object ends.
func (c *canonicalizer) next(i int) bool {
	c.at = skipSpace(c.text, i)
	if c.at < len(c.text) && c.text[c.at] == ',' {
		c.at = skipSpace(c.text, c.at+1)
	}
	if c.at >= len(c.text) {
		return false
	}
	if c.text[c.at] == ']' || c.text[c.at] == '}' {
		c.at++
		return false
	}
	return true
}

// array appends an array whose elements begin at i.
func (c *canonicalizer) array(i int) {
	c.dst = append(c.dst, '[')
	for n := 0; c.next(i); n++ {
		if n > 0 {
			c.dst = append(c.dst, ',')
		}
		c.value()
		i = c.at
	}
	c.dst = append(c.dst, ']')
}

// A written member is one that stands in dst already, from from to to.
type written struct {
	name     []byte
	from, to int
}

// object appends an object whose members begin at i. They are written as they
// come, and put in order where they aren't.
func (c *canonicalizer) object(i int) {
	var room [8]written
	all := room[:0]
	c.dst = append(c.dst, '{')
	start := len(c.dst)
	for c.next(i) {
		if len(all) > 0 {
			c.dst = append(c.dst, ',')
		}
		m := written{from: len(c.dst)}
		end := stringEnd(c.text, c.at)
		m.name = textOf(c.text[c.at:end])
		c.dst = append(quote(c.dst, m.name), ':')
		c.at = skipSpace(c.text, skipSpace(c.text, end)+1)
		c.value()
		m.to = len(c.dst)
		all = append(all, m)
		i = c.at
	}
	byName := func(a, b written) int { return bytes.Compare(a.name, b.name) }
	if !slices.IsSortedFunc(all, byName) {
		slices.SortFunc(all, byName)
		c.reorder(start, all)
	}
	c.dst = append(c.dst, '}')
}

// reorder writes the members that stand in dst from start on in the order of all.
func (c *canonicalizer) reorder(start int, all []written) {
	asCame := slices.Clone(c.dst[start:])
	c.dst = c.dst[:start]
	for n, m := range all {
		if n > 0 {
			c.dst = append(c.dst, ',')
		}
		c.dst = append(c.dst, asCame[m.from-start:m.to-start]...)
	}
}

// appendText appends a JSON string. One that has no escape needs none.
func appendText(dst, s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return append(dst, s...)
	}
	return quote(dst, textOf(s))
}

// appendWord appends a number in the one way of writing it, and true, false and
// null as they are.
func appendWord(dst, word []byte) []byte {
	if !isNumber(word) {
		return append(dst, word...)
	}
	d := decimalOf(word)
	return d.appendCanonical(dst)
}
