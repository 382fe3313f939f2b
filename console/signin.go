// This file is signing in and out: with a key, with a link that is good once, or
// at an OpenID Connect issuer.

package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"boxoffice/access"
	"boxoffice/access/browser"
)

// CallbackPath is where an OpenID Connect issuer sends browsers back to.
const CallbackPath = "/signin/callback"

// LinkPath is the path and query of a link that signs in once.
func LinkPath(link string) string { return "/signin/link?" + url.Values{"link": {link}}.Encode() }

// A signInPage is what the page for signing in shows.
type signInPage struct {
	Next string
	// Wrong is why it didn't work; empty at first.
	Wrong string
	// OpenID is where one goes on to sign in at an issuer; empty where there is none.
	OpenID string
}

func (v *visit) signIn() (*answer, error) {
	return v.signInPage(v.r.URL.Query().Get("next"), nil), nil
}

// signInPage is the page, with what went wrong.
func (v *visit) signInPage(next string, wrong *access.Refusal) *answer {
	p := &signInPage{Next: browser.LocalPath(next)}
	if v.Browser.OpenID() {
		p.OpenID = "/signin/openid?" + url.Values{"next": {p.Next}}.Encode()
	}
	a := &answer{template: "signin", title: v.T("signin.title"), data: p}
	if wrong == nil {
		return a
	}
	a.status = http.StatusUnauthorized
	switch wrong.Kind {
	case access.TooMany:
		a.status, p.Wrong = http.StatusTooManyRequests, v.N("signin.wait", int64(wrong.Wait/time.Minute)+1)
	case access.Unavailable:
		a.status, p.Wrong = http.StatusServiceUnavailable, v.T("signin.unavailable")
	case access.Forbidden:
		a.status, p.Wrong = http.StatusForbidden, v.T("signin.forbidden")
	case access.NoKey:
		p.Wrong = v.T("signin.empty")
	default:
		p.Wrong = v.T("signin.bad")
	}
	return a
}

// signedIn goes on to where somebody wanted to go, or says why they can't.
func (v *visit) signedIn(next string, err error) (*answer, error) {
	if refusal, ok := errors.AsType[*access.Refusal](err); ok {
		return v.signInPage(next, refusal), nil
	}
	if err != nil {
		return nil, err
	}
	return &answer{redirect: browser.LocalPath(next)}, nil
}

func (v *visit) signInByKey() (*answer, error) {
	return v.signedIn(v.r.PostFormValue("next"), v.Browser.SignIn(v.w, v.r, v.r.PostFormValue("key")))
}

func (v *visit) signInByLink() (*answer, error) {
	return v.signedIn("/", v.Browser.SignInByLink(v.w, v.r, v.r.URL.Query().Get("link")))
}

func (v *visit) beginOpenID() (*answer, error) {
	next := v.r.URL.Query().Get("next")
	if !v.Browser.OpenID() {
		return nil, errNoPage
	}
	issuer, err := v.Browser.BeginOpenID(v.w, v.r, next)
	if err != nil {
		return v.signedIn(next, err)
	}
	return &answer{redirect: issuer}, nil
}

func (v *visit) finishOpenID() (*answer, error) {
	if !v.Browser.OpenID() {
		return nil, errNoPage
	}
	next, err := v.Browser.FinishOpenID(v.w, v.r)
	return v.signedIn(next, err)
}

// signOut ends the session, and lets go of what it has uploaded.
func (v *visit) signOut() (*answer, error) {
	owner := v.owner()
	if err := v.Browser.SignOut(v.w, v.r); err != nil {
		if _, refused := errors.AsType[*access.Refusal](err); refused {
			return nil, errForged
		}
		return nil, err
	}
	if owner != "" {
		v.tasks.dropAll(owner, anyTask)
	}
	return &answer{redirect: "/signin"}, nil
}
