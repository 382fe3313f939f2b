// This file is how an operation is registered, so that each has a role in the
// table, a deadline, and errors from the one table.

package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"boxoffice/access"
)

// An operation is what an operation says of itself.
type operation struct {
	id          string
	method      string
	path        string
	tag         string
	summary     string
	description string
	// errors are statuses besides those that every operation may answer with.
	errors []int
	// noDeadline says that the operation sees to its own deadlines.
	noDeadline bool
	// responses are described by hand where the library can't see them.
	responses map[string]*huma.Response
}

// register adds an operation. It panics on one that the table of permissions
// doesn't know: an operation without roles is a mistake in the program.
func register[In, Out any](s *service, op operation, handler func(context.Context, *In) (*Out, error)) *huma.Operation {
	roles, ok := access.RolesOf(op.id)
	if !ok {
		panic("api: the operation " + op.id + " has no entry in the table of permissions")
	}
	described := describe(op, roles)
	huma.Register(s.api, described, func(ctx context.Context, in *In) (*Out, error) {
		if !op.noDeadline {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.Timeout)
			defer cancel()
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
	return operationAt(s.api.OpenAPI(), op.method, op.path)
}

// ownDeadlines marks, for middleware, an operation that has noDeadline.
const ownDeadlines = "own deadlines"

func describe(op operation, roles []access.Role) huma.Operation {
	o := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.description, Responses: op.responses,
		Errors: append([]int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable}, op.errors...),
	}
	if op.noDeadline {
		o.Metadata = map[string]any{ownDeadlines: true}
	}
	if len(roles) == 0 {
		// The library leaves an empty list out, which would leave open whether
		// a key is needed.
		o.Extensions = map[string]any{"security": []any{}}
		return o
	}
	o.Security = []map[string][]string{{securityScheme: {}}}
	o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	o.Description = strings.TrimSpace(o.Description + "\n\nRoles: " + roleNames(roles) + ".")
	return o
}

func roleNames(roles []access.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

func operationAt(doc *huma.OpenAPI, method, path string) *huma.Operation {
	item := doc.Paths[path]
	switch method {
	case http.MethodPost:
		return item.Post
	case http.MethodDelete:
		return item.Delete
	case http.MethodPatch:
		return item.Patch
	}
	return item.Get
}

// schemaOf returns the schema of a type, as a reference where it has a name.
func schemaOf[T any](r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	return r.Schema(t, true, t.Name())
}

// request returns what the library's context stands for.
func request(ctx huma.Context) (*http.Request, http.ResponseWriter) { return humachi.Unwrap(ctx) }

func newLibraryAPI(router *chi.Mux) huma.API {
	return humachi.New(router, huma.Config{
		OpenAPI: newDocument(),
		// The second name is that of every type that ends in +json.
		Formats:       map[string]huma.Format{jsonType: {Marshal: writeJSON, Unmarshal: json.Unmarshal}, "json": {Marshal: writeJSON, Unmarshal: json.Unmarshal}},
		DefaultFormat: jsonType,
	})
}

const jsonType = "application/json"

// encodeJSON writes a value as JSON, with no more escapes than JSON needs.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeJSON writes an answer. That the client has gone isn't an error: nobody
// is left to be told. A value that can't be encoded is one, found before the
// first byte is sent.
func writeJSON(w io.Writer, v any) error {
	var text strings.Builder
	if err := encodeJSON(&text, v); err != nil {
		return err
	}
	_, _ = io.WriteString(w, text.String())
	return nil
}
