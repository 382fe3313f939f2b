// This file is about errors: the form in which they are answered (RFC 9457),
// and the one table from what went wrong to a status.

package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/accounts/spreadsheet"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// A Problem is the answer to a request that failed.
type Problem struct {
	Type   string          `json:"type" format:"uri-reference" doc:"Kind of problem; about:blank where the status says it all"`
	Title  string          `json:"title" doc:"The status in words"`
	Status int             `json:"status" doc:"HTTP status"`
	Detail string          `json:"detail" doc:"What went wrong this time"`
	Errors []ProblemDetail `json:"errors,omitempty" doc:"For bad input: each thing that breaks a rule"`

	header http.Header
}

// A ProblemDetail is one thing that breaks a rule.
type ProblemDetail struct {
	Location string `json:"location" doc:"Where: query.limit, path.month, body[3]"`
	Message  string `json:"message" doc:"Which rule is broken"`
	Value    any    `json:"value" doc:"What was there; null where that can't be told"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that the answer carries besides.
func (p *Problem) GetHeaders() http.Header { return p.header }

// adding returns the problem with a sentence more in its detail.
func (p *Problem) adding(sentence string) *Problem {
	told := *p
	told.Detail += ". " + sentence
	return &told
}

// ContentType is that of RFC 9457, whatever was negotiated.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

func newProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// invalid is the answer to input that breaks a rule: a parameter or a field.
func invalid(location, message string, value any) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, location+": "+message)
	p.Errors = []ProblemDetail{{location, message, value}}
	return p
}

func unavailable(detail string) *Problem {
	p := newProblem(http.StatusServiceUnavailable, detail)
	p.header = http.Header{"Retry-After": {"5"}}
	return p
}

func noUser() *Problem { return notFound("there is no user of this id") }

func invalidCursor() *Problem {
	return invalid("query.cursor", "must be the next_cursor of a page of this list with the same filters and sort", nil)
}

func notFound(detail string) *Problem { return newProblem(http.StatusNotFound, detail) }

// problemOf is the table from an error to its answer. What isn't foreseen is
// logged, and answered without its text, which may name a query or a path.
func (s *service) problemOf(ctx context.Context, err error) *Problem {
	p := s.accountsProblem(ctx, err)
	var refusal *access.Refusal
	switch {
	case p != nil, errors.As(err, &p):
		return p
	case errors.As(err, &refusal):
		return refusalProblem(refusal)
	case errors.Is(err, projections.ErrNoUser), errors.Is(err, eventstore.ErrUserGone), errors.Is(err, accounts.ErrNoUser):
		return noUser()
	case errors.Is(err, projections.ErrCursor):
		return invalidCursor()
	case errors.Is(err, projections.ErrNotBuilt):
		return unavailable("the read models are not built yet; try again")
	case errors.Is(err, projections.ErrNewerModels):
		return unavailable("the read models are those of a newer version of the program")
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return newProblem(statusClientGone, "the client has gone")
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("this took too long; try again")
	case projections.Unavailable(err):
		s.Logger.ErrorContext(ctx, "a part of the service can't be reached", "error", err)
		return unavailable("the service can't reach its database or broker at the moment; try again")
	default:
		s.Logger.ErrorContext(ctx, "request failed", "error", err)
		return newProblem(http.StatusInternalServerError, "the service failed; its log says why")
	}
}

// accountsProblem is the part of the table for what is done to people; nil for
// other errors.
func (s *service) accountsProblem(ctx context.Context, err error) *Problem {
	if stopped, ok := errors.AsType[*accounts.StoppedError](err); ok {
		return s.problemOf(ctx, stopped.Err).adding(stopped.Sentence())
	}
	if invalid, ok := errors.AsType[*accounts.InvalidError](err); ok {
		return invalidFields(invalid)
	}
	if u, ok := errors.AsType[*accounts.UnavailableError](err); ok {
		return unavailable(u.Reason)
	}
	if c, ok := errors.AsType[*accounts.ConflictError](err); ok {
		return newProblem(http.StatusConflict, c.Reason)
	}
	if format, ok := errors.AsType[*spreadsheet.FormatError](err); ok {
		return newProblem(http.StatusBadRequest, format.Error())
	}
	if _, ok := errors.AsType[bodyError](err); ok {
		return newProblem(http.StatusBadRequest, "the body can't be read to its end: it breaks off, or took too long. "+
			"Rows before may be imported; importing the whole file leaves these alone")
	}
	switch {
	case errors.Is(err, accounts.ErrTaken):
		p := newProblem(http.StatusConflict, accounts.ErrTaken.Error())
		p.Errors = []ProblemDetail{{"body.id", "must be new", nil}}
		return p
	case errors.Is(err, accounts.ErrTooLarge), errors.Is(err, accounts.ErrFileTooLarge), errors.Is(err, accounts.ErrTooManyRows):
		return newProblem(http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, accounts.ErrNoRefused):
		return notFound(err.Error())
	case errors.Is(err, accounts.ErrImportRunning):
		return unavailable(err.Error())
	}
	return nil
}

// statusClientGone is logged where nobody is left to read the answer.
const statusClientGone = 499

// The library makes its own errors, for parameters that it has found wrong,
// through these hooks, which are variables of its package. They are set before
// anything else runs and never again.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return problemFromLibrary(status, message, errs)
	}
	huma.DefaultArrayNullable = false // lists are empty, never null
}

func problemFromLibrary(status int, message string, errs []error) *Problem {
	p := newProblem(status, message)
	if status >= http.StatusInternalServerError {
		p.Detail = "the service failed; its log says why"
		return p
	}
	var details []string
	for _, err := range errs {
		if inner, ok := errors.AsType[*Problem](err); ok {
			p.Errors = append(p.Errors, inner.Errors...)
			details = append(details, inner.Detail)
			continue
		}
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			p.Errors = append(p.Errors, ProblemDetail{d.Location, d.Message, d.Value})
			details = append(details, d.Location+": "+d.Message)
		}
	}
	if len(details) > 0 {
		p.Detail = strings.Join(details, "; ")
	}
	return p
}

// writeProblem answers with a problem from outside an operation's handler.
func (s *service) writeProblem(ctx huma.Context, p *Problem) {
	for name, values := range p.header {
		for _, v := range values {
			ctx.SetHeader(name, v)
		}
	}
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = encodeJSON(ctx.BodyWriter(), p)
}

// serveProblem answers with a problem where no operation was matched.
func serveProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = encodeJSON(w, p)
}
