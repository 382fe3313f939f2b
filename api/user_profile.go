// This file reads what somebody enters about a user: the fields of a profile,
// each held against the rule that it has in an event.

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

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// profileFields are the fields of a profile, but for custom.
var profileFields = []string{"email", "first_name", "last_name", "locale", "country", "platform"}

const customField = "custom"

func isProfileField(name string) bool {
	return name == customField || slices.Contains(profileFields, name)
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

// profileData gives the members as the data of an event, and notes for each what
// breaks a rule.
func (p *paramReader) profileData(members []member) json.RawMessage {
	data := []byte{'{'}
	for _, m := range members {
		if !isProfileField(m.name) {
			p.note(m, "unknown field")
			continue
		}
		if rule := fieldRule(m); rule != "" {
			p.note(m, rule)
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(append(append(append(data, '"'), m.name...), `":`...), m.value...)
	}
	return append(data, '}')
}

// longestShown is the longest value that is repeated to who entered it.
const longestShown = 1024

// note takes note that a member of the body breaks a rule.
func (p *paramReader) note(m member, rule string) {
	name := strings.ToValidUTF8(m.name, "\uFFFD")
	if len(name) > longestShown {
		name = "…"
	}
	var value any
	if len(m.value) <= longestShown {
		value = json.RawMessage(m.value)
	}
	p.add(invalid("body."+name, rule, value))
}

// longAfter is later than any event.
const longAfter domain.Instant = 1 << 60

// fieldRule gives the rule that a field of a profile breaks; empty for none. The
// judge of events is the one who knows.
func fieldRule(m member) string {
	data, err := json.Marshal(map[string]any{m.name: json.RawMessage(m.value)})
	if err != nil {
		return "must be JSON"
	}
	body := append([]byte(`{"specversion":"1.0","id":"1","source":"/","type":"user.updated","subject":"1","time":"2000-01-01T00:00:00Z","data":`), data...)
	_, refusal := domain.Decode(&domain.Message{Body: append(body, '}')}, longAfter)
	if refusal == nil || refusal.Reason == domain.TooLarge { // how large the event may be counts for the whole
		return ""
	}
	return strings.TrimPrefix(refusal.Message, m.name+" ")
}

// saysNothing says that a patch of a profile has no field: neither one of its
// own nor one of custom.
func saysNothing(members []member) bool {
	for _, m := range members {
		if m.name != customField || len(bytes.Trim(m.value, "{} \t\r\n")) > 0 {
			return false
		}
	}
	return true
}
