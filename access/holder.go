// This file is what is kept of a key while somebody is signed in with it: what it
// takes to look up whether it is still good, and nothing that opens anything.

package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"boxoffice/access/sessions"
	"boxoffice/access/tokens"
)

// The kinds of what somebody signs in with, as sessions store them.
const (
	holdsMade       = "made"       // ref is the key's name, which no other key ever has
	holdsConfigured = "configured" // ref is a hash of the key, made with the secret
	holdsToken      = "token"      // ref is the issuer
)

// Holder returns what is kept of a key, and whose it is. The error is a
// [*Refusal] where it is nobody's.
func (r *Keyring) Holder(ctx context.Context, key string) (sessions.Holder, Identity, error) {
	who, err := r.configured.Lookup(ctx, key)
	if err == nil {
		return holder(holdsConfigured, r.fingerprint(sha256.Sum256([]byte(key))), who), who, nil
	}
	if r.tokens != nil && tokens.Looks(key) {
		verified, err := r.tokens.Verify(ctx, key)
		if who, err = ofToken(verified, err); err != nil {
			return sessions.Holder{}, Identity{}, err
		}
		h := holder(holdsToken, r.issuer, who)
		h.Ends = &verified.Expires
		return h, who, nil
	}
	if who, err = r.Lookup(ctx, key); err != nil {
		return sessions.Holder{}, Identity{}, err
	}
	return holder(holdsMade, who.Name, who), who, nil
}

// Person returns what is kept of somebody whom the issuer itself has signed in.
// The error is a [*Refusal] where they may do nothing here.
func (r *Keyring) Person(verified tokens.Holder) (sessions.Holder, error) {
	who, err := ofToken(verified, nil)
	return holder(holdsToken, r.issuer, who), err
}

func holder(kind, ref string, who Identity) sessions.Holder {
	return sessions.Holder{Kind: kind, Ref: ref, Name: who.Name, Role: string(who.Role)}
}

// Recall returns who somebody is who signed in, as what they signed in with has
// it now. The error is a [*Refusal] where that isn't good any more.
func (r *Keyring) Recall(ctx context.Context, h sessions.Holder) (Identity, error) {
	switch h.Kind {
	case holdsMade:
		k, ok, err := r.made.FindByName(ctx, h.Ref)
		return ofMade(k, ok, err)
	case holdsConfigured:
		for _, held := range r.configured.held {
			if hmac.Equal([]byte(r.fingerprint(held.hash)), []byte(h.Ref)) {
				return held.identity, nil
			}
		}
	case holdsToken:
		if r.tokens != nil && h.Ref == r.issuer && slices.Contains(Roles, Role(h.Role)) {
			return Identity{Role: Role(h.Role), Name: h.Name}, nil
		}
	}
	return Identity{}, errUnknownKey
}

// fingerprint is what is stored of a key of the configuration. People choose
// those themselves, so a plain hash of one might be guessed.
func (r *Keyring) fingerprint(hash [sha256.Size]byte) string {
	mac := hmac.New(sha256.New, r.secret)
	mac.Write([]byte("configured key"))
	mac.Write(hash[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
