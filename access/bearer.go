// This file is how a program says who it is: with a key in each request.

package access

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Bearer is an [Authenticator] of requests that bring a key, as RFC 6750 has it
// (Authorization: Bearer KEY), or that only read and come from somebody whom
// another authenticator knows: a browser that is signed in, which downloads a file
// or reads the documentation. What changes something needs a key, so no page of
// another site can have it done. Where reader is nil, so does everything.
func Bearer(guard *Guard, reader Authenticator) Authenticator { return bearer{guard, reader} }

type bearer struct {
	guard  *Guard
	reader Authenticator
}

func (b bearer) Authenticate(r *http.Request) (Credential, error) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if b.reader != nil && reads && r.Header.Get("Authorization") == "" {
		credential, err := b.reader.Authenticate(r)
		if refusal, refused := errors.AsType[*Refusal](err); !refused || refusal.Kind != NoKey {
			return credential, err
		}
	}
	key, ok := bearerKey(r.Header.Get("Authorization"))
	if !ok {
		return Credential{}, &Refusal{Kind: NoKey, Reason: "an API key is required: Authorization: Bearer KEY"}
	}
	who, err := b.guard.Try(r, key)
	return Credential{Identity: who, Again: func(ctx context.Context) (Identity, error) {
		return b.guard.Keys.Lookup(ctx, key)
	}}, err
}

// bearerKey takes the key out of an Authorization header.
func bearerKey(header string) (string, bool) {
	scheme, key, ok := strings.Cut(header, " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}
