// This file reads the headers of a request to publish: CloudEvents' binding to
// HTTP. Names of headers are in HTTP's canonical form, as net/http has them.

package wire

import (
	"errors"
	"maps"
	"mime"
	"slices"
	"strings"

	"boxoffice/domain"
)

// The media types of bodies that hold whole events.
const (
	StructuredType = "application/cloudevents+json"
	BatchType      = "application/cloudevents-batch+json"
)

// A Mode is how a request holds its events.
type Mode int

// CloudEvents' content modes.
const (
	// Structured: the body is one event.
	Structured Mode = iota + 1
	// Batch: the body is a JSON array of events.
	Batch
	// Binary: the body is an event's data, and its attributes are in headers.
	Binary
)

// Why the mode of a request can't be told, in words for who sent it.
var (
	ErrEncoded   = errors.New("the body must not be compressed or otherwise encoded")
	ErrCharset   = errors.New("the body must be in UTF-8")
	ErrMediaType = errors.New("the body must be " + StructuredType + " or " + BatchType + ", or data with the event's attributes in ce- headers")
)

// ModeOf is how the request with these headers holds its events. Its errors are
// ErrEncoded, ErrCharset and ErrMediaType.
func ModeOf(header map[string][]string) (Mode, error) {
	if first(header, "Content-Encoding") != "" {
		return 0, ErrEncoded
	}
	given := first(header, "Content-Type")
	mediaType, params, err := mime.ParseMediaType(given)
	if err != nil {
		mediaType = strings.ToLower(strings.TrimSpace(given))
	}
	cloudEvents := strings.HasPrefix(mediaType, "application/cloudevents")
	if charset := params["charset"]; cloudEvents && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return 0, ErrCharset
	}
	switch {
	case mediaType == StructuredType:
		return Structured, nil
	case mediaType == BatchType:
		return Batch, nil
	case !cloudEvents && HasAttributes(header):
		return Binary, nil
	}
	return 0, ErrMediaType
}

// HasAttributes says that a request has an event's attributes in its headers.
func HasAttributes(header map[string][]string) bool { return header["Ce-Specversion"] != nil }

// BinaryRequest is the event of a request in binary mode.
func BinaryRequest(header map[string][]string, body []byte) *domain.Message {
	m := &domain.Message{Binary: true, Body: body}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		attribute, ok := attributeOf(name)
		if !ok {
			continue // the request's own headers are no part of the event
		}
		for _, value := range header[name] {
			m.Attributes = append(m.Attributes, domain.Attribute{Name: attribute, Value: value})
			m.HeaderBytes += headerSize(name, value)
		}
	}
	return m
}
