// This file reads the events of the examples in testdata/fold.

package domain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"boxoffice/domain"
)

// exampleEvents reads the events of an example, one a line:
//
//	TIME USER TYPE field=value field="a text" …
//
// A time may be a date alone. A value is a number where the field is one or an id looks like one, else
// a text; null is null; played=0-10,20-30 or played=-5..10 are ranges; custom.KEY=JSON is a key
// of custom. source and id are those of the envelope, and have defaults; what
// event.retracted names is data.source and data.id. Every event goes through
// Decode as a publisher's would.
func exampleEvents(t *testing.T, c domain.Calendar, text string) []*domain.Event {
	t.Helper()
	var events []*domain.Event
	for n, line := range strings.Split(text, "\n") {
		words := exampleWords(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 3 {
			t.Fatalf("%q is no event", line)
		}
		envelope := map[string]any{
			"specversion": "1.0",
			"id":          fmt.Sprintf("%03d", n+1),
			"source":      "/platform",
			"time":        exampleInstant(t, c, words[0]).String(),
			"subject":     words[1],
			"type":        words[2],
		}
		data := make(map[string]any)
		for _, word := range words[3:] {
			name, value, ok := strings.Cut(word, "=")
			if !ok {
				t.Fatalf("%q in %q is no field", word, line)
			}
			switch {
			case name == "id" || name == "source":
				envelope[name] = value
			case strings.HasPrefix(name, "data."):
				data[strings.TrimPrefix(name, "data.")] = value
			case strings.HasPrefix(name, "custom."):
				custom, _ := data["custom"].(map[string]any)
				if custom == nil {
					custom = make(map[string]any)
				}
				custom[strings.TrimPrefix(name, "custom.")] = json.RawMessage(value)
				data["custom"] = custom
			default:
				data[name] = exampleValue(t, c, name, value)
			}
		}
		envelope["data"] = data
		events = append(events, decodeExample(t, line, envelope))
	}
	return events
}

func decodeExample(t *testing.T, line string, envelope map[string]any) *domain.Event {
	t.Helper()
	body, err := json.Marshal(envelope)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	event, refusal := domain.Decode(&domain.Message{Body: body}, at(t, "2100-01-01T00:00:00Z"))
	if refusal != nil {
		t.Fatalf("%q: %v", line, refusal)
	}
	return event
}

func exampleValue(t *testing.T, c domain.Calendar, name, value string) any {
	t.Helper()
	switch {
	case value == "null":
		return nil
	case name == "played":
		var ranges [][2]json.Number
		for r := range strings.SplitSeq(value, ",") {
			from, to, negative := strings.Cut(r, "..")
			if !negative {
				from, to, _ = strings.Cut(r, "-")
			}
			ranges = append(ranges, [2]json.Number{json.Number(from), json.Number(to)})
		}
		return ranges
	case name == "amount" || name == "interval_count" || strings.HasSuffix(name, "_s") || strings.HasSuffix(name, "_id") && strings.Trim(value, "-.e0123456789") == "":
		return json.Number(value)
	case strings.HasSuffix(name, "_at"):
		return exampleInstant(t, c, value).String()
	}
	return strings.Trim(value, `"`)
}

func exampleInstant(t *testing.T, c domain.Calendar, s string) domain.Instant {
	t.Helper()
	i, err := c.ParseDateOrInstant(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return i
}

// exampleWords divides a line at its spaces, except those between quotes.
func exampleWords(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// An exampleUser is what the events of one user make.
type exampleUser struct {
	facts    *domain.UserFacts
	sessions map[[2]string]*domain.SessionFacts // by session and content
}

// retractionsOf returns what the events retract, by user.
func retractionsOf(events []*domain.Event) map[string]domain.Retractions {
	all := make(map[string]domain.Retractions)
	for _, e := range events {
		if all[e.Subject] == nil {
			all[e.Subject] = make(domain.Retractions)
		}
		if e.Retraction != nil {
			all[e.Subject].Retract(*e.Retraction)
		}
	}
	return all
}

// exampleUsers folds the events in the order given, without those that are
// retracted.
func exampleUsers(events []*domain.Event) map[string]*exampleUser {
	users := make(map[string]*exampleUser)
	retracted := retractionsOf(events)
	for _, e := range events {
		u := users[e.Subject]
		if u == nil {
			u = &exampleUser{facts: new(domain.UserFacts), sessions: make(map[[2]string]*domain.SessionFacts)}
			users[e.Subject] = u
		}
		if !retracted[e.Subject].Counts(e) {
			continue
		}
		u.facts.Add(e)
		if p := e.Playback; p != nil {
			key := [2]string{p.SessionID, p.ContentID}
			if u.sessions[key] == nil {
				u.sessions[key] = new(domain.SessionFacts)
			}
			u.sessions[key].Add(e)
		}
	}
	return users
}
