package tokens_test

import (
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"boxoffice/access/tokens"
	"boxoffice/access/tokens/tokenstest"
)

// Who signs in at the issuer is whom its token names, if the code is exchanged by
// whom it was asked for and the token belongs to this very sign-in.
func TestSigningIn(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.SendBack("http://127.0.0.1:9/callback")
	issuer.Start()
	v := verifier(issuer, "role", io.Discard)
	for name, c := range map[string]struct {
		change func(f *tokens.Flow)
		reason string
	}{
		"as it was begun":     {func(*tokens.Flow) {}, ""},
		"another nonce":       {func(f *tokens.Flow) { f.Nonce = "another" }, "of another sign-in"},
		"no nonce":            {func(f *tokens.Flow) { f.Nonce = "" }, "of another sign-in"},
		"another verifier":    {func(f *tokens.Flow) { f.Verifier = strings.Repeat("v", 43) }, "doesn't know this sign-in"},
		"sent back elsewhere": {func(f *tokens.Flow) { f.Redirect = "http://127.0.0.1:9/elsewhere" }, "doesn't know this sign-in"},
	} {
		flow := tokens.NewFlow("http://127.0.0.1:9/callback")
		to, err := v.SignInURL(t.Context(), flow)
		if err != nil {
			t.Fatal(err)
		}
		back, err := url.Parse(issuer.SignIn(to))
		if err != nil {
			t.Fatal(err)
		}
		c.change(&flow)
		holder, err := v.SignedIn(t.Context(), flow, back.Query().Get("code"))
		switch {
		case c.reason != "":
			if got := reason(t, err); !strings.Contains(got, c.reason) {
				t.Errorf("%s: %q, want %q", name, got, c.reason)
			}
		case err != nil || holder.Name != "bea" || holder.Role != "support" || holder.Subject == "":
			t.Errorf("%s: %+v, %v", name, holder, err)
		}
	}
	other := tokens.New(tokens.Config{Issuer: issuer.URL(), Audience: "elsewhere", RoleClaim: "role", Roles: []string{"support"}})
	to, err := other.SignInURL(t.Context(), tokens.NewFlow("http://127.0.0.1:9/callback"))
	if err != nil || !strings.Contains(to, "client_id=elsewhere") {
		t.Errorf("the client is the audience by default: %s, %v", to, err)
	}
}

// A client that the issuer has given a secret signs people in with it, and not
// without. Tokens as keys are still meant for the audience.
func TestSigningInAsAClientWithASecret(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.SendBack("http://127.0.0.1:9/callback")
	issuer.Start()
	for secret, good := range map[string]bool{tokenstest.ClientSecret: true, "another": false, "": false} {
		v := tokens.New(tokens.Config{
			Issuer: issuer.URL(), Audience: tokenstest.Audience, RoleClaim: "role", Roles: []string{"support"},
			ClientID: tokenstest.ClientID, ClientSecret: secret, Logger: slog.New(slog.DiscardHandler),
		})
		flow := tokens.NewFlow("http://127.0.0.1:9/callback")
		to, err := v.SignInURL(t.Context(), flow)
		if err != nil {
			t.Fatal(err)
		}
		back, err := url.Parse(issuer.SignIn(to))
		if err != nil {
			t.Fatal(err)
		}
		holder, err := v.SignedIn(t.Context(), flow, back.Query().Get("code"))
		if good != (err == nil) || good && holder.Role != "support" {
			t.Errorf("with the secret %q: %+v, %v", secret, holder, err)
		}
		if _, err := v.Verify(t.Context(), issuer.Token(map[string]any{"role": "support"})); err != nil {
			t.Errorf("a token for the audience: %v", err)
		}
	}
}
