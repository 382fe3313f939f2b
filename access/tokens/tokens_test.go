package tokens_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"boxoffice/access/tokens"
	"boxoffice/access/tokens/tokenstest"
	"boxoffice/internal/eventually"
)

// verifier takes tokens of the issuer with the role in the claim.
func verifier(i *tokenstest.Issuer, claim string, log io.Writer) *tokens.Verifier {
	return tokens.New(tokens.Config{
		Issuer: i.URL(), Audience: tokenstest.Audience, RoleClaim: claim,
		Roles: []string{"admin", "support", "auditor", "viewer", "publisher"},
		Contains: func(role, other string) bool {
			return role == "admin" || other == "viewer" && slices.Contains([]string{"support", "auditor"}, role)
		},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

func reason(t *testing.T, err error) string {
	t.Helper()
	refusal, ok := errors.AsType[*tokens.Refusal](err)
	if !ok {
		t.Fatalf("the error is %v, not a refusal", err)
	}
	return refusal.Reason
}

// A token of the issuer is read: role, name, subject and end.
func TestATokenOfTheIssuer(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.Start()
	v := verifier(issuer, "role", io.Discard)
	for _, c := range []struct {
		claim  string
		claims map[string]any
		role   string
		reason string
	}{
		{"role", map[string]any{"role": "support"}, "support", ""},
		{"role", map[string]any{"role": []string{"offline_access", "support"}}, "support", ""},
		{"role", map[string]any{"role": []string{"viewer", "auditor", "auditor"}}, "auditor", ""},
		{"role", map[string]any{"role": []string{"publisher", "viewer", "admin"}}, "admin", ""},
		{"role", map[string]any{"role": []string{"support", "auditor"}}, "", "several roles"},
		{"role", map[string]any{"role": []string{"publisher", "viewer"}}, "", "several roles"},
		{"role", map[string]any{"role": "Admin"}, "", "names no role"},
		{"role", map[string]any{"role": 7}, "", "names no role"},
		{"role", map[string]any{}, "", "names no role"},
		{"realm_access.roles", map[string]any{"realm_access": map[string]any{"roles": []string{"viewer"}}}, "viewer", ""},
		{"https://example.org/role", map[string]any{"https://example.org/role": "viewer"}, "viewer", ""},
		{"realm_access.roles", map[string]any{"realm_access": "admin"}, "", "names no role"},
		{"resource_access.my.client.roles", map[string]any{"resource_access": map[string]any{"my.client": map[string]any{"roles": []string{"viewer"}}}}, "viewer", ""},
		{"a.b.c", map[string]any{"a.b": map[string]any{"d": "admin"}, "a": map[string]any{"b": map[string]any{"c": "viewer"}}}, "viewer", ""},
		{"a.b.c", map[string]any{"a.b": map[string]any{"c": "viewer"}, "a": map[string]any{"b": map[string]any{"c": "admin"}}}, "viewer", ""},
		{"https://example.org/role", map[string]any{"https://example.org/role": "viewer"}, "viewer", ""},
	} {
		v := v
		if c.claim != "role" {
			v = verifier(issuer, c.claim, io.Discard)
		}
		got, err := v.Verify(t.Context(), issuer.Token(c.claims))
		if c.reason != "" {
			if !strings.Contains(reason(t, err), c.reason) || !err.(*tokens.Refusal).Role {
				t.Errorf("%v: %v, want %q", c.claims, err, c.reason)
			}
			continue
		}
		if err != nil || got.Role != c.role || got.Subject != "sid1" || got.Name != "sid1" || time.Until(got.Expires) > 10*time.Minute {
			t.Errorf("%v: %+v, %v", c.claims, got, err)
		}
	}
	named, err := v.Verify(t.Context(), issuer.Token(map[string]any{"role": "viewer", "preferred_username": "bea", "email": "b@example.org"}))
	if err != nil || named.Name != "bea" {
		t.Errorf("named %+v, %v", named, err)
	}
}

// What isn't a good token of the issuer for this service is refused, with a
// reason that quotes nothing of it.
func TestOtherTokens(t *testing.T) {
	issuer, other := tokenstest.Build(t), tokenstest.Build(t)
	issuer.Start()
	other.Start()
	v := verifier(issuer, "role", io.Discard)
	admin := map[string]any{"role": "admin"}
	good := issuer.Token(admin)
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	// Signed with the issuer's public knowledge: "none", and HMAC with a text.
	none := encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	symmetric := encode([]byte(`{"alg":"HS256"}`)) + "." + parts[1]
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(symmetric))
	for name, c := range map[string]struct{ token, reason string }{
		"expired":          {issuer.TokenFor(tokenstest.Audience, -time.Minute, admin), "has expired"},
		"another audience": {issuer.TokenFor("elsewhere", time.Minute, admin), "another audience"},
		"another issuer":   {other.Token(admin), "another issuer"},
		"unsigned":         {none, "signed with a key of its issuer"},
		"symmetric":        {symmetric + "." + encode(mac.Sum(nil)), "signed with a key of its issuer"},
		"changed claims":   {parts[0] + "." + encode(bytes.Replace(decoded(t, parts[1]), []byte("admin"), []byte("adMin"), 1)) + "." + parts[2], "signed with a key of its issuer"},
		"cut off":          {good[:len(good)-10], "signed with a key of its issuer"},
		"no claims":        {parts[0] + ".e30." + parts[2], ""},
		"nothing":          {"..", ""},
	} {
		_, err := v.Verify(t.Context(), c.token)
		if got := reason(t, err); !strings.Contains(got, c.reason) || strings.Contains(got, "sid1") {
			t.Errorf("%s: %q, want %q", name, got, c.reason)
		}
	}
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An issuer that is down is no token's fault, and nothing is forgotten
// meanwhile: tokens that are signed with a known key are read. When it is back,
// with a new key, so are its new tokens.
func TestAnIssuerThatIsDown(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.Start()
	early := issuer.Token(map[string]any{"role": "viewer"})
	issuer.Stop()
	var log bytes.Buffer
	v := verifier(issuer, "role", &log)
	for range 10 {
		if _, err := v.Verify(t.Context(), early); !errors.Is(err, tokens.ErrUnavailable) {
			t.Fatalf("while the issuer is down: %v", err)
		}
	}
	if n := strings.Count(log.String(), "can't be reached"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	issuer.Start()
	known := issuer.Token(map[string]any{"role": "viewer"})
	eventuallyGood(t, v, known)
	issuer.Stop()
	if _, err := v.Verify(t.Context(), known); err != nil {
		t.Errorf("a token with a known key, while the issuer is down: %v", err)
	}
	// That the issuer is gone shows when it is asked the next time.
	eventually.Succeeds(t, "a token with an unknown key can't be judged", func() error {
		if _, err := v.Verify(t.Context(), early); !errors.Is(err, tokens.ErrUnavailable) {
			return fmt.Errorf("it is judged: %w", err)
		}
		return nil
	})
	issuer.Start()
	eventuallyGood(t, v, issuer.Token(map[string]any{"role": "viewer"}))
}

// eventuallyGood waits until a token is read: the issuer is asked only so often.
func eventuallyGood(t *testing.T, v *tokens.Verifier, token string) {
	t.Helper()
	eventually.Succeeds(t, "the token is read", func() error {
		_, err := v.Verify(context.Background(), token)
		return err
	})
}

// When the issuer changes its key, tokens of the new one are good and those of
// the old one aren't, once that is known.
func TestKeysRotate(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.Start()
	v := verifier(issuer, "role", io.Discard)
	old := issuer.Token(map[string]any{"role": "admin"})
	eventuallyGood(t, v, old)
	issuer.Rotate()
	eventuallyGood(t, v, issuer.Token(map[string]any{"role": "admin"}))
	// The library answers from the new keys a moment before it keeps them.
	eventually.Holds(t, "a token of a key that the issuer has given up is no good", func() bool {
		_, err := v.Verify(t.Context(), old)
		return err != nil
	})
}

// However many tokens somebody makes up, the issuer is asked now and then only.
func TestTheIssuerIsAskedNowAndThen(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.Start()
	asked := 0
	http.DefaultTransport = counting{http.DefaultTransport, &asked}
	defer func() { http.DefaultTransport = http.DefaultTransport.(counting).RoundTripper }()
	v := verifier(issuer, "role", io.Discard)
	token := issuer.Token(map[string]any{"role": "admin"})
	asked = 0
	issuer.Rotate() // a request of its own
	for range 500 {
		_, _ = v.Verify(t.Context(), token)
	}
	if asked > 12 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

type counting struct {
	http.RoundTripper
	n *int
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.n++
	return c.RoundTripper.RoundTrip(r)
}

func TestLooks(t *testing.T) {
	for key, want := range map[string]bool{
		"eyJhbGciOiJSUzI1NiJ9.e30.x": true, "": false, "bxo_abc": false, "a.b.c": false, "..": false,
		"eyJhbGciOiJSUzI1NiJ9.e30": false, "e30.e30.x": false, "eyJhbGciOiJSUzI1NiJ9.e30.x.y": false,
	} {
		if got := tokens.Looks(key); got != want {
			t.Errorf("Looks(%q) = %v", key, got)
		}
	}
}
