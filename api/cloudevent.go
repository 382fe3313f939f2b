// This file is how an event is described and shown.

package api

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/domain"
)

// renderedEvent is an event as structured CloudEvents JSON.
type renderedEvent json.RawMessage

// MarshalJSON writes the event as it is.
func (e renderedEvent) MarshalJSON() ([]byte, error) { return e, nil }

// Schema says what every event has.
func (e renderedEvent) Schema(r huma.Registry) *huma.Schema { return schemaOf[CloudEvent](r) }

// CloudEvent is what the OpenAPI document says of an event. Events are
// never read into it: the domain decodes them.
type CloudEvent struct {
	_ struct{} `additionalProperties:"true"`

	SpecVersion     string         `json:"specversion" enum:"1.0"`
	ID              string         `json:"id" minLength:"1" maxLength:"255" doc:"With source the identity of the event: the same pair twice is the same event"`
	Source          string         `json:"source" format:"uri-reference" minLength:"1" maxLength:"255"`
	Type            string         `json:"type" example:"subscription.started"`
	Subject         string         `json:"subject" doc:"The user's id on the platform"`
	Time            string         `json:"time" format:"date-time" doc:"When it happened"`
	DataContentType string         `json:"datacontenttype,omitempty" example:"application/json"`
	DataSchema      string         `json:"dataschema,omitempty" format:"uri"`
	Data            map[string]any `json:"data,omitempty" doc:"As the type says"`
	Sealed          string         `json:"sealed,omitempty" doc:"Only in the history: what is personal, encrypted, in base64"`
}

// TransformSchema describes the schema in the words of CloudEvents.
func (CloudEvent) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A CloudEvent 1.0. Other attributes are extensions."
	return s
}

func exampleEvent(id, subject string) map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("example-%s", id), "source": "/docs", "type": string(domain.UserRegistered),
		"subject": subject, "time": "2026-11-23T12:00:00Z", "data": map[string]any{"email": "ana@example.org"},
	}
}
