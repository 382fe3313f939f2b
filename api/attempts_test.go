// These tests hold that guessing keys is slow, and that who doesn't guess
// isn't held up by those who do.

package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/attempts"
)

// A gateHarness is an API with a clock that is moved, and the real bound.
type gateHarness struct {
	*harness
	now time.Time
}

func newGate(t *testing.T, guard *access.Guard) *gateHarness {
	g := &gateHarness{now: testNow}
	if guard.Keys == nil {
		guard.Keys = roleKeys()
	}
	guard.Attempts = attempts.New(func() time.Time { return g.now })
	g.harness = newHarness(t, func(c *Config) {
		c.Gate = gateFor(guard)
		c.Reader = brokenReader{fail: func(context.Context) error { return nil }}
	})
	return g
}

// from asks with a key from an address.
func (g *gateHarness) from(address, key string, headers header) answer {
	r := httptest.NewRequest(http.MethodGet, "/v1/user-counts", nil)
	r.RemoteAddr = address
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return g.serve(r)
}

// fail uses up what attempts an address has.
func (g *gateHarness) fail(address string, headers header) {
	g.t.Helper()
	for i := range attempts.Free {
		g.from(address, "guess "+strconv.Itoa(i), headers).problem(http.StatusUnauthorized)
	}
	g.from(address, "one more guess", headers).problem(http.StatusTooManyRequests)
}

func TestGuessingIsSlow(t *testing.T) {
	g := newGate(t, &access.Guard{})
	const here, elsewhere = "192.0.2.7:1000", "192.0.2.8:1000"
	g.from(here, "viewer", nil).ok(http.StatusOK)
	g.fail(here, nil)

	a := g.from("192.0.2.7:2000", "guess", nil)
	a.problem(http.StatusTooManyRequests)
	wait, err := strconv.Atoi(a.Header().Get("Retry-After"))
	if err != nil || wait < 1 || wait > int(attempts.Every.Seconds()) {
		t.Errorf("Retry-After: %q", a.Header().Get("Retry-After"))
	}
	// A right guess isn't told from a wrong one.
	g.from(here, "admin", nil).problem(http.StatusTooManyRequests)
	// Who was let in before still is, and so is everybody elsewhere.
	g.from(here, "viewer", nil).ok(http.StatusOK)
	g.from(elsewhere, "admin", nil).ok(http.StatusOK)
	g.from(elsewhere, "guess", nil).problem(http.StatusUnauthorized)
	// Who gives no key doesn't guess.
	g.from(here, "", nil).problem(http.StatusUnauthorized)

	g.now = g.now.Add(time.Duration(wait) * time.Second)
	g.from(here, "guess", nil).problem(http.StatusUnauthorized)
	g.from(here, "guess", nil).problem(http.StatusTooManyRequests)
	g.now = g.now.Add(attempts.Every)
	g.from(here, "support", nil).ok(http.StatusOK)
}

// Good keys, however many requests they make, never wait.
func TestGoodKeysNeverWait(t *testing.T) {
	g := newGate(t, &access.Guard{})
	for range 10 * attempts.Free {
		g.from("192.0.2.7:1000", "viewer", nil).ok(http.StatusOK)
	}
}

// A key that is revoked is a guess from then on.
func TestARevokedKeyIsAGuess(t *testing.T) {
	keys := &changingKeys{is: map[string]access.Identity{"good": {Role: RoleViewer}}}
	g := newGate(t, &access.Guard{Keys: keys})
	g.from("192.0.2.7:1000", "good", nil).ok(http.StatusOK)
	g.fail("192.0.2.7:1000", nil)
	keys.set("good", nil)
	g.from("192.0.2.7:1000", "good", nil).problem(http.StatusUnauthorized)
	g.from("192.0.2.7:1000", "good", nil).problem(http.StatusTooManyRequests)
}

func TestWhereARequestComesFrom(t *testing.T) {
	// A client of IPv6 has a network of addresses.
	g := newGate(t, &access.Guard{})
	g.fail("[2001:db8::1]:1000", nil)
	g.from("[2001:db8::ffff:1]:1000", "guess", nil).problem(http.StatusTooManyRequests)
	g.from("[2001:db8:0:1::1]:1000", "guess", nil).problem(http.StatusUnauthorized)
	// What a client says of itself counts for nothing,
	g = newGate(t, &access.Guard{})
	g.fail("192.0.2.7:1000", header{"X-Forwarded-For": "198.51.100.1"})
	g.from("192.0.2.7:1000", "guess", header{"X-Forwarded-For": "198.51.100.2"}).problem(http.StatusTooManyRequests)
	// but for what a proxy in front says: the last that stands there.
	g = newGate(t, &access.Guard{Front: access.Front{BehindProxy: true}})
	g.fail("192.0.2.7:1000", header{"X-Forwarded-For": "198.51.100.1"})
	g.from("192.0.2.7:1000", "guess", header{"X-Forwarded-For": "198.51.100.2"}).problem(http.StatusUnauthorized)
	g.from("192.0.2.8:1000", "guess", header{"X-Forwarded-For": "203.0.113.5, 198.51.100.1"}).problem(http.StatusTooManyRequests)
}
