package console

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
)

// follow opens a stream, and returns what reads its next message.
func (w *world) follow(role access.Role, address string, headers ...string) (next func() string) {
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
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
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
	if message := next(); !strings.Contains(message, `data-id="20">`) || !strings.Contains(message, `class="live"`) {
		t.Errorf("at first comes %s", message)
	}
	w.happen(oneMore)
	if message := next(); !strings.Contains(message, `data-id="21">`) {
		t.Errorf("after an event comes %s", message)
	}
}

// A page that shows more than the last that was read isn't taken back, and one
// whose stream was lost is sent everything.
func TestALivePageIsNotTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	w.follow(access.Auditor, "/live/history?after=10")()
	ahead := w.follow(access.Auditor, "/live/history?after=21")
	again := w.follow(access.Auditor, "/live/history?after=21", "Last-Event-ID", "20")
	if message := again(); !strings.HasPrefix(message, "id: 20\n") || !strings.Contains(message, `data-id="20">`) {
		t.Errorf("to the page whose stream was lost comes %s", message)
	}
	w.happen(oneMore)
	if message := ahead(); !strings.HasPrefix(message, "id: 21\n") {
		t.Errorf("to the page that is ahead comes %s", message)
	}
}

// An open page learns that its session has ended by a message, which is no error
// of the browser's, and the stream is over then.
func TestAStreamOfNobodyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		role access.Role
		path string
	}{{"", "/live?after=1"}, {"", "/live/history"}} {
		answer := w.get(c.role, c.path, "HX-Request", "true")
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "text/event-stream" || answer.Body.String() != ended {
			t.Errorf("%s is answered with %d, %v: %s", c.path, answer.Code, answer.Header(), answer.Body)
		}
	}
}

// ended is what a stream is answered with that isn't the visitor's any more.
const ended = "event: ended\ndata:\n\n"

// What an address has that its page doesn't know makes no page of its own that
// would have to be read for it alone.
func TestAMadeUpAddressCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).platform()
	for i := range 20 {
		w.follow(access.Viewer, fmt.Sprintf("/live?months=24&x=%d", i))()
		w.follow(access.Auditor, fmt.Sprintf("/live/history?months=%d", i))()
	}
	w.server.hub.mu.Lock()
	topics := len(w.server.hub.topics)
	w.server.hub.mu.Unlock()
	if topics != 2 {
		t.Errorf("40 streams of two pages are %d topics", topics)
	}
	for _, path := range []string{"/live?month=never", "/live?months=13"} {
		if answer := w.get(access.Viewer, path); answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered with %d", path, answer.Code)
		}
	}
}

// A page that breaks while nobody in particular asks for it is an error, as it
// is where somebody does.
func TestABrokenLivePageIsAnError(t *testing.T) {
	t.Parallel()
	s := &server{Config: Config{Logger: slog.New(slog.DiscardHandler)}}
	view, err := readSafely(&visit{server: s}, func(*visit) (*liveView, error) { panic("broken") })
	if view != nil || !errors.Is(err, errBroken) {
		t.Errorf("it is %v, %v", view, err)
	}
}

// A session ends though a page of it is open, however often that asks for its stream.
func TestAnOpenPageDoesNotKeepTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(access.Viewer, "/")
	for _, c := range []struct {
		minutes time.Duration
		code    int
	}{{40, http.StatusUnprocessableEntity}, {80, http.StatusOK}} {
		w.later.Store(int64(c.minutes * time.Minute))
		// A stream that can't begin asks for who is there like any other.
		answer := w.get(access.Viewer, "/live?after=x")
		if over := answer.Body.String() == ended; answer.Code != c.code || over != (c.code == http.StatusOK) {
			t.Errorf("after %d minutes it is answered with %d: %s", c.minutes, answer.Code, answer.Body)
		}
	}
}
