// This file holds the OpenAPI document to what generators make of it: a client in
// Go (oapi-codegen) and one in TypeScript (openapi-typescript and openapi-fetch)
// are generated, compiled strictly, and call every operation that there is.

package interop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const clientsDoc = "../docs/clients.md"

// described is what the clients ask about: a user who has one of everything,
// and events that are refused. A user's id may hold what a path can't.
const described = `{"specversion":"1.0","id":"1","source":"/t","type":"user.registered","subject":"auth0|ana/b","time":"2026-03-01T09:00:00Z","data":{"email":"ana@example.org","custom":{"n":1.5,"list":["a"],"none":true}}}
{"specversion":"1.0","id":"2","source":"/t","type":"subscription.started","subject":"auth0|ana/b","time":"2026-03-01T09:05:00Z","data":{"subscription_id":"s1","offer_id":"monthly","trial_ends_at":"2026-03-08T09:05:00Z","amount":999,"currency":"EUR","interval":"month"}}
{"specversion":"1.0","id":"3","source":"/t","type":"rental.started","subject":"auth0|ana/b","time":"2026-03-02T09:05:00Z","data":{"rental_id":"r1","content_id":"film-7","title":"Seven","expires_at":"2026-03-04T09:05:00Z"}}
{"specversion":"1.0","id":"4","source":"/t","type":"free_copy.granted","subject":"auth0|ana/b","time":"2026-03-02T10:05:00Z","data":{"free_copy_id":"f1","content_id":"film-8","expires_at":"2026-03-04T09:05:00Z"}}
{"specversion":"1.0","id":"5","source":"/t","type":"playback.ended","subject":"auth0|ana/b","time":"2026-03-02T20:10:00.123456Z","data":{"session_id":"p1","content_id":"film-7","title":"Seven","content_length_s":5400.5,"position_s":10,"played":[[0,10]],"play_time_s":12.345}}
{"specversion":"1.0","id":"6","source":"/t","type":"playback.started","subject":"auth0|ana/b","time":"2026-03-02T19:00:00Z","data":{"session_id":"p2","content_id":"live-1"}}
`

const refusedEvent = `{"specversion":"1.0","id":%q,"source":"/t","type":"playback.started","subject":"auth0|ana/b","time":"2026-03-02T19:00:00Z","data":{}}`

// describedService runs a service that has what the clients ask about.
func describedService(t *testing.T) *service {
	t.Helper()
	s := serve(t)
	s.publish(t, described)
	for _, id := range []string{"7", "8"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.target(), strings.NewReader(fmt.Sprintf(refusedEvent, id)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+publisherKey)
		req.Header.Set("Content-Type", "application/cloudevents+json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	await(t, "two events are refused", func() (bool, error) {
		return len(get[struct{ Refused []any }](t, s, "/v1/refused").Refused) == 2, nil
	})
	return s
}

func TestAClientGeneratedForGoReadsEveryRoute(t *testing.T) {
	s := describedService(t)
	dir := nodeDir(t)
	s.generate(t, dir, "-package boxoffice", "-package main")
	generated := filepath.Join(dir, "boxoffice.gen.go")

	// The compiler sees the generated file beside main.go.
	place, err := filepath.Abs("openapi/goclient/client.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: generated}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	write(t, overlayFile, string(overlay))
	flags := []string{"-overlay", overlayFile, "-tags", "generated", "./openapi/goclient"}
	command(t, ".", nil, "go", append([]string{"vet"}, flags...)...)

	between := s.watch(t)
	command(t, ".", nil, "go", append(append([]string{"run"}, flags...), between.url, adminKey)...)
	between.missing(t, dir, "openapi/goclient")
}

func TestAClientGeneratedForTypeScriptReadsEveryRoute(t *testing.T) {
	s := describedService(t)
	dir := nodeDir(t)
	s.generate(t, dir)
	for _, file := range []string{"client.ts", "tsconfig.json"} {
		write(t, filepath.Join(dir, file), read(t, filepath.Join("openapi/tsclient", file)))
	}
	command(t, dir, nil, filepath.Join("node_modules", ".bin", "tsc"), "-p", ".")
	between := s.watch(t)
	command(t, dir, nil, "node", "client.js", between.url, adminKey)
	between.missing(t, dir, "openapi/tsclient/client.ts")
}

// generate generates the clients in a directory, as the docs say, with some of
// their words replaced.
func (s *service) generate(t *testing.T, dir string, replaced ...string) {
	t.Helper()
	generator, err := oapiCodegen()
	if err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer(replaced...).Replace(s.here(snippets(t, clientsDoc, "sh")[0]))
	path := []string{filepath.Dir(generator), filepath.Join(dir, "node_modules", ".bin"), os.Getenv("PATH")}
	command(t, dir, []string{"PATH=" + strings.Join(path, string(os.PathListSeparator))}, "sh", "-ec", script)
}

// A watcher stands between a client and the service and notes what was
// asked and answered well.
type watcher struct {
	url string

	mu    sync.Mutex
	asked map[string]bool // "GET /v1/users/a%2Fb"
}

func (s *service) watch(t *testing.T) *watcher {
	t.Helper()
	w := &watcher{asked: map[string]bool{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.httpAddr})
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.StatusCode/100 == 2 {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.asked[r.Request.Method+" "+r.Request.URL.EscapedPath()] = true
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// missing reports the operations of the document in a directory that weren't called.
func (w *watcher) missing(t *testing.T, dir, client string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "openapi.json"))), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Paths) == 0 {
		t.Fatal("the document has no paths")
	}
	var operations []string
	for path, methods := range doc.Paths {
		for method := range methods {
			operations = append(operations, strings.ToUpper(method)+" "+path)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	called := map[string]bool{}
	for request := range w.asked {
		called[operationOf(request, operations)] = true
	}
	slices.Sort(operations)
	for _, operation := range operations {
		if !called[operation] {
			t.Errorf("%s has no answer of 2xx to %s: add a call of it", client, operation)
		}
	}
}

var pathParameter = regexp.MustCompile(`\\{\w+\\}`)

// operationOf returns the operation, such as "GET /v1/users/{id}", that a request
// means: of several, the one with the fewest parameters.
func operationOf(request string, operations []string) string {
	best := ""
	for _, operation := range operations {
		pattern := pathParameter.ReplaceAllString(regexp.QuoteMeta(operation), "[^/]+")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(request) {
			continue
		}
		if best == "" || strings.Count(operation, "{") < strings.Count(best, "{") {
			best = operation
		}
	}
	return best
}
