// This file signs in at an OpenID Connect issuer: the browser is sent there, and
// comes back with a code. What the sign-in was begun with stands in a cookie of
// that browser meanwhile, so that nobody can have another browser finish it.

package browser

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"boxoffice/access"
	"boxoffice/access/tokens"
)

// flowLife is how long somebody may take at the issuer.
const flowLife = 10 * time.Minute

// A begunFlow is what the browser keeps of a sign-in that is under way.
type begunFlow struct {
	Flow  tokens.Flow
	Next  string
	Until time.Time
}

// OpenID says whether people can sign in at an issuer.
func (b *Browser) OpenID() bool { return b.config.OpenID != nil }

// BeginOpenID returns the URL at the issuer to which the browser is sent; next is
// where it goes once it is signed in. The error is a [*access.Refusal] where the
// issuer can't be reached.
func (b *Browser) BeginOpenID(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	if err := b.checkOrigin(r); err != nil {
		return "", err
	}
	scheme := "http://"
	if b.secure(r) {
		scheme = "https://"
	}
	begun := begunFlow{Flow: tokens.NewFlow(scheme + r.Host + b.config.CallbackPath), Next: LocalPath(next), Until: time.Now().Add(flowLife)}
	to, err := b.config.OpenID.SignInURL(r.Context(), begun.Flow)
	if err != nil {
		return "", issuerRefusal(err)
	}
	b.write(w, r, flowCookie, b.keep(begun), flowLife)
	return to, nil
}

// FinishOpenID signs a browser in that comes back from the issuer, and returns
// where it goes now. The error is a [*access.Refusal] where nobody is signed in.
func (b *Browser) FinishOpenID(w http.ResponseWriter, r *http.Request) (next string, err error) {
	begun, ok := b.kept(r)
	b.write(w, r, flowCookie, "", -1) // what is begun is finished once
	query := r.URL.Query()
	state, code := query.Get("state"), query.Get("code")
	if !ok || state == "" || !hmac.Equal([]byte(state), []byte(begun.Flow.State)) {
		return "", &access.Refusal{Kind: access.BadKey, Reason: "this sign-in wasn't begun in this browser, or longer than ten minutes ago; begin it again"}
	}
	if code == "" {
		return "", &access.Refusal{Kind: access.BadKey, Reason: "the issuer signed nobody in"}
	}
	from, attempts := b.config.Guard.Front.Client(r), b.config.Guard.Attempts
	if wait := attempts.Wait(from, code); wait > 0 {
		return "", access.TooManyAttempts(wait)
	}
	if err := b.finish(w, r, begun.Flow, code); err != nil {
		if refused(err) {
			attempts.Failed(from, code)
		}
		return "", err
	}
	return begun.Next, nil
}

func (b *Browser) finish(w http.ResponseWriter, r *http.Request, flow tokens.Flow, code string) error {
	verified, err := b.config.OpenID.SignedIn(r.Context(), flow, code)
	if err != nil {
		return issuerRefusal(err)
	}
	held, err := b.config.Keyring.Person(verified)
	if err != nil {
		return err
	}
	return b.begin(w, r, held)
}

// issuerRefusal says in the words of access what the issuer's room says.
func issuerRefusal(err error) error {
	refusal, is := errors.AsType[*tokens.Refusal](err)
	switch {
	case is && refusal.Role:
		return &access.Refusal{Kind: access.Forbidden, Reason: refusal.Reason}
	case is:
		return &access.Refusal{Kind: access.BadKey, Reason: refusal.Reason}
	case errors.Is(err, tokens.ErrUnavailable):
		return &access.Refusal{Kind: access.Unavailable, Reason: tokens.ErrUnavailable.Error() + "; try again, or sign in with a key"}
	}
	return err
}

// keep writes what is begun as the value of a cookie that nobody else can make.
func (b *Browser) keep(begun begunFlow) string {
	text, err := json.Marshal(begun)
	if err != nil {
		panic("browser: texts and a time can't be written as JSON: " + err.Error())
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	return body + "." + b.seal("flow", body)
}

// kept reads it; false where there is nothing, or it is too old.
func (b *Browser) kept(r *http.Request) (begun begunFlow, ok bool) {
	cookie, _ := b.read(r, flowCookie)
	body, seal, _ := strings.Cut(cookie, ".")
	if !hmac.Equal([]byte(seal), []byte(b.seal("flow", body))) {
		return begunFlow{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(text, &begun) != nil {
		return begunFlow{}, false
	}
	return begun, time.Now().Before(begun.Until)
}
