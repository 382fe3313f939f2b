// This file splits a batch of events, which CloudEvents has as a JSON array.

package domain

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// errNotABatch says what a batch must be.
var errNotABatch = errors.New("a batch must be a JSON array")

// DecodeBatch splits a JSON array into the texts of its elements, which share
// body's memory. What is wrong with one element only stays with it, for Decode
// to find: a key that stands twice, invalid UTF-8, an element that is no object.
// An error says that the whole isn't a JSON array, and quotes nothing of it.
func DecodeBatch(body []byte) ([][]byte, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != jsontext.KindBeginArray {
		return nil, errNotABatch
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNotABatch
	}
	events := [][]byte{}
	for d.PeekKind() != jsontext.KindEndArray {
		value, err := d.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("%w: it isn't JSON after element %d", errNotABatch, len(events))
		}
		end := int(d.InputOffset())
		events = append(events, body[end-len(value):end:end])
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNotABatch
	}
	if skipSpace(body, int(d.InputOffset())) != len(body) {
		return nil, fmt.Errorf("%w with nothing after it", errNotABatch)
	}
	return events, nil
}
