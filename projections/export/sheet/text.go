// This file is text as it stands in the XML of a sheet.

package sheet

import (
	"strings"
	"unicode/utf8"
)

// plainText says of each byte whether it stands in XML as it is, whatever it is
// next to.
var plainText = func() (plain [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		plain[c] = strings.IndexByte(`<>&"_`, c) < 0
	}
	plain['\n'] = true
	return plain
}()

// appendText appends a text. What XML has no place for becomes U+FFFD.
func appendText(to []byte, text string) []byte {
	done := 0
	for i := 0; i < len(text); {
		if plainText[text[i]] {
			i++
			continue
		}
		instead, size := escape(text[i:])
		if instead != "" {
			to = append(append(to, text[done:i]...), instead...)
			done = i + size
		}
		i += size
	}
	return append(to, text[done:]...)
}

// escape returns what stands for the character with which a text begins, empty
// where it stands for itself, and how many bytes that character has.
func escape(text string) (instead string, size int) {
	switch text[0] {
	case '<':
		return "&lt;", 1
	case '>':
		return "&gt;", 1
	case '&':
		return "&amp;", 1
	case '"':
		return "&#34;", 1
	case '\t':
		return "&#x9;", 1
	case '\r':
		return "&#xD;", 1
	case '_':
		if isEscaped(text) {
			return "_x005F_", 1
		}
		return "", 1
	}
	r, size := utf8.DecodeRuneInString(text)
	if r < ' ' || r == 0xfffe || r == 0xffff || r == utf8.RuneError && size == 1 {
		return "\ufffd", size
	}
	return "", size
}

// isEscaped says whether a text begins with what a spreadsheet program takes for
// a character: _xHHHH_.
func isEscaped(text string) bool {
	if len(text) < 7 || text[1] != 'x' || text[6] != '_' {
		return false
	}
	for _, c := range []byte(text[2:6]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// keepsBlanks says whether a text has blanks at an end, which a reader would
// drop.
func keepsBlanks(text string) bool {
	const blanks = "\t\n\r "
	return text != "" && (strings.IndexByte(blanks, text[0]) >= 0 || strings.IndexByte(blanks, text[len(text)-1]) >= 0)
}
