// This file takes a request to publish apart: which of CloudEvents' three modes
// it is in, and which events it holds.

package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"boxoffice/domain"
)

const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"

	contentTypeHeader    = "content-type"
	contentTypeAttribute = "datacontenttype"
	attributePrefix      = "ce-"

	// maxBodyBytes is the largest that a request may be.
	maxBodyBytes = 16 << 20
	// maxBatchEvents is how many events a batch has at most.
	maxBatchEvents = 10_000
	// bodyTimeout is how long a client may take to send a body.
	bodyTimeout = 60 * time.Second
)

// readMessages gives the events of a request, not yet judged.
func readMessages(w http.ResponseWriter, r *http.Request) ([]*domain.Message, error) {
	mode, err := contentMode(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return mode(r, body)
}

// contentMode finds out how a request holds its events.
func contentMode(r *http.Request) (func(*http.Request, []byte) ([]*domain.Message, error), error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, newProblem(http.StatusUnsupportedMediaType, "the body must not be compressed or otherwise encoded")
	}
	given := r.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(given)
	if err != nil {
		mediaType = strings.ToLower(strings.TrimSpace(given))
	}
	if charset := params["charset"]; strings.HasPrefix(mediaType, "application/cloudevents") && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, newProblem(http.StatusUnsupportedMediaType, "the body must be in UTF-8")
	}
	switch {
	case mediaType == structuredType:
		return structuredMessage, nil
	case mediaType == batchType:
		return batchMessages, nil
	case !strings.HasPrefix(mediaType, "application/cloudevents") && r.Header["Ce-Specversion"] != nil:
		return binaryMessage, nil
	}
	return nil, newProblem(http.StatusUnsupportedMediaType,
		"the body must be "+structuredType+" or "+batchType+", or data with the event's attributes in ce- headers")
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return readBodyUpTo(w, r, maxBodyBytes, tooLargeBody())
}

// readBodyUpTo reads a body of at most that many bytes; tooLarge is the answer to
// a larger one.
func readBodyUpTo(w http.ResponseWriter, r *http.Request, most int64, tooLarge *Problem) ([]byte, error) {
	if r.ContentLength > most {
		return nil, tooLarge
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }() // else it ends the request while it is answered
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	return nil, newProblem(http.StatusBadRequest, "the body can't be read to its end: it breaks off, or took too long")
}

func tooLargeBody() *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, "the body is over 16 MiB")
}

// structuredMessage takes the body as one event. What isn't JSON at all isn't
// an event, and what isn't one isn't kept; other mistakes are for the judge.
func structuredMessage(_ *http.Request, body []byte) ([]*domain.Message, error) {
	if err := checkValue(body); err != nil {
		return nil, unreadable(body, err)
	}
	return []*domain.Message{{Body: body}}, nil
}

// batchMessages takes the body as a JSON array of events.
func batchMessages(_ *http.Request, body []byte) ([]*domain.Message, error) {
	elements, err := splitArray(body, maxBatchEvents)
	if err != nil {
		return nil, unreadable(body, err)
	}
	messages := make([]*domain.Message, len(elements))
	for i, element := range elements {
		messages[i] = &domain.Message{Body: element}
	}
	return messages, nil
}

// unreadable is the answer to a body that can't be read as events.
func unreadable(body []byte, err error) *Problem {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return newProblem(http.StatusBadRequest, "the body is empty")
	case errors.Is(err, errTooManyElem):
		return newProblem(http.StatusRequestEntityTooLarge, "the batch has more than 10,000 events")
	case errors.Is(err, errNotAnArray):
		return newProblem(http.StatusBadRequest, "the body of a batch must be a JSON array of events")
	case errors.Is(err, errCutOff):
		return newProblem(http.StatusBadRequest, "the body is cut off: its JSON doesn't end")
	}
	return newProblem(http.StatusBadRequest, "the body isn't JSON")
}

// binaryMessage takes the attributes from the headers, and the body as data.
func binaryMessage(r *http.Request, body []byte) ([]*domain.Message, error) {
	m := &domain.Message{Binary: true, Body: body}
	for _, name := range slices.Sorted(headerNames(r.Header)) {
		lower := strings.ToLower(name)
		attribute, ok := strings.CutPrefix(lower, attributePrefix)
		switch {
		case lower == contentTypeHeader:
			attribute = contentTypeAttribute
		case !ok:
			continue // the request's own headers are no part of the event
		}
		for _, value := range r.Header[name] {
			m.Attributes = append(m.Attributes, domain.Attribute{Name: attribute, Value: value})
			m.HeaderBytes += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return []*domain.Message{m}, nil
}

func headerNames(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}
