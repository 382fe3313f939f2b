// This file finds out whether a body is JSON at all, and where the elements of
// an array begin and end. It is lenient where the judge of events is strict (a
// name twice, text that isn't UTF-8, any depth), so that what is wrong with one
// event of a batch stays with that event.

package api

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errCutOff      = errors.New("the JSON doesn't end")
	errNotJSON     = errors.New("this isn't JSON")
	errNotAnArray  = errors.New("this isn't a JSON array")
	errTooManyElem = errors.New("the array has too many elements")
)

// checkValue holds a text to be one JSON value.
func checkValue(text []byte) error {
	err := readValue(text)
	if flat := flattened(text); err != nil && flat != nil {
		err = readValue(flat)
	}
	return err
}

func readValue(text []byte) error {
	d := lenientDecoder(text)
	if _, err := d.ReadValue(); err != nil {
		return whatIsWrong(err)
	}
	return readEnd(d)
}

// splitArray returns the texts of an array's elements, which share its memory.
func splitArray(text []byte, most int) ([][]byte, error) {
	elements, err := readElements(text, text, most)
	if flat := flattened(text); err != nil && flat != nil {
		elements, err = readElements(flat, text, most)
	}
	return elements, err
}

// readElements finds where in a text the elements are, and takes them from
// another of the same length.
func readElements(text, from []byte, most int) ([][]byte, error) {
	d := lenientDecoder(text)
	if d.PeekKind() != '[' {
		return nil, errNotAnArray
	}
	_, _ = d.ReadToken() // the bracket that is there
	elements := [][]byte{}
	for d.PeekKind() != ']' {
		if len(elements) == most && d.PeekKind() != jsontext.KindInvalid {
			return nil, errTooManyElem
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, whatIsWrong(err)
		}
		end := int(d.InputOffset())
		elements = append(elements, from[end-len(value):end:end])
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, whatIsWrong(err)
	}
	return elements, readEnd(d)
}

// lenientDecoder reads a text in place.
func lenientDecoder(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// readEnd holds that nothing but white space is left.
func readEnd(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != io.EOF {
		return errNotJSON
	}
	return nil
}

// whatIsWrong says of the library's error whether more of the text might mend it.
func whatIsWrong(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return errNotJSON
}

// libraryDepth is how deep arrays and objects may stand in one another for the
// library to read them.
const libraryDepth = 10_000

// flattened returns a copy of a text that is too deep for the library, without
// what is in the deepest arrays and objects that it reads: blanks are in its
// place. Whatever it is, the judge of events refuses an event for such a depth.
// It returns nil where the text isn't too deep.
func flattened(text []byte) []byte {
	var flat []byte
	depth, tooDeep, quoted, escaped := 0, false, false, false
	for i, c := range text {
		within := depth >= libraryDepth
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = quoted
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[', c == '{':
			depth++
		case c == ']', c == '}':
			depth--
		}
		if within && depth >= libraryDepth {
			if flat == nil {
				flat = bytes.Clone(text)
			}
			flat[i] = ' '
		}
		tooDeep = tooDeep || depth > libraryDepth
	}
	if !tooDeep {
		return nil
	}
	return flat
}
