// This file is who holds which key: one of the configuration, a token of an
// OpenID Connect issuer, or one that the service has made.

package access

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/access/apikeys"
	"boxoffice/access/tokens"
)

// A ConfiguredKey is an API key of the configuration.
type ConfiguredKey struct {
	Role Role
	Key  string
}

// A KeyringConfig says which keys there are.
type KeyringConfig struct {
	// Configured are the keys of the configuration, in its order: they have no
	// names of their own.
	Configured []ConfiguredKey
	// Made are the keys that the service has made. Required.
	Made *apikeys.Store
	// Tokens, where set, says whose tokens are keys. The keyring fills in the roles.
	Tokens *tokens.Config
	// Secret is 32 bytes that all processes of the service know and nobody else:
	// what is kept of a key of the configuration is hashed with it. Required.
	Secret []byte
}

// A Keyring finds out who holds a key. It is safe for concurrent use.
type Keyring struct {
	configured configuredKeys
	made       *apikeys.Store
	tokens     *tokens.Verifier // nil where there is no issuer
	issuer     string
	secret     []byte
}

// NewKeyring gathers the keys.
func NewKeyring(c KeyringConfig) (*Keyring, error) {
	if len(c.Secret) < 32 {
		return nil, errors.New("the keyring's secret has fewer than 32 bytes")
	}
	ring := &Keyring{made: c.Made, secret: c.Secret}
	for i, k := range c.Configured {
		who := Identity{Role: k.Role, Name: fmt.Sprintf("%s %d", configuredPrefix, i+1)}
		if err := ring.configured.Add(k.Key, who); err != nil {
			return nil, err
		}
	}
	if c.Tokens != nil {
		ring.tokens, ring.issuer = newVerifier(*c.Tokens), c.Tokens.Issuer
	}
	return ring, nil
}

func newVerifier(c tokens.Config) *tokens.Verifier {
	c.Roles = make([]string, len(Roles))
	for i, r := range Roles {
		c.Roles[i] = string(r)
	}
	c.Contains = func(role, other string) bool { return Role(role).Contains(Role(other)) }
	return tokens.New(c)
}

// Issuer is the issuer whose tokens are keys; nil where there is none.
func (r *Keyring) Issuer() *tokens.Verifier { return r.tokens }

// TakesTokens says whether tokens of an issuer are keys: they end without
// anybody's doing.
func (r *Keyring) TakesTokens() bool { return r.tokens != nil }

// errUnknownKey is the answer to a key that is nobody's.
var errUnknownKey = &Refusal{Kind: BadKey, Reason: "the API key is not known, has expired or was revoked"}

// Lookup returns the identity of who holds the key. The error is a [*Refusal]
// where nobody does.
func (r *Keyring) Lookup(ctx context.Context, key string) (Identity, error) {
	if who, err := r.configured.Lookup(ctx, key); err == nil {
		return who, nil
	}
	if r.tokens != nil && tokens.Looks(key) {
		holder, err := r.tokens.Verify(ctx, key)
		return ofToken(holder, err)
	}
	k, ok, err := r.made.Find(ctx, key)
	return ofMade(k, ok, err)
}

// ofMade is who holds a key that was looked for among those that were made.
func ofMade(k apikeys.Key, ok bool, err error) (Identity, error) {
	if err != nil {
		return Identity{}, err
	}
	if !ok {
		return Identity{}, errUnknownKey
	}
	return Identity{Role: Role(k.Role), Name: k.Name, Types: k.Types}, nil
}

// ofToken is who holds a token that was verified.
func ofToken(holder tokens.Holder, err error) (Identity, error) {
	refusal, refused := errors.AsType[*tokens.Refusal](err)
	switch {
	case refused && refusal.Role:
		return Identity{}, &Refusal{Kind: Forbidden, Reason: refusal.Reason}
	case refused:
		return Identity{}, &Refusal{Kind: BadKey, Reason: refusal.Reason}
	case errors.Is(err, tokens.ErrUnavailable):
		return Identity{}, &Refusal{Kind: Unavailable, Reason: tokens.ErrUnavailable.Error() + "; try again, or use an API key"}
	case err != nil:
		return Identity{}, err
	case Reserved(holder.Name):
		return Identity{}, &Refusal{Kind: BadKey, Reason: "the token's name for its holder " + ErrNameReserved.Error()}
	}
	return Identity{Role: Role(holder.Role), Name: holder.Name}, nil
}
