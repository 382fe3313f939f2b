// This file finds out whether a body is JSON at all, and where the elements of
// an array begin and end. It is lenient where the judge of events is strict (a
// name twice, text that isn't UTF-8, any depth), so that what is wrong with one
// event of a batch stays with that event.

package api

import (
	"bytes"
	"errors"
)

var (
	errCutOff      = errors.New("the JSON doesn't end")
	errNotJSON     = errors.New("this isn't JSON")
	errNotAnArray  = errors.New("this isn't a JSON array")
	errTooManyElem = errors.New("the array has too many elements")
)

// A jsonScanner goes over a JSON text. It doesn't call itself, so that no depth
// is too much for it.
type jsonScanner struct {
	text []byte
	at   int
	open []byte // the brackets that are open, one byte each
}

// checkValue holds a text to be one JSON value.
func checkValue(text []byte) error {
	s := jsonScanner{text: text}
	if err := s.value(); err != nil {
		return err
	}
	return s.end()
}

// splitArray gives the texts of an array's elements, which share its memory.
func splitArray(text []byte, most int) ([][]byte, error) {
	s := jsonScanner{text: text}
	if c, err := s.next(); err != nil || c != '[' {
		return nil, errors.Join(err, errNotAnArray)
	}
	s.at++
	elements := [][]byte{}
	c, err := s.next()
	for c != ']' && err == nil {
		if len(elements) == most {
			return nil, errTooManyElem
		}
		start := s.at
		if err := s.value(); err != nil {
			return nil, err
		}
		elements = append(elements, text[start:s.at:s.at])
		if c, err = s.separator(']'); c == ',' && err == nil {
			_, err = s.next() // an element has to follow
		}
	}
	if err != nil {
		return nil, err
	}
	s.at++
	return elements, s.end()
}

// separator goes over a comma to what follows it, and stays at the end mark.
func (s *jsonScanner) separator(mark byte) (byte, error) {
	c, err := s.next()
	switch {
	case err != nil:
		return 0, err
	case c == ',':
		s.at++
		return ',', nil
	case c == mark:
		return mark, nil
	}
	return 0, errNotJSON
}

// next goes over white space, and gives the byte that it comes to.
func (s *jsonScanner) next() (byte, error) {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c, nil
		}
	}
	return 0, errCutOff
}

// end holds that nothing but white space is left.
func (s *jsonScanner) end() error {
	if _, err := s.next(); err == nil {
		return errNotJSON
	}
	return nil
}

// value goes over one value, to the byte after it.
func (s *jsonScanner) value() error {
	for {
		whole, err := s.begin()
		for whole && err == nil {
			if len(s.open) == 0 {
				return nil
			}
			whole, err = s.after()
		}
		if err != nil {
			return err
		}
	}
}

// begin goes over a value that has no other in it, which is whole then, or into
// an array or object, to its first value.
func (s *jsonScanner) begin() (whole bool, err error) {
	c, err := s.next()
	if err != nil {
		return false, err
	}
	switch c {
	case '"':
		return true, s.str()
	case '[', '{':
		s.at++
	default:
		return true, s.word()
	}
	first, err := s.next()
	if err != nil {
		return false, err
	}
	if first == c+2 { // ] after [ and } after {
		s.at++
		return true, nil
	}
	s.open = append(s.open, c)
	if c == '{' {
		return false, s.name()
	}
	return false, nil
}

// after goes over what follows a value in an array or object: to the next value
// of it, or past its end, and then it is whole itself.
func (s *jsonScanner) after() (whole bool, err error) {
	inside := s.open[len(s.open)-1]
	c, err := s.separator(inside + 2)
	switch {
	case err != nil:
		return false, err
	case c != ',':
		s.at++
		s.open = s.open[:len(s.open)-1]
		return true, nil
	case inside == '{':
		return false, s.name()
	}
	return false, nil
}

// name goes over a member's name and the colon.
func (s *jsonScanner) name() error {
	if c, err := s.next(); err != nil || c != '"' {
		return orNotJSON(err)
	}
	if err := s.str(); err != nil {
		return err
	}
	if c, err := s.next(); err != nil || c != ':' {
		return orNotJSON(err)
	}
	s.at++
	return nil
}

func orNotJSON(err error) error {
	if err != nil {
		return err
	}
	return errNotJSON
}

// str goes over a string.
func (s *jsonScanner) str() error {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c < ' ':
			return errNotJSON
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return errCutOff
}

// escape goes from a backslash to the last byte of the escape.
func (s *jsonScanner) escape() error {
	s.at++
	if s.at >= len(s.text) {
		return errCutOff
	}
	if s.text[s.at] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), s.text[s.at]) < 0 {
			return errNotJSON
		}
		return nil
	}
	for range 4 {
		s.at++
		if s.at >= len(s.text) {
			return errCutOff
		}
		if c := s.text[s.at]; !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return errNotJSON
		}
	}
	return nil
}

// word goes over a number, true, false or null.
func (s *jsonScanner) word() error {
	rest := s.text[s.at:]
	for _, literal := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(rest, []byte(literal)) {
			s.at += len(literal)
			return nil
		}
		if len(rest) < len(literal) && literal[:len(rest)] == string(rest) {
			return errCutOff
		}
	}
	return s.number()
}

func (s *jsonScanner) number() error {
	s.take('-')
	if !s.take('0') && s.digits() == 0 {
		return s.missing()
	}
	if s.take('.') && s.digits() == 0 {
		return s.missing()
	}
	if s.take('e') || s.take('E') {
		_ = s.take('+') || s.take('-')
		if s.digits() == 0 {
			return s.missing()
		}
	}
	return nil
}

// take goes over a byte where it is the one that comes.
func (s *jsonScanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *jsonScanner) digits() int {
	from := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}

// missing is the error where a digit should come.
func (s *jsonScanner) missing() error {
	if s.at == len(s.text) {
		return errCutOff
	}
	return errNotJSON
}
