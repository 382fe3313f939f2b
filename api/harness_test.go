// This file is what the tests over HTTP share: an API with a key for each role,
// a clock that stands still, and a broker that notes what it is given.

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/accounts/accountstest"
	"boxoffice/wire"
)

// testNow is the present of all tests.
var testNow = accountstest.Now

// A harness is an API under test.
type harness struct {
	t       *testing.T
	handler http.Handler
	service *service
	broker  *notedBroker
	log     *bytes.Buffer
	metrics *prometheus.Registry
	people  accounts.Config // what service.Accounts is made of
}

// exchange exchanges parts of what is done to people.
func (h *harness) exchange(change func(*accounts.Config)) {
	h.t.Helper()
	change(&h.people)
	people, err := accounts.New(h.people)
	if err != nil {
		h.t.Fatal(err)
	}
	h.service.Accounts = people
}

// patience is how long an answer waits for the log's verdict.
func (h *harness) patience(within time.Duration) {
	h.t.Helper()
	h.exchange(func(c *accounts.Config) { c.VerdictWithin = within })
}

// A testReader and a testLog are all that the API and what is done to people ask.
type (
	testReader interface {
		Reader
		accounts.Reader
	}
	testLog interface {
		Log
		accounts.Log
		accounts.Locker
	}
)

// A notedBroker notes what it is given, and fails when told to.
type notedBroker struct {
	mu   sync.Mutex
	got  []wire.Message
	fail error
	take func(context.Context, []wire.Message) error // where set, takes the messages too
}

func (b *notedBroker) PublishBatch(ctx context.Context, messages []wire.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	for i := range messages {
		// The body's memory belongs to the request.
		messages[i].Data = bytes.Clone(messages[i].Data)
	}
	b.got = append(b.got, messages...)
	if b.take != nil {
		return b.take(ctx, messages)
	}
	return nil
}

// newHarness makes an API; parts that the test doesn't name are never called.
func newHarness(t *testing.T, set func(*Config)) *harness {
	t.Helper()
	h := &harness{t: t, broker: &notedBroker{}, log: &bytes.Buffer{}, metrics: prometheus.NewRegistry()}
	var u unused
	c := Config{
		Reader: u, Log: u, Publisher: h.broker, Trials: true,
		// The clock stands still, and many tests try keys that are no good.
		Gate:      gateFor(&access.Guard{Keys: roleKeys(), Attempts: patient{}}),
		CursorKey: []byte("0123456789abcdef0123456789abcdef"),
		Clock:     func() time.Time { return testNow },
		Logger:    slog.New(slog.NewJSONHandler(&lockedWriter{w: h.log}, nil)),
		Metrics:   h.metrics,
	}
	h.people = accounts.Config{Reader: u, Log: u, Publisher: h.broker, Locks: u, Clock: c.Clock, Logger: c.Logger}
	if set != nil {
		set(&c)
	}
	var err error
	if c.Accounts, err = accounts.New(h.people); err != nil {
		t.Fatal(err)
	}
	if h.service, err = newService(c); err != nil {
		t.Fatal(err)
	}
	h.handler = h.service.handler()
	return h
}

// patient counts no attempts.
type patient struct{}

func (patient) Wait(netip.Prefix, string) time.Duration { return 0 }
func (patient) Failed(netip.Prefix, string)             {}
func (patient) Succeeded(string)                        {}

// roleKeys has a key for each role, and two publishers' with limits.
func roleKeys() *changingKeys {
	keys := &changingKeys{is: map[string]access.Identity{
		"playback":  {Role: RolePublisher, Types: []string{"playback.*"}},
		"eraser":    {Role: RolePublisher, Types: []string{"*", "user.erased"}},
		"retracter": {Role: RolePublisher, Types: []string{"playback.*", "event.retracted"}},
	}}
	for _, role := range access.Roles {
		keys.is[string(role)] = access.Identity{Role: role, Name: string(role) + " key"}
	}
	return keys
}

// gateFor looks at keys of requests under way often, so that no test waits long.
func gateFor(guard *access.Guard) *access.Gate {
	return access.NewGate(access.Bearer(guard, nil), 5*time.Millisecond)
}

// The roles, as the tests name them.
const (
	RolePublisher = access.Publisher
	RoleViewer    = access.Viewer
	RoleSupport   = access.Support
	RoleAuditor   = access.Auditor
	RoleAdmin     = access.Admin
)

// A Role says whose key a test takes.
type Role = access.Role

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// An answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// get asks with the key of a role.
func (h *harness) get(role Role, path string) answer {
	return h.do(http.MethodGet, path, "", header{"Authorization": "Bearer " + string(role)})
}

type header map[string]string

func (h *harness) do(method, path, body string, headers header) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for name, value := range headers {
		if name != "Content-Type" || value != "" {
			r.Header.Set(name, value)
		}
	}
	return h.serve(r)
}

func (h *harness) serve(r *http.Request) answer {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return answer{w, h.t}
}

// publish posts events with a key.
func (h *harness) publish(key, contentType, body string, headers header) answer {
	h.t.Helper()
	all := header{"Authorization": "Bearer " + key, "Content-Type": contentType}
	maps.Copy(all, headers)
	return h.do(http.MethodPost, "/v1/events", body, all)
}

// decode reads the answer's JSON, strictly.
func (a answer) decode(into any) {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a.t.Fatalf("%v in %s", err, a.Body)
	}
}

// problem holds the answer to be a problem of the status, and returns it.
func (a answer) problem(status int) Problem {
	a.t.Helper()
	var p Problem
	if a.Code != status || a.Header().Get("Content-Type") != problemType {
		a.t.Fatalf("the answer is %d %s %s, not a problem with %d", a.Code, a.Header().Get("Content-Type"), a.Body, status)
	}
	a.decode(&p)
	if p.Status != status || p.Title == "" || p.Detail == "" || p.Type == "" {
		a.t.Errorf("the problem is incomplete: %s", a.Body)
	}
	return p
}

// invalid holds the answer to be a 422 that names a location.
func (a answer) invalid(location string) Problem {
	a.t.Helper()
	p := a.problem(http.StatusUnprocessableEntity)
	for _, e := range p.Errors {
		if e.Location == location {
			return p
		}
	}
	a.t.Errorf("%s isn't named in %s", location, a.Body)
	return p
}

// ok holds the answer to be a success.
func (a answer) ok(status int) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("the answer is %d, not %d: %s", a.Code, status, a.Body)
	}
	return a
}

func received(m wire.Message) wire.Arrival { return accountstest.Received(m) }

var errBroken = errors.New("secret://user:password@host/path is broken")
