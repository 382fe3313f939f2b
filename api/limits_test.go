// These tests hold that every route is bounded: in how much it takes, in how
// much it gives at once, and in how long it may take; and what every answer
// tells browsers.

package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/wire"
)

// eachOperation calls f with every operation of the document.
func eachOperation(s *service, f func(route string, op *huma.Operation)) {
	for path, item := range s.api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "PUT": item.Put, "DELETE": item.Delete,
		} {
			if op != nil {
				f(method+" "+path, op)
			}
		}
	}
}

// A list gives no more than 1,000 at once, and 50 where nothing is said.
func TestEveryListIsInPages(t *testing.T) {
	lists := 0
	eachOperation(describedService(t), func(route string, op *huma.Operation) {
		for _, p := range op.Parameters {
			if p.Name != "limit" {
				continue
			}
			lists++
			if p.Schema.Maximum == nil || *p.Schema.Maximum != 1000 || p.Schema.Minimum == nil || *p.Schema.Minimum != 1 {
				t.Errorf("%s takes another limit than 1 to 1,000", route)
			}
			// A page of the history has 50 too, and a stream of it no limit.
			if p.Schema.Default != 50 && route != "GET /v1/events" {
				t.Errorf("%s gives %v where nothing is said", route, p.Schema.Default)
			}
		}
	})
	if lists < 6 {
		t.Errorf("%d lists were found, which can't be all", lists)
	}
}

// largest says how large a body a route takes; 1 MiB where it isn't named.
var largest = map[string]int{
	"POST /v1/events":             wire.MaxRequestBytes,
	"POST /v1/refused/{id}/retry": wire.MaxRequestBytes,
	"POST /v1/imports/users":      0, // read row by row, in bounded memory; tested where it is
}

// Whatever takes a body takes no endless one.
func TestEveryBodyIsBounded(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.Log = &countedLog{} })
	bodies := 0
	eachOperation(h.service, func(route string, op *huma.Operation) {
		if op.RequestBody == nil {
			return
		}
		bodies++
		most, named := largest[route]
		if !named {
			most = 1 << 20
		}
		if most == 0 {
			return
		}
		method, path, _ := strings.Cut(route, " ")
		for contentType := range op.RequestBody.Content {
			body := `{"x":"` + strings.Repeat("a", most) + `"}`
			a := h.do(method, examplePath(path), body, header{"Authorization": "Bearer admin", "Content-Type": contentType, "Ce-Specversion": "1.0"})
			if a.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s takes %d bytes of %s: %d %.200s", route, len(body), contentType, a.Code, a.Body)
			}
		}
	})
	if bodies < 2 {
		t.Errorf("%d routes with a body were found, which can't be all", bodies)
	}
}

// Few operations see to their own deadlines, and those are known.
func TestEveryOperationHasADeadline(t *testing.T) {
	own := []string{"publish-events", "list-events", "retry-refused", "export-users", "export-sessions", "get-user-data", "import-users"}
	eachOperation(describedService(t), func(route string, op *huma.Operation) {
		if op.Metadata[ownDeadlines] != nil && !slices.Contains(own, op.OperationID) {
			t.Errorf("%s (%s) has no deadline: say in this test why it needs none", route, op.OperationID)
		}
	})
}

// A client that doesn't send what it announced, or doesn't read what it gets,
// loses its connection; one that streams keeps it.
func TestSlowClientsLoseTheirConnection(t *testing.T) {
	h := newHarness(t, func(c *Config) {
		c.Timeout = 100*time.Millisecond - slowClient
		c.Log, c.Heartbeat = emptyLog{}, 10*time.Millisecond
		c.Gate = access.NewGate(access.Bearer(&access.Guard{Keys: roleKeys(), Attempts: patient{}}, nil), time.Hour)
	})
	server := httptest.NewServer(h.handler)
	defer server.Close()
	dial := func(request string) net.Conn {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s\r\nHost: x\r\nAuthorization: Bearer admin\r\n", request); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	// The body doesn't come; the answer does, and then the connection ends.
	slow := dial("GET /healthz HTTP/1.1\r\nContent-Length: 1000")
	defer slow.Close()
	fmt.Fprint(slow, "\r\n")
	_ = slow.SetReadDeadline(time.Now().Add(30 * time.Second))
	reader := bufio.NewReader(slow)
	for {
		if _, err := reader.ReadByte(); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Error("the connection is still there")
			}
			break
		}
	}
	stream := dial("GET /v1/events HTTP/1.1\r\nAccept: text/event-stream")
	defer stream.Close()
	fmt.Fprint(stream, "\r\n")
	_ = stream.SetReadDeadline(time.Now().Add(30 * time.Second))
	reader = bufio.NewReader(stream)
	for begun := time.Now(); time.Since(begun) < 500*time.Millisecond; { // five times as long as others may take
		if _, err := reader.ReadString('\n'); err != nil {
			t.Fatalf("the stream ended after %v: %v", time.Since(begun), err)
		}
	}
}

// What every answer tells browsers.
func TestHeadersOfEveryAnswer(t *testing.T) {
	h := newHarness(t, nil)
	for _, path := range []string{"/healthz", "/openapi.json", "/v1/users", "/v1/users/ana", "/nothing", "/v1/kpis/x", "/docs", "/docs/start.js", "/"} {
		a := h.get(RoleViewer, path)
		want := map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
			"Strict-Transport-Security": "",
		}
		if strings.HasPrefix(path, "/docs") {
			want["Content-Security-Policy"], want["Cache-Control"] = docsPolicy, "public, max-age=3600"
		}
		for name, value := range want {
			if got := a.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
}

// Browsers are told to keep to TLS where it is there.
func TestHeadersUnderTLS(t *testing.T) {
	for _, c := range []struct {
		behindProxy, tls bool
		proto            string
		want             bool
	}{
		{false, true, "", true}, {false, false, "https", false}, {true, false, "https", true}, {true, false, "http", false}, {true, false, "", false},
	} {
		h := newHarness(t, func(config *Config) { config.Front.BehindProxy = c.behindProxy })
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/healthz", nil)
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if got := h.serve(r).Header().Get("Strict-Transport-Security"); (got == "max-age=31536000") != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
