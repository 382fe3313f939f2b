// This file walks over JSON texts that are known to be valid: members of an
// object, elements of an array, texts, and copies without white space. Whether
// a text is valid is jsontext's to say, once for each event; walking over it
// afterwards needs no second parser and no memory.
//
// Nothing here panics on a text that isn't valid after all; what comes out is
// of no use then.

package domain

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// A walker goes through the members of an object or the elements of an array.
type walker struct {
	text []byte
	at   int
}

// walk starts at the first member or element of an object or an array.
func walk(text []byte) walker {
	return walker{text: text, at: skipSpace(text, 0) + 1}
}

// member returns the next member of an object: its name as a JSON string, and its
// value. ok is false at the end.
func (w *walker) member() (name, value []byte, ok bool) {
	name, ok = w.element()
	if !ok || name[0] != '"' {
		return nil, nil, false
	}
	w.at++ // the colon: element has skipped the white space before it
	value, ok = w.value()
	return name, value, ok
}

// element returns the next element of an array. ok is false at the end.
func (w *walker) element() (value []byte, ok bool) {
	w.at = skipSpace(w.text, w.at)
	if w.at < len(w.text) && w.text[w.at] == ',' {
		w.at++
	}
	return w.value()
}

// value returns the value that comes next, and goes to what follows it.
func (w *walker) value() ([]byte, bool) {
	start := skipSpace(w.text, w.at)
	end := valueEnd(w.text, start)
	if end == start {
		return nil, false
	}
	w.at = skipSpace(w.text, end)
	return w.text[start:end], true
}

// skipSpace returns the index of the first byte from i on that isn't white space.
func skipSpace(text []byte, i int) int {
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// valueEnd returns the index after the value that starts at i, or i where none
// does.
func valueEnd(text []byte, i int) int {
	if i >= len(text) {
		return i
	}
	switch c := text[i]; c {
	case '"':
		return stringEnd(text, i)
	case '{', '[':
		return nestedEnd(text, i)
	default:
		return wordEnd(text, i)
	}
}

// stringEnd returns the index after the string that starts at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(text)
}

// nestedEnd returns the index after the object or array that starts at i.
func nestedEnd(text []byte, i int) int {
	for depth := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(text)
}

// wordEnd returns the index after the number, true, false or null that starts at i.
func wordEnd(text []byte, i int) int {
	for i < len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E' {
			i++
			continue
		}
		break
	}
	return i
}

// isNumber says that a value is a number.
func isNumber(value []byte) bool {
	return value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

// isNull says that a value is null.
func isNull(value []byte) bool { return value[0] == 'n' }

// textOf returns the text that a JSON string says. It shares the string's memory
// where nothing in it is escaped.
func textOf(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return s[1:max(1, len(s)-1)]
	}
	text, err := jsontext.AppendUnquote(nil, s)
	if err != nil {
		return nil
	}
	return text
}

// quote appends a text as a JSON string, with no more escapes than are needed.
// What isn't valid UTF-8 in it becomes U+FFFD.
func quote[Text ~string | ~[]byte](dst []byte, text Text) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}

// A flaw is what no value of data may have in it, however deep; the text is the
// rule that it breaks.
type flaw string

const (
	flawless   flaw = ""
	nulFlaw    flaw = "must not have U+0000 in a text"
	numberFlaw flaw = "must not have a number with more than 40 characters or an exponent beyond ±30"
)

// compact appends a value without its white space, all else as it came, and
// returns its first flaw.
func compact(dst, value []byte) ([]byte, flaw) {
	found := flawless
	for i := 0; i < len(value); {
		c := value[i]
		end := i + 1
		switch {
		case isSpace(c):
			i++
			continue
		case c == '"':
			end = stringEnd(value, i)
			if found == flawless && hasNUL(value[i:end]) {
				found = nulFlaw
			}
		case c == '-' || '0' <= c && c <= '9':
			end = wordEnd(value, i)
			if found == flawless && !withinLimits(value[i:end]) {
				found = numberFlaw
			}
		}
		dst = append(dst, value[i:end]...)
		i = end
	}
	return dst, found
}

// hasNUL says that a JSON string has U+0000 in it, which can only be as an
// escape.
func hasNUL(s []byte) bool {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return false
		}
		if bytes.HasPrefix(s[i+1:], []byte("u0000")) {
			return true
		}
		s = s[i+2:]
	}
}
