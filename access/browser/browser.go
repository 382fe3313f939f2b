// Package browser is how people sign in with a browser, and how their requests
// say who they are from then on: a cookie that names a session.
//
// A [Browser] is the access.Authenticator of pages, so pages pass the same gate as
// programs do. What changes something also has to come from a page of this
// service: its origin is looked at, and a token that only the session's own pages
// have (forms.go). Signing in (signin.go) is with a key, with a link that is good
// once, or at an OpenID Connect issuer (openid.go).
package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"boxoffice/access"
	"boxoffice/access/sessions"
	"boxoffice/access/tokens"
)

// A Config says what people sign in with. All but OpenID is required.
type Config struct {
	// Guard tries keys; attempts with keys that are no good are counted with those
	// of the API where it is the same.
	Guard    *access.Guard
	Keyring  *access.Keyring
	Sessions *sessions.Store
	// Secret is 32 bytes that all processes of the service know and nobody else.
	Secret []byte
	// OpenID, where set, is the issuer that signs people in.
	OpenID *tokens.Verifier
	// CallbackPath is where the issuer sends browsers back to.
	CallbackPath string
}

// A Browser signs people in and out, and knows their requests. It is safe for
// concurrent use, by any number of processes with one database.
type Browser struct {
	config Config
	origin *http.CrossOriginProtection
}

// New makes a Browser.
func New(c Config) (*Browser, error) {
	if len(c.Secret) < 32 {
		return nil, errors.New("browser: the secret has fewer than 32 bytes")
	}
	return &Browser{config: c, origin: http.NewCrossOriginProtection()}, nil
}

var (
	errSignedOut = &access.Refusal{Kind: access.NoKey, Reason: "nobody is signed in"}
	errEnded     = &access.Refusal{Kind: access.BadKey, Reason: "the session has ended; sign in again"}
)

// Authenticate returns whose session a request belongs to. A request that may
// change something has to come from a page of that session besides.
func (b *Browser) Authenticate(r *http.Request) (access.Credential, error) {
	return b.authenticate(r, b.config.Sessions.Use)
}

// Watching returns the Authenticator of what an open page asks for by itself, which
// isn't using the session: however long the page is open, it ends like any other.
func (b *Browser) Watching() access.Authenticator { return watching{b} }

type watching struct{ browser *Browser }

func (w watching) Authenticate(r *http.Request) (access.Credential, error) {
	return w.browser.authenticate(r, w.browser.config.Sessions.Find)
}

// Begun returns the Authenticator of what somebody has begun and what goes on by
// itself. That isn't using the session, and it goes on though nobody uses it for
// long; it ends with signing out, and with what they signed in with.
func (b *Browser) Begun() access.Authenticator { return begun{b} }

type begun struct{ browser *Browser }

func (a begun) Authenticate(r *http.Request) (access.Credential, error) {
	b := a.browser
	credential, err := b.Watching().Authenticate(r)
	if err != nil {
		return credential, err
	}
	value, _ := b.cookie(r)
	var last sessions.Session
	credential.Again = func(ctx context.Context) (access.Identity, error) {
		found, ok, err := b.config.Sessions.Find(ctx, value)
		switch {
		case err != nil:
			return access.Identity{}, err
		case ok:
			last = found
		case !b.config.Sessions.Idle(last):
			return access.Identity{}, errEnded
		}
		return b.recall(ctx, last)
	}
	return credential, nil
}

func (b *Browser) authenticate(r *http.Request, find func(ctx context.Context, value string) (sessions.Session, bool, error)) (access.Credential, error) {
	value, ok := b.cookie(r)
	if !ok {
		return access.Credential{}, errSignedOut
	}
	session, ok, err := find(r.Context(), value)
	if err != nil {
		return access.Credential{}, err
	}
	if !ok {
		return access.Credential{}, errEnded
	}
	who, err := b.recall(r.Context(), session)
	if err != nil {
		return access.Credential{}, err
	}
	if err := b.checkForm(r, value); err != nil {
		return access.Credential{}, err
	}
	return access.Credential{Identity: who, Again: func(ctx context.Context) (access.Identity, error) {
		return b.again(ctx, value)
	}}, nil
}

// again looks up once more whose a session is. That isn't using it: a page that
// is only left open ends like any other.
func (b *Browser) again(ctx context.Context, value string) (access.Identity, error) {
	session, ok, err := b.config.Sessions.Find(ctx, value)
	if err != nil {
		return access.Identity{}, err
	}
	if !ok {
		return access.Identity{}, errEnded
	}
	return b.recall(ctx, session)
}

// recall returns who is signed in, as the key has it now.
func (b *Browser) recall(ctx context.Context, session sessions.Session) (access.Identity, error) {
	who, err := b.config.Keyring.Recall(ctx, session.Holder)
	if _, refused := errors.AsType[*access.Refusal](err); refused {
		return access.Identity{}, errEnded
	}
	return who, err
}

// SessionID returns what stands for the session that a request says it is of, as
// long as that lasts, and doesn't tell its cookie; the empty string where it is of
// none.
func (b *Browser) SessionID(r *http.Request) string {
	value, ok := b.cookie(r)
	if !ok {
		return ""
	}
	id := sha256.Sum256([]byte("session " + value))
	return hex.EncodeToString(id[:])
}

// A Session is who is signed in in a browser.
type Session struct {
	Identity access.Identity
	// Ends is when the session ends at the latest.
	Ends time.Time
	// Token is for the page's forms: see [Browser.FormToken].
	Token string
}

// Current returns who is signed in in the browser that makes a request, whatever
// they may; nil where nobody is. It lets nothing through: that is the gate's.
func (b *Browser) Current(r *http.Request) (*Session, error) {
	value, ok := b.cookie(r)
	if !ok {
		return nil, nil
	}
	session, ok, err := b.config.Sessions.Find(r.Context(), value)
	if err != nil || !ok {
		return nil, err
	}
	who, err := b.recall(r.Context(), session)
	if _, refused := errors.AsType[*access.Refusal](err); refused {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Session{Identity: who, Ends: session.EndsAt, Token: b.FormToken(r)}, nil
}
