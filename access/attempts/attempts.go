// Package attempts bounds how often somebody may guess: attempts with keys that
// are no good, counted for each address that they come from.
//
// A key that was good a while ago is let through whatever else comes from its
// address, so that a guesser doesn't lock out the good keys of those who share
// it. It is looked up all the same: it may have been revoked.
package attempts

import (
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	limit "golang.org/x/time/rate"
)

const (
	// Free is how many attempts may fail at once, and Every how
	// long it takes until another may.
	Free  = 10
	Every = 6 * time.Second

	// rememberedAddresses and rememberedKeys bound what is kept in memory: each
	// is some 200 bytes, and up to twice as many are kept.
	rememberedAddresses = 10_000
	rememberedKeys      = 10_000
)

// A Counter counts attempts that failed. It is safe for concurrent use.
type Counter struct {
	now  func() time.Time
	salt [32]byte

	mu      sync.Mutex
	refused generations[netip.Prefix, *limit.Limiter]
	good    generations[[sha256.Size]byte, struct{}]
}

// New makes a counter by a clock.
func New(now func() time.Time) *Counter {
	a := &Counter{now: now}
	rand.Read(a.salt[:])
	a.refused.max, a.good.max = rememberedAddresses, rememberedKeys
	return a
}

// Wait returns how long an address has to wait before it may try the key; 0 where
// it needn't.
func (a *Counter) Wait(from netip.Prefix, key string) time.Duration {
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
	return time.Duration(missing * float64(Every))
}

// Failed notes an attempt with a key that is no good.
func (a *Counter) Failed(from netip.Prefix, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good.remove(a.hash(key))
	limiter, ok := a.refused.get(from)
	if !ok {
		limiter = limit.NewLimiter(limit.Every(Every), Free)
		a.refused.put(from, limiter)
	}
	limiter.AllowN(a.now(), 1)
}

// Succeeded notes a key that is good.
func (a *Counter) Succeeded(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good.put(a.hash(key), struct{}{})
}

func (a *Counter) hash(key string) [sha256.Size]byte {
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

// Network returns what attempts from an address are counted for, read with a port
// or without: an address of IPv4, or the network of 64 bits that a client of
// IPv6 may pick its addresses from.
func Network(text string) (netip.Prefix, bool) {
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

// ByAddress counts by addresses as texts, with a port or without.
type ByAddress struct{ *Counter }

// Allowed says whether a client at the address may try a key now.
func (a ByAddress) Allowed(from, key string) bool {
	network, _ := Network(from)
	return a.Wait(network, key) == 0
}

// Failed notes a key that is no good.
func (a ByAddress) Failed(from, key string) {
	network, _ := Network(from)
	a.Counter.Failed(network, key)
}
