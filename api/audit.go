// This file has what concerns people recorded in the trail. Which operations
// that are, and what is written before and after them, is package access's;
// operations say whom they were about with access.About. Reading the trail is in
// trail.go.

package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"

	"boxoffice/access"
)

// audit makes the audit entry of a request.
func (s *service) audit(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	call := access.Call{Operation: op.OperationID, Method: op.Method, Parameters: parameterNames(ctx)}
	if strings.HasPrefix(op.Path, "/v1/users/{id}") {
		call.UserIDs = []string{ctx.Param("id")}
	}
	audit := access.Audit{Trail: s.Trail, Clock: s.Clock, Logger: s.Logger}
	within, end, err := audit.Begin(ctx.Context(), call)
	if err != nil {
		s.writeProblem(ctx, s.problemOf(ctx.Context(), err))
		return
	}
	defer func() { end(statusOf(ctx)) }()
	next(huma.WithContext(ctx, within))
}

// statusOf returns the status of an answer; 0 where there was none.
func statusOf(ctx huma.Context) int {
	_, w := request(ctx)
	if ww, ok := w.(middleware.WrapResponseWriter); ok && ctx.Status() == 0 {
		return ww.Status() // what a stream wrote, which needn't say
	}
	return ctx.Status()
}

// parameterNames returns the names of what was given, sorted. strictQuery has
// seen that the operation knows them.
func parameterNames(ctx huma.Context) []string {
	u := ctx.URL()
	return slices.Sorted(maps.Keys(u.Query()))
}
