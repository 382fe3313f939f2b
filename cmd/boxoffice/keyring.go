// This file is who holds which key: one of the configuration, one that the
// service has made, or a token of an OpenID Connect issuer.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"boxoffice/access/apikeys"
	"boxoffice/access/attempts"
	"boxoffice/access/tokens"
	"boxoffice/api"
	"boxoffice/ingest"
)

// A keyring finds out who holds a key. It is safe for concurrent use.
type keyring struct {
	static api.StaticKeys
	made   *apikeys.Store
	tokens *tokens.Verifier // nil where no issuer is configured
}

// openKeyring gathers the keys. It gives how many ways in the configuration has
// beside the keys that were made.
func openKeyring(c *config, made *apikeys.Store, log *slog.Logger) (ring *keyring, waysIn int, err error) {
	keys, err := parseAPIKeys(c.APIKeys)
	if err != nil {
		return nil, 0, err
	}
	ring, waysIn = &keyring{made: made}, len(keys)
	for i, k := range keys {
		// Keys of the configuration have no names of their own.
		who := api.Identity{Role: k.role, Name: fmt.Sprintf("%s %d", configuredPrefix, i+1)}
		if err := ring.static.Add(k.key, who); err != nil {
			return nil, 0, err
		}
	}
	if c.OIDCIssuer != "" {
		ring.tokens = newTokens(c, log)
		waysIn++
	}
	return ring, waysIn, nil
}

func newTokens(c *config, log *slog.Logger) *tokens.Verifier {
	roles := make([]string, len(api.Roles))
	for i, r := range api.Roles {
		roles[i] = string(r)
	}
	return tokens.New(tokens.Config{
		Issuer: c.OIDCIssuer, Audience: c.OIDCAudience, RoleClaim: c.OIDCRoleClaim, Roles: roles,
		Contains: func(role, other string) bool { return api.Role(role).Contains(api.Role(other)) },
		Logger:   log,
	})
}

// Lookup gives the identity of who holds the key.
func (r *keyring) Lookup(ctx context.Context, key string) (api.Identity, bool, error) {
	if who, ok, err := r.static.Lookup(ctx, key); ok || err != nil {
		return who, ok, err
	}
	if r.tokens != nil && tokens.Looks(key) {
		return r.lookupToken(ctx, key)
	}
	k, ok, err := r.made.Find(ctx, key)
	return api.Identity{Role: api.Role(k.Role), Name: k.Name, Types: k.Types}, ok, err
}

func (r *keyring) lookupToken(ctx context.Context, token string) (api.Identity, bool, error) {
	holder, err := r.tokens.Verify(ctx, token)
	refusal, refused := errors.AsType[*tokens.Refusal](err)
	switch {
	case refused && refusal.Role:
		return api.Identity{}, false, &api.KeyError{Reason: refusal.Reason, Status: http.StatusForbidden}
	case refused:
		return api.Identity{}, false, &api.KeyError{Reason: refusal.Reason}
	case errors.Is(err, tokens.ErrUnavailable):
		return api.Identity{}, false, &api.KeyError{Reason: tokens.ErrUnavailable.Error() + "; try again, or use an API key", Status: http.StatusServiceUnavailable}
	case err != nil:
		return api.Identity{}, false, err
	case reserved(holder.Name):
		return api.Identity{}, false, &api.KeyError{Reason: "the token's name for its holder " + errNameReserved.Error()}
	}
	return api.Identity{Role: api.Role(holder.Role), Name: holder.Name}, true, nil
}

// publishers is the same for NATS: what the holder of a token may publish.
func (r *keyring) publishers(token string) (ingest.Grant, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	who, ok, err := r.Lookup(ctx, token)
	switch {
	case err != nil || !ok:
		return ingest.Grant{}, false
	case who.Role == api.RoleAdmin:
		return ingest.GrantAll(), true
	case who.Role == api.RolePublisher:
		return ingest.GrantTypes(who.Types...), true
	}
	return ingest.Grant{}, false
}

// natsAttempts bounds attempts over NATS as the API bounds those over HTTP.
type natsAttempts struct{ counter *attempts.Counter }

// Allowed says whether a client may try a token now.
func (a natsAttempts) Allowed(from, token string) bool {
	network, _ := attempts.Network(from)
	return a.counter.Wait(network, token) == 0
}

// Failed notes a token that is no good.
func (a natsAttempts) Failed(from, token string) {
	network, _ := attempts.Network(from)
	a.counter.Failed(network, token)
}

// Succeeded notes a token that is good.
func (a natsAttempts) Succeeded(token string) { a.counter.Succeeded(token) }
