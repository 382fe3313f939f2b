// This file makes sure that what changes something was asked for on a page of this
// service, by whoever is signed in.

package browser

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"boxoffice/access"
)

const (
	// FormField is the field of a form that has its token: in a form that uploads
	// files, the first one.
	FormField = "csrf_token"
	// FormHeader is the header that has the token of a request that a script makes.
	FormHeader = "X-CSRF-Token"
	// maxToken is more than a token has, in bytes.
	maxToken = 128
	// maxBefore is how much of a form that uploads files is read for its token.
	maxBefore = 16 << 10
)

// FormToken returns a token for the forms of the session that a request is of;
// the empty string where it is of none. Each is another, so that nobody finds one
// out by what compressed pages weigh; all are good as long as the session is.
func (b *Browser) FormToken(r *http.Request) string {
	value, ok := b.cookie(r)
	if !ok {
		return ""
	}
	return b.formToken(rand.Text(), value)
}

func (b *Browser) formToken(salt, value string) string {
	return salt + "." + b.seal("form", salt+"\x00"+value)
}

// seal is a keyed hash of a text for a purpose.
func (b *Browser) seal(purpose, text string) string {
	mac := hmac.New(sha256.New, b.config.Secret)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

var errOtherSite = &access.Refusal{Kind: access.Forbidden, Reason: "this was sent by another site, so it isn't done"}

// checkOrigin refuses what another site has a browser send.
func (b *Browser) checkOrigin(r *http.Request) error {
	if b.origin.Check(r) != nil {
		return errOtherSite
	}
	return nil
}

// checkForm refuses a request that may change something and wasn't sent by a
// page of the session. Of a form that uploads files only the first part is read,
// and the body is as it was afterwards.
func (b *Browser) checkForm(r *http.Request, value string) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if err := b.checkOrigin(r); err != nil {
		return err
	}
	sent := sentToken(r)
	salt, _, _ := strings.Cut(sent, ".")
	if !hmac.Equal([]byte(sent), []byte(b.formToken(salt, value))) {
		return &access.Refusal{Kind: access.Forbidden, Reason: "the form is not of this session: load the page again and send it once more"}
	}
	return nil
}

// sentToken is the token that a request brings; the empty string where it has none.
func sentToken(r *http.Request) string {
	if token := r.Header.Get(FormHeader); token != "" {
		return token
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case kind == "application/x-www-form-urlencoded":
		return r.PostFormValue(FormField)
	case kind == "multipart/form-data":
		return firstPart(r, parameters["boundary"])
	}
	return ""
}

// firstPart reads the first field of a form that uploads files, where that is the
// token. What is uploaded may be large and personal: it isn't kept here.
func firstPart(r *http.Request, boundary string) string {
	body := r.Body
	var seen bytes.Buffer
	defer func() {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(&seen, body), body}
	}()
	part, err := multipart.NewReader(io.TeeReader(io.LimitReader(body, maxBefore), &seen), boundary).NextPart()
	if err != nil || part.FormName() != FormField {
		return ""
	}
	token, err := io.ReadAll(io.LimitReader(part, maxToken))
	if err != nil {
		return ""
	}
	return string(token)
}
