// This file reads and writes cookies.

package browser

import (
	"net/http"
	"time"
)

const (
	sessionCookie = "boxoffice"
	flowCookie    = "boxoffice-signin"
	// hostPrefix has browsers take a cookie from this host only, and over TLS only.
	hostPrefix = "__Host-"
)

func (b *Browser) secure(r *http.Request) bool { return b.config.Guard.Front.Secure(r) }

// cookieName is a cookie's name as it is for a request: one that was set
// without TLS counts for nothing with it.
func (b *Browser) cookieName(r *http.Request, name string) string {
	if b.secure(r) {
		return hostPrefix + name
	}
	return name
}

func (b *Browser) read(r *http.Request, name string) (string, bool) {
	cookie, err := r.Cookie(b.cookieName(r, name))
	if err != nil || cookie.Value == "" {
		return "", false
	}
	return cookie.Value, true
}

// cookie returns the value of the session that a request says it is of.
func (b *Browser) cookie(r *http.Request) (string, bool) { return b.read(r, sessionCookie) }

// write sets a cookie: for as long as the browser runs where life is 0, and not
// any more where it is negative.
func (b *Browser) write(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if life < 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: b.cookieName(r, name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: b.secure(r), SameSite: http.SameSiteLaxMode,
	})
}
