// This file reads bodies: in bounded memory and time, and, where they are one JSON
// object, member by member, with what breaks a rule in them.

package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/accounts"
	"boxoffice/domain"
)

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 60 * time.Second

// A bodyInput is the part of an operation's input that is read by the operation
// itself: its body, which the library would read into a Go type.
type bodyInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request.
func (in *bodyInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
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

// maxUserBody is the largest body about one user: it has to fit into an event.
const maxUserBody = domain.MaxEventBytes

// A member is one member of a JSON object.
type member struct {
	name  string
	value jsontext.Value
}

// readUserBody reads the body of a request about one user as a JSON object of one
// of the media types.
func readUserBody(w http.ResponseWriter, r *http.Request, mediaTypes ...string) ([]member, error) {
	return readObject(w, r, maxUserBody, newProblem(http.StatusRequestEntityTooLarge, "the body is over 256 KiB"), mediaTypes...)
}

// readObject reads a body of at most that many bytes as a JSON object of one of
// the media types; tooLarge is the answer to a larger one.
func readObject(w http.ResponseWriter, r *http.Request, most int64, tooLarge *Problem, mediaTypes ...string) ([]member, error) {
	given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Encoding") != "" || err != nil || !slices.Contains(mediaTypes, given) {
		return nil, newProblem(http.StatusUnsupportedMediaType, "the body must be "+strings.Join(mediaTypes, " or ")+", not compressed")
	}
	body, err := readBodyUpTo(w, r, most, tooLarge)
	if err != nil {
		return nil, err
	}
	return objectMembers(body)
}

// objectMembers takes a body apart that has to be one JSON object.
func objectMembers(body []byte) ([]member, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	start, err := d.ReadToken()
	if err != nil {
		return nil, badJSON(body)
	}
	if start.Kind() != '{' {
		if _, err := jsontext.NewDecoder(bytes.NewBuffer(body)).ReadValue(); err != nil {
			return nil, badJSON(body)
		}
		return nil, invalid("body", "must be a JSON object", nil)
	}
	var members []member
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, badJSON(body)
		}
		m := member{name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, badJSON(body)
		}
		m.value = value.Clone()
		members = append(members, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, badJSON(body)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, badJSON(body)
	}
	return members, nil
}

func badJSON(body []byte) *Problem {
	if len(bytes.TrimSpace(body)) == 0 {
		return newProblem(http.StatusBadRequest, "the body is empty")
	}
	return newProblem(http.StatusBadRequest, "the body isn't JSON: it has to be one object in UTF-8, with no key twice")
}

// longestShown is the longest value that is repeated to who entered it.
const longestShown = 1024

// note takes note that a member of the body breaks a rule.
func (p *paramReader) note(m member, rule string) {
	p.add(invalidField(m.name, rule, m.value))
}

// invalidField is the answer to a field of a body that breaks a rule.
func invalidField(name, rule string, value jsontext.Value) *Problem {
	location := "body"
	switch {
	case len(name) > longestShown:
		location += ".…"
	case name != "":
		location += "." + strings.ToValidUTF8(name, "\uFFFD")
	}
	if value == nil || len(value) > longestShown {
		return invalid(location, rule, nil)
	}
	return invalid(location, rule, json.RawMessage(value))
}

// invalidFields is the answer to what breaks a rule in a body.
func invalidFields(e *accounts.InvalidError) *Problem {
	var p paramReader
	for _, f := range e.Faults {
		p.add(invalidField(f.Field, f.Message, f.Value))
	}
	return p.problem
}

// jsonBody describes a body of one of the media types.
func jsonBody(schema *huma.Schema, mediaTypes ...string) *huma.RequestBody {
	body := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for _, mediaType := range mediaTypes {
		body.Content[mediaType] = &huma.MediaType{Schema: schema}
	}
	return body
}
