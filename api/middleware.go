// This file is what every request goes through, whatever it asks for.

package api

import (
	"context"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"boxoffice/access"
)

// jsonSurface is what programs get: nothing of it is a page, and nothing is kept.
var jsonSurface = access.Surface{Policy: "default-src 'none'; frame-ancestors 'none'", Caching: "no-store"}

// handler puts around the routes what every request goes through.
func (s *service) handler() http.Handler {
	return s.observe(s.recoverPanics(s.bound(s.Front.Protect(jsonSurface, keepRawPath(s.router)))))
}

// slowClient is how much longer than the answer takes a client may take to send
// what it sends and to read what it gets.
const slowClient = 60 * time.Second

// bound bounds how long a request may occupy its connection. Operations that
// see to their own deadlines take this one away: see unbound.
func (s *service) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setDeadlines(w, time.Now().Add(s.Timeout+slowClient))
		next.ServeHTTP(w, r)
	})
}

// unbound takes the deadlines away for an operation that has its own.
func unbound(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().Metadata[ownDeadlines] != nil {
		_, w := request(ctx)
		setDeadlines(w, time.Time{})
	}
	next(ctx)
}

func setDeadlines(w http.ResponseWriter, at time.Time) {
	connection := http.NewResponseController(w)
	// Not every writer has a connection: those of tests don't.
	_ = connection.SetReadDeadline(at)
	_ = connection.SetWriteDeadline(at)
}

// keepRawPath makes the router match the path as it came. Else an id with an
// encoded slash would be two segments, and one that only happens to look
// encoded would be decoded twice.
func keepRawPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawPath = r.URL.EscapedPath()
		next.ServeHTTP(w, r)
	})
}

// recoverPanics answers a request whose handling panicked, and logs the stack,
// which no answer shows.
func (s *service) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause) // net/http's own way to break off an answer
			}
			s.Logger.ErrorContext(r.Context(), "a request panicked",
				"route", routeOf(r), "panic", cause, "stack", string(debug.Stack()))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() != 0 {
				panic(http.ErrAbortHandler) // it has begun: break it off, so that nobody takes it for whole
			}
			serveProblem(w, newProblem(http.StatusInternalServerError, "the service failed; its log says why"))
		}()
		next.ServeHTTP(w, r)
	})
}

// observe measures and logs each request by its route. The path is never
// logged, nor the query or the address: they name people.
func (s *service) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		// The router fills in a route context that is there already, and else
		// makes one that isn't seen here.
		routing := chi.NewRouteContext()
		routing.Routes = s.router
		r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, routing))
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			took := time.Since(begun)
			s.metrics.observe(knownMethod(r.Method), routeOf(r), ww.Status(), took)
			s.Logger.InfoContext(r.Context(), "request", "method", knownMethod(r.Method), "route", routeOf(r),
				"status", ww.Status(), "bytes", ww.BytesWritten(), "duration_s", took.Seconds())
		}()
		next.ServeHTTP(ww, r)
	})
}

// routeOf returns the pattern that a request has matched.
func routeOf(r *http.Request) string {
	if routing := chi.RouteContext(r.Context()); routing != nil {
		if pattern := routing.RoutePattern(); pattern != "" {
			return pattern
		}
	}
	return "none"
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace,
}

// knownMethod keeps methods that somebody made up out of metrics and logs.
func knownMethod(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "other"
}

func (s *service) serveNotFound(w http.ResponseWriter, _ *http.Request) {
	serveProblem(w, notFound("there is nothing at this path"))
}

func (s *service) serveMethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range methods {
		if s.router.Match(chi.NewRouteContext(), m, r.URL.RawPath) {
			allowed = append(allowed, m)
			if m == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	p := newProblem(http.StatusMethodNotAllowed, "this path doesn't take the method; it takes "+strings.Join(allowed, ", "))
	p.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
	serveProblem(w, p)
}
