// This file signs in and out.

package browser

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"boxoffice/access"
	"boxoffice/access/sessions"
)

// SignIn signs a browser in with a key: it gets a session of its own, and the one
// that it had ends. The error is a [*access.Refusal] where the key is no good, which
// counts as an attempt like one over the API.
func (b *Browser) SignIn(w http.ResponseWriter, r *http.Request, key string) error {
	if err := b.checkOrigin(r); err != nil {
		return err
	}
	key = strings.TrimSpace(key)
	if key == "" {
		return &access.Refusal{Kind: access.NoKey, Reason: "a key is needed to sign in"}
	}
	if _, err := b.config.Guard.Try(r, key); err != nil {
		return err
	}
	held, _, err := b.config.Keyring.Holder(r.Context(), key)
	if err != nil {
		return err
	}
	return b.begin(w, r, held)
}

// SignInByLink signs a browser in with what stands in a link of
// [Browser.Link], which is good for nothing from then on.
func (b *Browser) SignInByLink(w http.ResponseWriter, r *http.Request, link string) error {
	from, attempts := b.config.Guard.Front.Client(r), b.config.Guard.Attempts
	if wait := attempts.Wait(from, link); wait > 0 {
		return access.TooManyAttempts(wait)
	}
	value, ok, err := b.config.Sessions.Redeem(r.Context(), link)
	if err != nil {
		return err
	}
	if !ok {
		attempts.Failed(from, link)
		return &access.Refusal{Kind: access.BadKey, Reason: "the link has been used already, or is older than ten minutes"}
	}
	return b.take(w, r, value)
}

// Link returns what stands in a link that signs in as the holder of a key, once and
// within ten minutes: see [Browser.SignInByLink]. The error is a [*access.Refusal]
// where the key is nobody's.
func (b *Browser) Link(ctx context.Context, key string) (string, error) {
	held, _, err := b.config.Keyring.Holder(ctx, key)
	if err != nil {
		return "", err
	}
	return b.config.Sessions.MakeLink(ctx, held)
}

// begin begins a session for whom has shown who they are.
func (b *Browser) begin(w http.ResponseWriter, r *http.Request, held sessions.Holder) error {
	value, err := b.config.Sessions.Create(r.Context(), held)
	if err != nil {
		return err
	}
	return b.take(w, r, value)
}

// take sets a browser's cookie to its new session, and ends the one that it had: whoever
// knew that one's value knows nothing of this one.
func (b *Browser) take(w http.ResponseWriter, r *http.Request, value string) error {
	if old, ok := b.cookie(r); ok {
		if err := b.config.Sessions.End(r.Context(), old); err != nil {
			return err
		}
	}
	b.write(w, r, sessionCookie, value, 0)
	return nil
}

// SignOut ends the session that a request is of, at once and in all processes. The
// error is a [*access.Refusal] where the request isn't of a page of that session;
// where there is no session, or it has ended, there is nothing to do.
func (b *Browser) SignOut(w http.ResponseWriter, r *http.Request) error {
	value, ok := b.cookie(r)
	if !ok {
		return nil
	}
	if err := b.checkForm(r, value); err != nil {
		return err
	}
	if err := b.config.Sessions.End(r.Context(), value); err != nil {
		return err
	}
	b.write(w, r, sessionCookie, "", -1)
	return nil
}

// LocalPath returns where to go to after signing in: a path of this service with
// its query, or / for anything else, which would lead elsewhere.
func LocalPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	// Browsers read a backslash as a slash, and two slashes as another host.
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/"
	}
	return next
}

// refused says whether an error is a refusal that should be counted as an attempt.
func refused(err error) bool {
	refusal, is := errors.AsType[*access.Refusal](err)
	return is && refusal.Kind != access.Unavailable
}
