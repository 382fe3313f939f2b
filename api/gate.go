// This file is the gate in front of every operation, as the API answers: what
// package access doesn't let through is a problem.

package api

import (
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
)

// gate lets through who may call the operation. It stands before everything
// else that looks at a request, so that who may not call learns nothing.
func (s *service) gate(ctx huma.Context, next func(huma.Context)) {
	r, _ := request(ctx)
	within, done, err := s.Gate.Admit(r, ctx.Operation().OperationID)
	if err != nil {
		s.writeProblem(ctx, s.problemOf(ctx.Context(), err))
		return
	}
	defer done()
	next(huma.WithContext(ctx, within))
}

// refusalProblem is the answer to a request that isn't let through.
func refusalProblem(r *access.Refusal) *Problem {
	switch r.Kind {
	case access.Unavailable:
		return unavailable(r.Reason)
	case access.Forbidden:
		return newProblem(http.StatusForbidden, r.Reason)
	case access.TooMany:
		p := newProblem(http.StatusTooManyRequests, r.Reason)
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(r.Wait.Seconds())))}}
		return p
	}
	p := newProblem(http.StatusUnauthorized, r.Reason)
	p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	if r.Kind == access.BadKey {
		p.header.Set("Www-Authenticate", `Bearer error="invalid_token"`) // as RFC 6750 has it
	}
	return p
}
