// This file reads the envelope of an event in structured mode, where the body
// is the whole event as one JSON object.

package domain

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// readStructured reads a valid JSON object.
func (env *envelope) readStructured(body []byte) {
	w := walk(body)
	for {
		name, value, ok := w.member()
		if !ok {
			return
		}
		switch name := textOf(name); string(name) {
		case "data":
			env.data = value
		case "data_base64":
			env.base64 = !isNull(value)
		default:
			env.take(name, value)
		}
	}
}

// take takes one attribute.
func (env *envelope) take(name, value []byte) {
	if i, known := knownAttribute(string(name)); known {
		env.known[i] = attributeOf(i, value)
		return
	}
	if !validAttributeName(string(name)) {
		env.flaw("an attribute's name must have only a to z and 0 to 9")
		return
	}
	env.extend(string(name), value)
}

// attributeOf returns what a JSON value says as a known attribute; null is as
// absent.
func attributeOf(i int, value []byte) attribute {
	switch {
	case isNull(value):
		return attribute{}
	case value[0] == '"':
		return attribute{given: true, isText: true, text: sharedText(i, textOf(value))}
	}
	return attribute{given: true}
}

// sharedText returns a text as a string, without new memory for those that most
// events have.
func sharedText(i int, text []byte) string {
	switch {
	case i == attrSpecVersion && string(text) == "1.0":
		return "1.0"
	case i == attrContentType && string(text) == "application/json":
		return "application/json"
	case i == attrType:
		if r := catalogue.index[Type(text)]; r != nil {
			return string(r.of)
		}
	}
	return string(text)
}

// maxDepth is how deep arrays and objects may stand in one another, the event's
// own object the first.
const maxDepth = 64

var byteOrderMark = []byte("\ufeff")

// checkJSON says why a text isn't JSON that boxoffice reads, "" where it is.
// depth is how deep arrays and objects may stand in one another in it.
func checkJSON(text []byte, depth int) string {
	if tooDeep(text, depth) {
		return "must not have arrays and objects more than 64 deep in one another, the event's own object the first"
	}
	if jsontext.Value(text).IsValid() {
		return ""
	}
	return explainJSON(text)
}

// explainJSON says why a text that isn't valid isn't. It quotes nothing of it,
// which the decoder's own message does.
func explainJSON(text []byte) string {
	if bytes.HasPrefix(text, byteOrderMark) {
		return "must not begin with a byte order mark"
	}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := d.ReadValue(); errors.Is(err, jsontext.ErrDuplicateName) {
		return "must not have a key twice in one object"
	}
	if isLooseJSON(text) {
		return "must be valid UTF-8 without lone surrogates"
	}
	return "must be JSON"
}

// isLooseJSON says that a text is JSON if keys may stand twice in an object and
// texts need not be valid UTF-8.
func isLooseJSON(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// tooDeep says that arrays and objects stand deeper in one another than most,
// whether or not the text is valid.
func tooDeep(text []byte, most int) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			if depth++; depth > most {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// salvage reads what it can of the envelope of a body that won't be an event:
// too large, or malformed. Whom it is about matters even then, since what is
// kept of it has to go with them. An attribute that stands twice with two
// values says nothing.
func (env *envelope) salvage(body []byte) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := d.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginObject {
		return
	}
	var seen, ambiguous [knownAttributes]bool
	for {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != jsontext.KindString {
			break
		}
		i, known := knownAttribute(name.String())
		value, err := d.ReadValue()
		if err != nil {
			break
		}
		if !known {
			continue
		}
		a := salvaged(value)
		ambiguous[i] = ambiguous[i] || seen[i] && env.known[i] != a
		seen[i] = true
		env.known[i] = a
	}
	for i := range ambiguous {
		if ambiguous[i] {
			env.known[i] = attribute{}
		}
	}
}

// salvaged returns the attribute that a value says, if it is a valid text.
func salvaged(value jsontext.Value) attribute {
	if value.Kind() != jsontext.KindString || !value.IsValid() {
		return attribute{}
	}
	return attribute{given: true, isText: true, text: string(textOf(value))}
}
