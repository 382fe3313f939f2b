// This file has the issuer sign somebody in with a browser: OpenID Connect's
// authorization code flow, with PKCE.

package tokens

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A Flow is one sign-in that is under way. Its values are secrets of the browser
// that it was begun in.
type Flow struct {
	// State says that the answer belongs to this flow, Nonce that the token does,
	// and Verifier that the code is exchanged by whom it was asked for.
	State, Nonce, Verifier string
	// Redirect is where the issuer sends the browser back to: an absolute URL that
	// it knows.
	Redirect string
}

// NewFlow begins a sign-in that comes back to a URL.
func NewFlow(redirect string) Flow {
	return Flow{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect}
}

// SignInURL returns where the browser is sent to sign in. The error wraps
// [ErrUnavailable] where the issuer can't be asked.
func (v *Verifier) SignInURL(ctx context.Context, f Flow) (string, error) {
	provider, err := v.discover(ctx)
	if err != nil {
		return "", err
	}
	return v.oauth(provider, f).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

func (v *Verifier) oauth(provider *oidc.Provider, f Flow) *oauth2.Config {
	return &oauth2.Config{
		ClientID: v.config.ClientID, ClientSecret: v.config.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: f.Redirect, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
}

// SignedIn returns who has signed in, by the code with which the browser came
// back. The caller has held the state against the flow's. The error is a
// [*Refusal] where nobody has, and wraps [ErrUnavailable] where that can't be told
// at present.
func (v *Verifier) SignedIn(ctx context.Context, f Flow, code string) (Holder, error) {
	provider, err := v.discover(ctx)
	if err != nil {
		return Holder{}, err
	}
	answer, err := v.oauth(provider, f).Exchange(oidc.ClientContext(ctx, v.codes), code, oauth2.VerifierOption(f.Verifier))
	if refused, is := errors.AsType[*oauth2.RetrieveError](err); is && refused.ErrorCode == "invalid_grant" {
		return Holder{}, &Refusal{Reason: "the issuer doesn't know this sign-in; begin it again"}
	}
	if err != nil {
		v.config.Logger.Warn("the issuer of tokens signs nobody in for this service", "error", err)
		return Holder{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	token, _ := answer.Extra("id_token").(string)
	idToken, err := v.verified(ctx, token)
	if err != nil {
		return Holder{}, err
	}
	if err := v.checkFlow(idToken, f); err != nil {
		return Holder{}, err
	}
	return v.holder(idToken)
}

// checkFlow holds a token against the sign-in that it came of.
func (v *Verifier) checkFlow(idToken *oidc.IDToken, f Flow) error {
	var claims struct {
		Party string `json:"azp"`
	}
	switch {
	case !slices.Contains(idToken.Audience, v.config.ClientID):
		return &Refusal{Reason: "the token is meant for another audience"}
	case f.Nonce == "" || subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(f.Nonce)) != 1:
		return &Refusal{Reason: "the token is of another sign-in; begin it again"}
	case idToken.Claims(&claims) != nil, claims.Party != "" && claims.Party != v.config.ClientID:
		return &Refusal{Reason: "the token was issued to another party"}
	}
	return nil
}
