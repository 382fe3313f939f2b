// This file decodes a text: by its byte order mark, by the encoding that is named,
// or by whether what isn't ASCII is UTF-8.

package spreadsheet

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// window is how much of a text, from the first byte on that isn't ASCII, is
// looked at to tell its encoding.
const window = 64 << 10

var utf8Mark = []byte("\xEF\xBB\xBF")

// KnownCharset says whether a text can be read in the encoding of that name.
func KnownCharset(name string) bool { return encodingOf(name) != nil }

// encodingOf is the encoding of a name that the WHATWG has for it; nil for none.
func encodingOf(name string) encoding.Encoding {
	e, err := htmlindex.Get(name)
	if err != nil || e == encoding.Replacement {
		return nil
	}
	return e
}

// A decodedText is a text in UTF-8. Bytes of one that was in UTF-8 before stay as
// they are where they aren't.
type decodedText struct {
	io.Reader
	// foreign says that it was in an encoding that has no U+FFFD: one in the text
	// stands for bytes that mean nothing in it.
	foreign bool
}

// decoded decodes a text: from the encoding of its byte order mark, or else the one
// that is named, or else the one that it seems to be in.
func decoded(r io.Reader, charset string) (decodedText, error) {
	in := bufio.NewReaderSize(r, window)
	start, err := in.Peek(kindBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return decodedText{}, err
	}
	switch {
	case bytes.HasPrefix(start, utf8Mark):
		_, err := in.Discard(len(utf8Mark))
		return decodedText{Reader: in}, cmp.Or(err, otherKind(start[len(utf8Mark):]))
	case bytes.HasPrefix(start, []byte("\xFF\xFE\x00\x00")), bytes.HasPrefix(start, []byte("\x00\x00\xFE\xFF")):
		return decodedText{}, formatError("the file is in UTF-32: save it as UTF-8")
	case bytes.HasPrefix(start, []byte("\xFF\xFE")), bytes.HasPrefix(start, []byte("\xFE\xFF")):
		return decodedText{Reader: transform.NewReader(in, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder())}, nil
	}
	if err := otherKind(start); err != nil {
		return decodedText{}, err
	}
	if charset == "" {
		if isUTF16(start) {
			return decodedText{}, formatError("the file is in UTF-16 without a byte order mark: save it as UTF-8, or name its charset")
		}
		return decodedText{Reader: &sniffer{in: in}}, nil
	}
	e := encodingOf(charset)
	switch e {
	case nil:
		return decodedText{}, formatError("the charset that was given isn't known: use one of the WHATWG's, as UTF-8")
	case unicode.UTF8:
		return decodedText{Reader: in}, nil
	}
	name, err := htmlindex.Name(e)
	return decodedText{transform.NewReader(in, e.NewDecoder()), !strings.HasPrefix(name, "utf-16")}, err
}

// isUTF16 says that a text begins as one in UTF-16 does, most likely: every other
// byte is zero.
func isUTF16(start []byte) bool {
	var zeros [2]int
	for i, b := range start {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(start) / 2
	return half > 0 && (zeros[0] == 0 && zeros[1] > half/2 || zeros[1] == 0 && zeros[0] > half/2)
}

// A sniffer converts a text without a mark to UTF-8. Up to the first byte that
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
				return good > 0 && good >= bad // alone it is the file's last byte, and no letter of UTF-8
			}
			bad++
		case size > 1:
			good++
		}
		part = part[size:]
	}
	return good > bad
}
