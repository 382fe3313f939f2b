// These tests hold what is said of keys that are no good, and that what was
// begun with a good key ends with it.

package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/eventstore"
)

// changingKeys are keys that come, go and change.
type changingKeys struct {
	mu  sync.Mutex
	is  map[string]access.Identity
	err error
}

func (k *changingKeys) set(key string, who *access.Identity) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if delete(k.is, key); who != nil {
		k.is[key] = *who
	}
}

func (k *changingKeys) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

func (k *changingKeys) Lookup(_ context.Context, key string) (access.Identity, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	who, ok := k.is[key]
	if !ok && k.err == nil {
		return access.Identity{}, &access.Refusal{Kind: access.BadKey, Reason: "the API key is not known, has expired or was revoked"}
	}
	return who, k.err
}

func TestWhatIsSaidOfABadKey(t *testing.T) {
	keys := &changingKeys{}
	g := newGate(t, &access.Guard{Keys: keys})
	for _, c := range []struct {
		err    error
		status int
		detail string
	}{
		{nil, 401, "not known, has expired or was revoked"},
		{&access.Refusal{Kind: access.BadKey, Reason: "the token has expired"}, 401, "the token has expired"},
		{&access.Refusal{Kind: access.Forbidden, Reason: "no role"}, 403, "no role"},
		{&access.Refusal{Kind: access.Unavailable, Reason: "the issuer is away"}, 503, "the issuer is away"},
		{errBroken, 500, "its log says why"},
		{sqlState("57P01"), 503, "can't reach its database"},
	} {
		keys.fail(c.err)
		a := g.from("192.0.2.7:1", "key", nil)
		if p := a.problem(c.status); !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%v: %s", c.err, p.Detail)
		}
		if got := a.Header().Get("Www-Authenticate"); (got == `Bearer error="invalid_token"`) != (c.status == 401) {
			t.Errorf("%v: Www-Authenticate: %s", c.err, got)
		}
	}
}

// A stream that was begun with a key ends soon after the key does; while it
// can't be told whether that is so, it goes on.
func TestAStreamEndsWithItsKey(t *testing.T) {
	for name, end := range map[string]func(*changingKeys){
		"revoked":     func(k *changingKeys) { k.set("key", nil) },
		"other role":  func(k *changingKeys) { k.set("key", &access.Identity{Role: RoleAuditor}) },
		"no good now": func(k *changingKeys) { k.fail(&access.Refusal{Kind: access.BadKey, Reason: "the token has expired"}) },
	} {
		t.Run(name, func(t *testing.T) {
			keys := &changingKeys{is: map[string]access.Identity{"key": {Role: RoleAdmin}}}
			h := newHarness(t, func(c *Config) {
				c.Gate, c.Log, c.Heartbeat = gateFor(&access.Guard{Keys: keys, Attempts: patient{}}), emptyLog{}, time.Millisecond
			})
			server := httptest.NewServer(h.handler)
			defer server.Close()
			r, err := http.NewRequest(http.MethodGet, server.URL+"/v1/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer key")
			r.Header.Set("Accept", eventStreamType)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatal(response.Status)
			}
			keys.fail(errors.New("the database is away"))
			beats := make([]byte, 100)
			for range 3 { // some thirty beats: many looks at the key
				if _, err := io.ReadFull(response.Body, beats); err != nil {
					t.Fatalf("the stream ended while the key couldn't be looked up: %v", err)
				}
			}
			keys.fail(nil)
			end(keys)
			ended := make(chan error, 1)
			rest := io.Reader(response.Body)
			go func() { _, err := io.Copy(io.Discard, rest); ended <- err }()
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				t.Fatal("the stream goes on")
			}
		})
	}
}

// An emptyLog is a log in which nothing happens.
type emptyLog struct{ Log }

func (emptyLog) ReadSealed(context.Context, eventstore.SealedQuery) (eventstore.SealedPage, error) {
	return eventstore.SealedPage{End: true}, nil
}

func (emptyLog) Wait(ctx context.Context, _ eventstore.Position) error {
	<-ctx.Done()
	return ctx.Err()
}
