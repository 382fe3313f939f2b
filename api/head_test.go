package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// HEAD is answered wherever GET is, as GET is but for the body, and it ends where
// GET would go on as the log grows.
func TestHeadIsAnsweredWhereGetIs(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(exported...)
		server := httptest.NewServer(w.handler)
		defer server.Close()
		type request struct{ path, accept string }
		requests := []request{
			{"/v1/events", "text/event-stream"}, {"/v1/events", "application/x-ndjson"}, {"/v1/users/ana", ""}, {"/v1/users/ana/data", ""},
			{"/v1/exports/users?format=csv", ""}, {"/v1/exports/sessions?format=xlsx", ""}, {"/docs", ""}, {"/nowhere", ""},
		}
		for path, operations := range documented(t) {
			if _, there := operations["get"]; there {
				requests = append(requests, request{examplePath(path), ""})
			}
		}
		for _, r := range requests {
			got := w.over(t, server, http.MethodGet, r.path, r.accept)
			got.Body.Close() // it may go on for ever
			head := w.over(t, server, http.MethodHead, r.path, r.accept)
			if body, err := io.ReadAll(head.Body); err != nil || len(body) > 0 {
				t.Errorf("HEAD %s %s has %d bytes of a body (%v)", r.path, r.accept, len(body), err)
			}
			head.Body.Close()
			if head.StatusCode != got.StatusCode {
				t.Errorf("HEAD %s %s is answered with %d, and GET with %d", r.path, r.accept, head.StatusCode, got.StatusCode)
			}
			for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control"} {
				if head.Header.Get(name) != got.Header.Get(name) {
					t.Errorf("HEAD %s %s has %s %q, and GET %q", r.path, r.accept, name, head.Header.Get(name), got.Header.Get(name))
				}
			}
		}
	})
}

// over asks a server as an admin. The answer's body is to be closed.
func (w *world) over(t *testing.T, server *httptest.Server, method, path, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer admin")
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// What people search for is found however its accents are composed, and whatever
// blanks stand around it.
func TestSearchIgnoresBlanksAndComposition(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(
			happened("2026-06-01T10:00:00Z", "composed", "user.registered", `{"first_name":"Ren\u00e9"}`),
			happened("2026-06-01T10:00:00Z", "decomposed", "user.registered", `{"first_name":"Rene\u0301"}`),
			happened("2026-06-01T10:00:00Z", "plain", "user.registered", `{"first_name":"Rene"}`),
		)
		for q, want := range map[string]string{
			"ren%C3%A9": "composed decomposed", "REN%C3%89": "composed decomposed", "rene%CC%81": "composed decomposed",
			"%20%20ren%C3%A9%C2%A0%09": "composed decomposed", "%20plain%20": "plain", "%20%20": "composed decomposed plain",
		} {
			if got := strings.Join(w.idsOf("/v1/users?q="+q), " "); got != want {
				t.Errorf("q=%s finds %s, want %s", q, got, want)
			}
		}
	})
}
