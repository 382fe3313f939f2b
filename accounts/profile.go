// This file reads what somebody enters about a user: the fields of a profile,
// each held against the rule that it has in an event.

package accounts

import (
	"bytes"
	"encoding/json"
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

// A Field is one field of a profile as somebody has entered it. Null clears it; of
// custom, an object, each key is a field of its own.
type Field struct {
	Name  string
	Value jsontext.Value
}

// A Profile is what is to be made so of a user's profile: fields that keep the
// rules. The zero value says nothing.
type Profile struct {
	data json.RawMessage
	// none says that there is no field, neither of the profile nor of custom.
	none bool
}

// ReadProfile holds fields against the rules. Its error is an [InvalidError].
func ReadProfile(fields []Field) (Profile, error) {
	data := []byte{'{'}
	var faults []Fault
	for _, f := range fields {
		rule := "unknown field"
		if isProfileField(f.Name) {
			rule = fieldRule(f)
		}
		if rule != "" {
			faults = append(faults, Fault{f.Name, rule, f.Value})
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(append(append(append(data, '"'), f.Name...), `":`...), f.Value...)
	}
	if faults != nil {
		return Profile{}, &InvalidError{faults}
	}
	return Profile{data: append(data, '}'), none: sayNothing(fields)}, nil
}

// longAfter is later than any event.
const longAfter domain.Instant = 1 << 60

// fieldRule is the rule that a field of a profile breaks; empty for none. The
// judge of events is the one who knows.
func fieldRule(f Field) string {
	data, err := json.Marshal(map[string]any{f.Name: json.RawMessage(f.Value)})
	if err != nil {
		return "must be JSON"
	}
	body := append([]byte(`{"specversion":"1.0","id":"1","source":"/","type":"user.updated","subject":"1","time":"2000-01-01T00:00:00Z","data":`), data...)
	_, refusal := domain.Decode(&domain.Message{Body: append(body, '}')}, longAfter)
	if refusal == nil || refusal.Reason == domain.TooLarge { // how large the event may be counts for the whole
		return ""
	}
	return strings.TrimPrefix(refusal.Message, f.Name+" ")
}

// sayNothing says that there is no field: neither one of the profile's own nor
// one of custom.
func sayNothing(fields []Field) bool {
	for _, f := range fields {
		if f.Name != customField || len(bytes.Trim(f.Value, "{} \t\r\n")) > 0 {
			return false
		}
	}
	return true
}
