package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/accounts"
)

// Why something can't be done is said in the reader's language, by its cause; what
// is there in English only is marked as English.
func TestReasonsAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := func(language string) *visit {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", language)
		return w.server.visit(page{}, httptest.NewRecorder(), r)
	}
	english, french := in("en"), in("fr")
	seen := map[string]bool{}
	for _, err := range []error{
		&accounts.UnavailableError{Reason: "so", Cause: accounts.CauseOthers}, &accounts.UnavailableError{Reason: "so", Cause: accounts.CauseSome},
		&accounts.UnavailableError{Reason: "so", Cause: accounts.CauseBroker}, &accounts.UnavailableError{Reason: "so", Cause: accounts.CauseModels},
		&accounts.UnavailableError{Reason: "so", Cause: accounts.CauseLock}, &accounts.UnavailableError{Reason: "so", Cause: accounts.CauseUnsettled, Stored: accounts.StoredSafely},
		&accounts.UnavailableError{Reason: "so", Cause: accounts.CauseUnsettled, Stored: accounts.PerhapsStored}, &access.Refusal{Kind: access.Unavailable, Reason: "so"},
	} {
		en, fr := string(english.told(err)), string(french.told(err))
		if en == "so" || strings.Contains(fr, "lang=") || fr == en || seen[fr] {
			t.Errorf("%#v is said as %q, and as %q", err, en, fr)
		}
		seen[fr] = true
	}
	if other := french.told(&accounts.UnavailableError{Reason: "<so>"}); other != `<span lang="en">&lt;so&gt;</span>` {
		t.Errorf("what has no other words is said as %q", other)
	}
	if nothing := french.told(errors.New("broken")); nothing != "" {
		t.Errorf("what is nothing for people is said as %q", nothing)
	}
	form := url.Values{"made": {"made"}, "id": {"a\x01"}, "custom_key": {""}, "custom_value": {"x"}, "custom_was": {""}, "custom_old": {""}, "custom_kind": {"text"}, "csrf_token": {w.token(access.Admin)}}
	r := httptest.NewRequest(http.MethodPost, "/users/new", strings.NewReader(form.Encode()))
	answer := w.do(r, access.Admin, "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "fr")
	page := answer.Body.String()
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(page, `<span lang="en">must`) || strings.Contains(page, `<span lang="en">`+french.T("form.custom.no-key")) ||
		!strings.Contains(page, french.T("form.custom.no-key")) {
		t.Errorf("the form is answered with %d: %s", answer.Code, page)
	}
}
