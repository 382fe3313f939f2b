package console

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"boxoffice/access"
)

// follow opens a stream, and returns what reads its next message.
func (w *world) follow(role access.Role, address string) (next func() string) {
	w.t.Helper()
	server := httptest.NewServer(w.handler)
	w.t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, server.URL+address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range w.signedIn(role) {
		r.AddCookie(c)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		w.t.Fatalf("%s is answered with %s", address, answer.Status)
	}
	lines := bufio.NewReader(answer.Body)
	return func() string {
		w.t.Helper()
		for message := ""; ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				w.t.Fatalf("%s ended with %v", address, err)
			}
			if line != "\n" {
				message += line
			} else if strings.Contains(message, "data:") {
				return message
			} else {
				message = "" // the stream shows that it is alive
			}
		}
	}
}

const oneMore = `{"specversion":"1.0","id":"one-more","source":"/platform","type":"user.registered","subject":"one-more","time":"2026-11-30T12:00:00Z","data":{}}`

// What a stream exchanges is what the page would be: its links are the page's.
func TestALivePageKeepsItsLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	next := w.follow(access.Support, "/live?after=20&months=24")
	message := next()
	for _, want := range []string{`href="/?months=36"`, `href="/?month=2026-10&amp;months=24"`, `href="/users?kpi=registered&amp;month=2026-11"`} {
		if !strings.Contains(message, want) {
			t.Errorf("there is no %s in %s", want, message)
		}
	}
	if strings.Contains(message, "/live") {
		t.Errorf("a link leads to the stream: %s", message)
	}
	w.happen(oneMore)
	if message := next(); !strings.Contains(message, `id="figures"`) || strings.Contains(message, "/live") {
		t.Errorf("after an event comes %s", message)
	}
}

// The log is followed at its end, from wherever the page was.
func TestTheLogIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	next := w.follow(access.Auditor, "/live/history?after=10")
	if message := next(); !strings.Contains(message, `<tr data-id="20">`) || !strings.Contains(message, `class="live"`) {
		t.Errorf("at first comes %s", message)
	}
	w.happen(oneMore)
	if message := next(); !strings.Contains(message, `<tr data-id="21">`) {
		t.Errorf("after an event comes %s", message)
	}
}
