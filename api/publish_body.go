// This file takes a request to publish apart: which of CloudEvents' three modes
// it is in, and which events it holds.

package api

import (
	"bytes"
	"errors"
	"net/http"

	"boxoffice/domain"
	"boxoffice/wire"
)

// readMessages returns the events of a request, not yet judged.
func readMessages(w http.ResponseWriter, r *http.Request) ([]*domain.Message, error) {
	mode, err := wire.ModeOf(r.Header)
	if err != nil {
		return nil, newProblem(http.StatusUnsupportedMediaType, err.Error())
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	switch mode {
	case wire.Structured:
		return structuredMessage(body)
	case wire.Batch:
		return batchMessages(body)
	}
	return []*domain.Message{wire.BinaryRequest(r.Header, body)}, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return readBodyUpTo(w, r, wire.MaxRequestBytes, tooLargeBody())
}

func tooLargeBody() *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, "the body is over 16 MiB")
}

var byteOrderMark = []byte("\ufeff")

// structuredMessage takes the body as one event. What isn't JSON at all isn't
// an event, and what isn't one isn't kept; other mistakes, a byte order mark among
// them, are for the judge.
func structuredMessage(body []byte) ([]*domain.Message, error) {
	if err := checkValue(bytes.TrimPrefix(body, byteOrderMark)); err != nil {
		return nil, unreadable(body, err)
	}
	return []*domain.Message{{Body: body}}, nil
}

// batchMessages takes the body as a JSON array of events.
func batchMessages(body []byte) ([]*domain.Message, error) {
	elements, err := splitArray(body, wire.MaxBatchEvents)
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
	case bytes.HasPrefix(body, byteOrderMark):
		return newProblem(http.StatusBadRequest, "the body begins with a byte order mark")
	case errors.Is(err, errTooManyElem):
		return newProblem(http.StatusRequestEntityTooLarge, "the batch has more than 10,000 events")
	case errors.Is(err, errNotAnArray):
		return newProblem(http.StatusBadRequest, "the body of a batch must be a JSON array of events")
	case errors.Is(err, errCutOff):
		return newProblem(http.StatusBadRequest, "the body is cut off: its JSON doesn't end")
	}
	return newProblem(http.StatusBadRequest, "the body isn't JSON")
}
