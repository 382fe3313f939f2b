// This file is the OpenAPI document: what it says about the API as a whole, and
// serving it.

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// securityScheme names the way in which keys are given.
const securityScheme = "key"

const apiDescription = `Events of a streaming platform in, its users, figures and viewing sessions out.

Times are RFC 3339 in UTC; as input any offset is taken. Durations and lengths are seconds. What isn't known is null. Unknown query parameters are refused. An error is application/problem+json (RFC 9457).

Lists come in pages: next_cursor of one page is cursor of the next, with the same filters and sort. The instant that the first page was asked about holds for all pages.`

func newDocument() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:       "boxoffice",
			Version:     "dev", // the document needs one; the paths have theirs
			Description: apiDescription,
		},
		Servers: []*huma.Server{{URL: "/", Description: "This service"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				securityScheme: {Type: "http", Scheme: "bearer", Description: "An API key"},
			},
		},
		Tags: []*huma.Tag{
			{Name: "Publish", Description: "Events in"},
			{Name: "KPIs", Description: "The figures of a calendar month"},
			{Name: "Users", Description: "Who they are and what they have"},
			{Name: "Viewing", Description: "Viewing sessions and contents"},
			{Name: "History", Description: "The log of recorded events, and what was refused"},
			{Name: "Service", Description: "How the service is"},
		},
	}
}

type openAPIOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *service) registerOpenAPI() {
	register(s, operation{
		id: "openapi", method: http.MethodGet, path: "/openapi.json", tag: "Service",
		summary: "This document",
		responses: map[string]*huma.Response{"200": {
			Description: "OpenAPI 3.1 document",
			Content:     map[string]*huma.MediaType{jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
		}},
	}, s.getOpenAPI)
}

func (s *service) getOpenAPI(context.Context, *struct{}) (*openAPIOutput, error) {
	return &openAPIOutput{jsonType, s.document}, nil
}

// renderDocument returns the document as indented JSON.
func renderDocument(doc *huma.OpenAPI) ([]byte, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("render the OpenAPI document: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return nil, fmt.Errorf("render the OpenAPI document: %w", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}
