// Package tokens reads the JWTs of an OpenID Connect issuer: whether one is
// the issuer's, for this service and good now, and which role it names.
//
// The issuer is asked for its keys when the first token comes, and again when
// one comes that is signed with another key; never for a token as such. While
// it can't be asked, tokens that are signed with a key that is known already
// are read as ever, and nothing but tokens is concerned.
package tokens

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// A Config says whose tokens are taken.
type Config struct {
	// Issuer is the issuer's URL, exactly as its tokens have it. Required.
	Issuer string
	// Audience is what the tokens have to be meant for. Required.
	Audience string
	// ClientID and ClientSecret are by what the issuer knows this service when it
	// signs somebody in. Default: Audience, and no secret, as for a public client.
	ClientID, ClientSecret string
	// RoleClaim is the claim that names the role: a text, or a list of texts.
	// Where there is no claim of that name, dots lead into objects, whose names may
	// have dots themselves. Required.
	RoleClaim string
	// Roles are the roles that there are, the mightier before those that they
	// contain: see Contains. Required.
	Roles []string
	// Contains says that whoever has one role may do all that another may.
	Contains func(role, other string) bool
	// Now is the clock that tokens expire by. Default: the system's.
	Now func() time.Time
	// Logger hears when the issuer can't be reached. Default: slog.Default().
	Logger *slog.Logger
}

// A Holder is whom a token names.
type Holder struct {
	Role string
	// Name is how people know them: the first that is there of
	// preferred_username, email, name, client_id and sub.
	Name string
	// Subject is the issuer's own name of them.
	Subject string
	// Expires is when the token stops being good.
	Expires time.Time
}

// A Refusal is why a token isn't taken. It quotes nothing of the token.
type Refusal struct {
	Reason string
	// Role says that the token is good, and names no role, or not one.
	Role bool
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// ErrUnavailable says that the issuer can't be asked for its keys.
var ErrUnavailable = errors.New("the issuer of tokens can't be reached")

// How often and how long the issuer is asked, whoever sends whatever tokens.
const (
	askEvery   = 2 * time.Second
	askAtOnce  = 3
	askTimeout = 5 * time.Second
)

// A Verifier reads tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
	client *http.Client
	// codes exchanges codes: each was made by the issuer for somebody who signs in.
	codes *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until the issuer has been asked
	failing  bool
}

// New makes a verifier. It doesn't ask the issuer yet.
func New(c Config) *Verifier {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.ClientID = cmp.Or(c.ClientID, c.Audience)
	asks := &limited{asks: rate.NewLimiter(rate.Every(askEvery), askAtOnce), to: http.DefaultTransport}
	return &Verifier{config: c, client: &http.Client{Timeout: askTimeout, Transport: asks}, codes: &http.Client{Timeout: askTimeout}}
}

// A limited asks an issuer no more often than it should: else whoever makes up
// tokens with keys that there aren't would have it asked for each.
type limited struct {
	asks *rate.Limiter
	to   http.RoundTripper
	// down says that the issuer didn't answer when it was last asked.
	down atomic.Bool
}

// errJustAsked stands for an answer that is too young to ask for another.
var errJustAsked = errors.New("it was asked just now, and has answered")

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if !l.asks.Allow() {
		if l.down.Load() {
			return nil, errors.New("it was asked just now, and didn't answer")
		}
		return nil, errJustAsked
	}
	response, err := l.to.RoundTrip(r)
	l.down.Store(err != nil || response.StatusCode >= http.StatusInternalServerError)
	return response, err
}

// Looks says whether a key is a JWT at all, by its form.
func Looks(key string) bool {
	head, rest, ok := strings.Cut(key, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	return json.Unmarshal(text, &header) == nil && header.Algorithm != ""
}

// Verify reads a token. The error is a [*Refusal] where the token is what is
// wrong, and wraps [ErrUnavailable] where that can't be told at present.
func (v *Verifier) Verify(ctx context.Context, token string) (Holder, error) {
	idToken, err := v.verified(ctx, token)
	if err != nil {
		return Holder{}, err
	}
	if !slices.Contains(idToken.Audience, v.config.Audience) {
		return Holder{}, &Refusal{Reason: "the token is meant for another audience"}
	}
	return v.holder(idToken)
}

// verified reads a token that is the issuer's and good now, for whomever.
func (v *Verifier) verified(ctx context.Context, token string) (*oidc.IDToken, error) {
	if err := v.checkIssuer(token); err != nil {
		return nil, err
	}
	provider, err := v.discover(ctx)
	if err != nil {
		return nil, err
	}
	// The audience is looked at afterwards, to tell that mistake from others.
	idToken, err := provider.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: v.config.Now}).Verify(ctx, token)
	if err != nil {
		return nil, v.refusal(err)
	}
	return idToken, nil
}

// holder reads whom a token names.
func (v *Verifier) holder(idToken *oidc.IDToken) (Holder, error) {
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		return Holder{}, &Refusal{Reason: "the token's claims can't be read"}
	}
	role, err := v.role(claims)
	if err != nil {
		return Holder{}, err
	}
	return Holder{Role: role, Name: nameOf(claims, idToken.Subject), Subject: idToken.Subject, Expires: idToken.Expiry}, nil
}

// checkIssuer looks whose token it says it is before anything is asked about it.
func (v *Verifier) checkIssuer(token string) error {
	var claims struct {
		Issuer string `json:"iss"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return unreadable()
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return unreadable()
	}
	if claims.Issuer != v.config.Issuer {
		return &Refusal{Reason: "the token is of another issuer"}
	}
	return nil
}

func unreadable() error { return &Refusal{Reason: "the token can't be read as a signed JWT"} }

// discover asks the issuer who it is, once it is asked for the first time and
// until it has answered.
func (v *Verifier) discover(ctx context.Context) (*oidc.Provider, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.provider != nil {
		return v.provider, nil
	}
	// The library keeps the context, for its values, longer than the request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.config.Issuer)
	if err != nil {
		if !v.failing {
			v.config.Logger.Warn("the issuer of tokens can't be reached; API keys are good as ever", "error", err)
		}
		v.failing = true
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if v.failing {
		v.config.Logger.Info("the issuer of tokens is reached again")
	}
	v.failing = false
	v.provider = provider
	return provider, nil
}

// refusal says in our words why the library doesn't take a token. Its own
// message may quote the token.
func (v *Verifier) refusal(err error) error {
	text := err.Error()
	switch {
	case errors.As(err, new(*oidc.TokenExpiredError)):
		return &Refusal{Reason: "the token has expired"}
	case strings.Contains(text, errJustAsked.Error()): // the library keeps the text only
		return unsigned()
	case strings.Contains(text, "fetching keys"):
		v.config.Logger.Warn("the keys of the issuer of tokens can't be fetched; API keys are good as ever", "error", err)
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case strings.Contains(text, "before the nbf"):
		return &Refusal{Reason: "the token isn't good yet"}
	case strings.Contains(text, "failed to verify"), strings.Contains(text, "unexpected signature algorithm"),
		strings.Contains(text, "unsupported algorithm"), strings.Contains(text, "id token signed with unsupported"):
		return unsigned()
	}
	return unreadable()
}

func unsigned() error { return &Refusal{Reason: "the token isn't signed with a key of its issuer"} }
