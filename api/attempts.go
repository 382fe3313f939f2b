// This file bounds how often somebody may guess: attempts with keys that are
// no good, counted for each address that they come from.
//
// A key that was good a while ago is let through whatever else comes from its
// address, so that a guesser doesn't lock out the good keys of those who share
// it. It is looked up all the same: it may have been revoked.

package api

import (
	"crypto/rand"
	"crypto/sha256"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	limit "golang.org/x/time/rate"
)

const (
	// freeAttempts is how many attempts may fail at once, and attemptEvery how
	// long it takes until another may.
	freeAttempts = 10
	attemptEvery = 6 * time.Second

	// rememberedAddresses and rememberedKeys bound what is kept in memory: each
	// is some 200 bytes, and up to twice as many are kept.
	rememberedAddresses = 10_000
	rememberedKeys      = 10_000
)

// attempts counts attempts that failed. It is safe for concurrent use.
type attempts struct {
	now  func() time.Time
	free int
	salt [32]byte

	mu      sync.Mutex
	refused generations[netip.Prefix, *limit.Limiter]
	good    generations[[sha256.Size]byte, struct{}]
}

func newAttempts(now func() time.Time) *attempts {
	a := &attempts{now: now, free: freeAttempts}
	rand.Read(a.salt[:])
	a.refused.max, a.good.max = rememberedAddresses, rememberedKeys
	return a
}

// wait gives how long an address has to wait before it may try the key; 0 where
// it needn't.
func (a *attempts) wait(from netip.Prefix, key string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter, ok := a.refused.get(from)
	if !ok {
		return 0
	}
	if _, good := a.good.get(a.hash(key)); good {
		return 0
	}
	missing := 1 - limiter.TokensAt(a.now())
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing * float64(attemptEvery))
}

// failed notes an attempt with a key that is no good.
func (a *attempts) failed(from netip.Prefix, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good.remove(a.hash(key))
	limiter, ok := a.refused.get(from)
	if !ok {
		limiter = limit.NewLimiter(limit.Every(attemptEvery), a.free)
		a.refused.put(from, limiter)
	}
	limiter.AllowN(a.now(), 1)
}

// succeeded notes a key that is good.
func (a *attempts) succeeded(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good.put(a.hash(key), struct{}{})
}

func (a *attempts) hash(key string) [sha256.Size]byte {
	return sha256.Sum256(append(a.salt[:], key...))
}

// generations is a map that forgets what wasn't used lately: when the young
// half is full, it becomes the old one, and what was old is gone.
type generations[K comparable, V any] struct {
	max        int
	young, old map[K]V
}

func (g *generations[K, V]) get(key K) (V, bool) {
	if v, ok := g.young[key]; ok {
		return v, true
	}
	v, ok := g.old[key]
	if ok {
		g.put(key, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(key K, v V) {
	if g.young == nil || len(g.young) >= g.max {
		g.young, g.old = make(map[K]V), g.young
	}
	g.young[key] = v
}

func (g *generations[K, V]) remove(key K) {
	delete(g.young, key)
	delete(g.old, key)
}

func tooManyAttempts(wait time.Duration) *Problem {
	p := newProblem(http.StatusTooManyRequests, "too many attempts with keys that are no good came from this address; wait")
	p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return p
}

// clientAddress gives where a request comes from, as far as attempts are
// concerned: an address of IPv4, or the network of 64 bits that a client of
// IPv6 may pick its addresses from. Behind a proxy it is the address that the
// proxy has seen, which it writes last; what stands before it is the client's
// own word.
func (s *service) clientAddress(r *http.Request) netip.Prefix {
	if s.BehindProxy {
		all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		last := strings.TrimSpace(all[strings.LastIndex(all, ",")+1:])
		if network, ok := networkOf(last); ok {
			return network
		}
	}
	network, _ := networkOf(r.RemoteAddr)
	return network
}

// networkOf reads an address, with a port or without.
func networkOf(text string) (netip.Prefix, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Prefix{}, false
	}
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, err := address.Prefix(bits)
	return network, err == nil
}
