// This file finds out in which encoding a text is: by its byte order mark, or
// by whether what isn't ASCII is UTF-8.

package spreadsheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// window is how much of a text, from the first byte on that isn't ASCII, is
// looked at to tell its encoding.
const window = 64 << 10

var utf8Mark = []byte("\xEF\xBB\xBF")

// decoded gives a text in UTF-8. Bytes of a text in UTF-8 that aren't UTF-8 stay
// as they are.
func decoded(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, window)
	start, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, utf8Mark):
		_, err := in.Discard(len(utf8Mark))
		return in, err
	case bytes.HasPrefix(start, []byte("\xFF\xFE\x00\x00")), bytes.HasPrefix(start, []byte("\x00\x00\xFE\xFF")):
		return nil, formatError("the file is in UTF-32: save it as UTF-8")
	case bytes.HasPrefix(start, []byte("\xFF\xFE")), bytes.HasPrefix(start, []byte("\xFE\xFF")):
		return transform.NewReader(in, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder()), nil
	}
	return &sniffer{in: in}, nil
}

// A sniffer gives a text without a mark in UTF-8. Up to the first byte that
// isn't ASCII it is the same in every encoding that comes into question; from
// there on it is UTF-8 where that fits better, and else Windows-1252, of which
// Latin-1 is a part as far as texts go.
type sniffer struct {
	in  *bufio.Reader
	out io.Reader // set once the encoding is known
}

// Read reads the next part of the text.
func (s *sniffer) Read(p []byte) (int, error) {
	if s.out != nil {
		return s.out.Read(p)
	}
	if _, err := s.in.Peek(1); err != nil {
		return 0, err
	}
	ahead, _ := s.in.Peek(s.in.Buffered())
	plain := bytes.IndexFunc(ahead, func(r rune) bool { return r >= utf8.RuneSelf })
	switch {
	case plain < 0:
		return s.in.Read(p)
	case plain > 0:
		return s.in.Read(p[:min(plain, len(p))])
	}
	ahead, err := s.in.Peek(window)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if isUTF8(ahead) {
		s.out = s.in
	} else {
		s.out = transform.NewReader(s.in, charmap.Windows1252.NewDecoder())
	}
	return s.out.Read(p)
}

// isUTF8 says that a part of a text is rather UTF-8 than an encoding of one byte
// a character: of such a text hardly anything happens to be UTF-8, and of one in
// UTF-8 only what is damaged isn't, and what the part cuts off at its end.
func isUTF8(part []byte) bool {
	good, bad := 0, 0
	for len(part) > 0 {
		r, size := utf8.DecodeRune(part)
		switch {
		case r == utf8.RuneError && size == 1:
			if !utf8.FullRune(part) {
				return good >= bad
			}
			bad++
		case size > 1:
			good++
		}
		part = part[size:]
	}
	return good > bad
}
