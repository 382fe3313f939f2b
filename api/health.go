// This file says how the service is: whether it runs, and whether each of its
// parts does its work.

package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// checkTimeout is how long one part has to tell its state.
const checkTimeout = 5 * time.Second

type healthOutput struct{ Body health }

// A health says that the process runs.
type health struct {
	Status string `json:"status" enum:"ok"`
}

type readyOutput struct {
	Status int
	Body   readiness
}

// A readiness is the state of every part.
type readiness struct {
	Status string               `json:"status" enum:"ready,not_ready"`
	Parts  map[string]partState `json:"parts"`
}

// A partState is the state of one part.
type partState struct {
	Status string         `json:"status" enum:"ready,not_ready"`
	Detail *string        `json:"detail" doc:"What is wrong, or worth knowing"`
	Values map[string]any `json:"values" doc:"Figures, such as how far the part is behind"`
}

const (
	ready    = "ready"
	notReady = "not_ready"
)

func (s *service) registerHealth() {
	register(s, operation{
		id: "health", method: http.MethodGet, path: "/healthz", tag: "Service",
		summary: "Whether the process runs",
	}, s.getHealth)
	register(s, operation{
		id: "ready", method: http.MethodGet, path: "/readyz", tag: "Service",
		summary:     "Whether each part does its work",
		description: "503 with the same body where one doesn't.",
	}, s.getReadiness)
	op := operationAt(s.api.OpenAPI(), http.MethodGet, "/readyz")
	op.Responses["503"] = &huma.Response{Description: "A part doesn't do its work", Content: op.Responses["200"].Content}
}

func (s *service) getHealth(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{health{"ok"}}, nil
}

func (s *service) getReadiness(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	status, body := readinessOf(ctx, s.Checks)
	return &readyOutput{status, body}, nil
}

// readinessOf asks the parts, and says what their state is as a whole.
func readinessOf(ctx context.Context, checks []Check) (status int, _ readiness) {
	status = http.StatusOK
	body := readiness{ready, map[string]partState{}}
	for i, result := range RunChecks(ctx, checks) {
		part := partState{Status: ready, Values: result.Values}
		if part.Values == nil {
			part.Values = map[string]any{}
		}
		if result.Detail != "" {
			part.Detail = &result.Detail
		}
		if !result.Ready {
			part.Status = notReady
			status, body.Status = http.StatusServiceUnavailable, notReady
		}
		body.Parts[checks[i].Name] = part
	}
	return status, body
}

// RunChecks asks all parts at once, so that one that hangs holds up none of
// the others.
func RunChecks(ctx context.Context, checks []Check) []CheckResult {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	results := make([]CheckResult, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { results[i] = check.Run(ctx) })
	}
	all.Wait()
	return results
}

// NewHealth answers /healthz and /readyz as the API does, for a process that has
// no API, or none yet: everything else is answered with 503. checks is called
// for each request.
func NewHealth(checks func() []Check) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		serveHealth(w, http.StatusOK, health{"ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status, body := readinessOf(r.Context(), checks())
		serveHealth(w, status, body)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		serveProblem(w, unavailable("the service is starting; /readyz says what it waits for"))
	})
	return mux
}

func serveHealth(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error is that of a client that has gone.
	_ = encodeJSON(w, body)
}
