// This file reads the envelope of an event in binary mode, where each attribute
// is a header and the body is data.

package domain

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// readBinary reads the headers. It returns the rule by which the event is
// malformed, "" for none.
func (env *envelope) readBinary(attributes []Attribute) string {
	malformed := ""
	names := make([]string, 0, len(attributes))
	for _, a := range attributes {
		name := strings.ToLower(a.Name)
		value, ok := headerText(a.Value)
		switch i, known := knownAttribute(name); {
		case !utf8.ValidString(value) || !utf8.ValidString(name):
			malformed = "the headers must be valid UTF-8"
		case i == attrContentType && known:
			env.takeContentType(value)
			continue // Content-Type and ce-datacontenttype may both be there
		case !known && (!validAttributeName(name) || name == "data"):
			env.flaw("an attribute's name must have only a to z and 0 to 9, and not be data")
		case !ok:
			env.flaw(attributeLabel(name) + " must be percent-encoded")
		case known:
			env.known[i] = attribute{given: true, isText: true, text: strings.Clone(value)}
		default:
			env.extend(name, quote(nil, value))
		}
		names = append(names, name)
	}
	env.checkRepeated(names)
	return malformed
}

// takeContentType keeps the one of several that breaks the rule.
func (env *envelope) takeContentType(value string) {
	a := &env.known[attrContentType]
	if !a.given || checkContentType(a.text) == nil {
		*a = attribute{given: true, isText: true, text: value}
	}
}

// checkRepeated notes that a header stands twice: which of the two counts isn't
// for boxoffice to choose. A known attribute is taken as not given, so that the
// event isn't kept as being about one user when it says two.
func (env *envelope) checkRepeated(names []string) {
	slices.Sort(names)
	for n := 1; n < len(names); n++ {
		if names[n] != names[n-1] {
			continue
		}
		env.flaw(attributeLabel(names[n]) + " must not be given twice")
		if i, known := knownAttribute(names[n]); known {
			env.known[i] = attribute{}
		}
	}
}

// headerText returns what a header's value says: CloudEvents has quoted strings
// unescaped and then one round of percent-decoding. ok is false, and the text is
// as it came, where a percent sign has no two hexadecimal digits after it.
func headerText(value string) (text string, ok bool) {
	unquoted := unquoteHeader(value)
	if strings.IndexByte(unquoted, '%') < 0 {
		return unquoted, true
	}
	decoded := make([]byte, 0, len(unquoted))
	for i := 0; i < len(unquoted); i++ {
		c := unquoted[i]
		if c == '%' {
			if i+2 >= len(unquoted) || !isHex(unquoted[i+1]) || !isHex(unquoted[i+2]) {
				return value, false
			}
			c = hexDigit(unquoted[i+1])<<4 | hexDigit(unquoted[i+2])
			i += 2
		}
		decoded = append(decoded, c)
	}
	return string(decoded), true
}

// unquoteHeader takes the quotes from a value that is one quoted string of
// RFC 9110, section 5.6.4.
func unquoteHeader(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	inner := value[1 : len(value)-1]
	text := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		switch {
		case inner[i] == '"':
			return value // it ended before: not one quoted string
		case inner[i] == '\\' && i+1 == len(inner):
			return value // the last quote is escaped
		case inner[i] == '\\':
			i++
		}
		text = append(text, inner[i])
	}
	return string(text)
}

func hexDigit(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
