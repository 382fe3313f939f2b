// This file is what stands between browsers and programs and this process: TLS,
// a proxy, and what browsers are told about answers.

package access

import (
	"net/http"
	"net/netip"
	"strings"

	"boxoffice/access/attempts"
)

// A Front says what stands in front of the service.
type Front struct {
	// BehindProxy says that requests come through a proxy that does TLS and
	// writes whom they are from at the end of X-Forwarded-For.
	BehindProxy bool
}

// Client returns where a request comes from, as far as attempts are concerned.
// Behind a proxy it is the address that the proxy has seen, which it writes
// last; what stands before it is the client's own word.
func (f Front) Client(r *http.Request) netip.Prefix {
	if f.BehindProxy {
		all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		last := strings.TrimSpace(all[strings.LastIndex(all, ",")+1:])
		if network, ok := attempts.Network(last); ok {
			return network
		}
	}
	network, _ := attempts.Network(r.RemoteAddr)
	return network
}

// Secure says that browsers reach the service over TLS, here or at a proxy, so that
// they may be given cookies that go over TLS only.
func (f Front) Secure(r *http.Request) bool { return r.TLS != nil || f.BehindProxy }

// A Surface is one kind of answers: what browsers may do with them.
type Surface struct {
	// Policy is the Content-Security-Policy.
	Policy string
	// Caching is the Cache-Control.
	Caching string
}

// Protect answers as next does, with headers that keep browsers from guessing,
// framing and telling, to the policy and caching of the surface, and to TLS
// where it is there: here, or in a proxy that says so. A handler may set other
// headers for an answer of its own.
func (f Front) Protect(s Surface, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", s.Caching)
		h.Set("Content-Security-Policy", s.Policy)
		if r.TLS != nil || f.BehindProxy && r.Header.Get("X-Forwarded-Proto") == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
