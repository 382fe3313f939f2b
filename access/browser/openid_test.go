package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/tokens"
	"boxoffice/access/tokens/tokenstest"
)

// callback is where the issuer sends people back to.
const callback = "http://127.0.0.1:9/signin/callback"

// A person signs in at a real issuer, and is who it says; each half of the sign-in
// is good once, in the browser that began it, and only with the other half.
func TestSigningInAtAnIssuer(t *testing.T) {
	issuer := tokenstest.Build(t)
	issuer.SendBack(callback)
	db := sqlite(t)
	p := start(t, db, setup{tokens: &tokens.Config{Issuer: issuer.URL(), Audience: tokenstest.Audience, RoleClaim: "role"}})
	if _, err := begin(p, newTab(), "/"); !isKind(err, access.Unavailable) {
		t.Fatalf("while the issuer is down: %v", err)
	}
	issuer.Start()

	tab, other := newTab(), newTab()
	to := begun(t, p, tab, "/users?status=active")
	query := mustParse(t, to).Query()
	if query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "" || query.Get("nonce") == "" || query.Get("state") == "" ||
		query.Get("client_id") != tokenstest.Audience || query.Get("redirect_uri") != callback {
		t.Errorf("the browser is sent to %s", to)
	}
	back := issuer.SignIn(to)

	// Another browser can't finish it, nor one that has begun another.
	notBegunHere := func(err error) bool {
		return isKind(err, access.BadKey) && strings.Contains(err.Error(), "wasn't begun in this browser")
	}
	if _, err := finish(p, other, back); !notBegunHere(err) {
		t.Errorf("another browser: %v", err)
	}
	begun(t, p, other, "/")
	if _, err := finish(p, other, back); !notBegunHere(err) {
		t.Errorf("a browser that has begun another: %v", err)
	}
	// A code that was got by somebody else is exchanged by nobody: it is asked for
	// with the verifier of the browser that brings it.
	begunThere := mustParse(t, begun(t, p, other, "/")).Query().Get("state")
	injected := mustParse(t, back)
	values := injected.Query()
	values.Set("state", begunThere)
	injected.RawQuery = values.Encode()
	if _, err := finish(p, other, injected.String()); !isKind(err, access.BadKey) {
		t.Errorf("another's code: %v", err)
	}
	if len(other.cookies) != 0 {
		t.Errorf("the other browser has %v", other.cookies)
	}

	// The exchange above has used the code up, so it begins again.
	back = issuer.SignIn(begun(t, p, tab, "/users?status=active"))
	next, err := finish(p, tab, back)
	if err != nil || next != "/users?status=active" {
		t.Fatal(next, err)
	}
	tab.mustBe(p, "bea", access.Support)
	if _, err := finish(p, tab, back); !isKind(err, access.BadKey) {
		t.Errorf("it is finished twice: %v", err)
	}
	tab.mustBe(p, "bea", access.Support)

	// Whatever next says, it leads to this service.
	elsewhere := newTab()
	next, err = finish(p, elsewhere, issuer.SignIn(begun(t, p, elsewhere, "https://evil.example")))
	if err != nil || next != "/" {
		t.Errorf("it leads to %q, %v", next, err)
	}
	// Nobody signs in without a code, or with a cookie that was made up.
	declined := newTab()
	state := mustParse(t, begun(t, p, declined, "/")).Query().Get("state")
	if _, err := finish(p, declined, callback+"?error=access_denied&state="+state); !isKind(err, access.BadKey) {
		t.Errorf("who was turned away there: %v", err)
	}
	forged := newTab()
	forged.cookies["boxoffice-signin"] = &http.Cookie{Name: "boxoffice-signin", Value: "e30.e30"}
	if _, err := finish(p, forged, callback+"?code=c&state="); !notBegunHere(err) {
		t.Errorf("a cookie that was made up: %v", err)
	}

	// Where that issuer's tokens aren't taken any more, its sessions end; a token of
	// it as a key signs in until it expires.
	tab.mustBeNobody(start(t, db, setup{}), access.BadKey)
	tab.mustBeNobody(start(t, db, setup{tokens: &tokens.Config{Issuer: "https://other.example", Audience: tokenstest.Audience, RoleClaim: "role"}}), access.BadKey)
	pasted := newTab()
	if err := pasted.signIn(p, issuer.Token(map[string]any{"role": "viewer", "preferred_username": "cy"})); err != nil {
		t.Fatal(err)
	}
	pasted.mustBe(p, "cy", access.Viewer)
	current, err := p.Current(pasted.request(http.MethodGet, "/", nil))
	if err != nil || time.Until(current.Ends) > 10*time.Minute {
		t.Errorf("it outlives the token: %+v, %v", current, err)
	}
}

func begin(p *process, b *tab, next string) (string, error) {
	r := b.request(http.MethodPost, callback, nil)
	w := httptest.NewRecorder()
	to, err := p.BeginOpenID(w, r, next)
	b.take(w)
	return to, err
}

func begun(t *testing.T, p *process, b *tab, next string) string {
	t.Helper()
	to, err := begin(p, b, next)
	must(t, err)
	return to
}

// finish is the browser that comes back.
func finish(p *process, b *tab, back string) (string, error) {
	w := httptest.NewRecorder()
	next, err := p.FinishOpenID(w, b.request(http.MethodGet, back, nil))
	b.take(w)
	return next, err
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u
}
