package console

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/trail"
)

// aMoment finds times of the real clock, at which keys are made.
var aMoment = regexp.MustCompile(`<time datetime="[^"]*">.*?</time>`)

// aKey finds a key that was made.
var aKey = regexp.MustCompile(`<code id="key">(bxo_[^<]*)</code>`)

func timeless(page string) string {
	page = aMoment.ReplaceAllString(page, "<time>TIME</time>")
	return regexp.MustCompile(`bxo_[\w-]*`).ReplaceAllString(page, "KEY")
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	golden(t, "keys-none", timeless(w.get(access.Admin, "/keys").Body.String()))
	soon := time.Now().Add(time.Hour)
	past := testNow.Add(-time.Hour)
	for _, k := range []apikeys.Key{
		{Name: `<b>"player"</b>`, Role: "publisher", Types: []string{"playback.*", "user.erased"}},
		{Name: "../a?b=c&d#e", Role: "viewer", ExpiresAt: &soon}, {Name: "old", Role: "viewer", ExpiresAt: &past}, {Name: "gone", Role: "admin"},
	} {
		if _, _, err := w.keys.Make(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.keys.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	page := w.get(access.Admin, "/keys").Body.String()
	golden(t, "keys", timeless(page))
	nobodyMarks(t, w.get(access.Admin, "/keys", "Accept-Language", "fr").Body.String())
	for _, k := range []string{`<b>"player"</b>`, "../a?b=c&d#e"} {
		address := "/keys/revoke?" + strings.ReplaceAll(url.Values{"name": {k}}.Encode(), "+", "%20")
		if !strings.Contains(page, html.EscapeString(address)) {
			t.Errorf("the list doesn't lead to %s", address)
		}
		if answer := w.get(access.Admin, address); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), asHTML(k)) {
			t.Errorf("%s: %d %s", address, answer.Code, answer.Body)
		}
	}
	golden(t, "key-revoke", w.get(access.Admin, "/keys/revoke?name=old").Body.String())
	for _, role := range []access.Role{access.Viewer, access.Support, access.Auditor} {
		for _, answer := range []*httptest.ResponseRecorder{
			w.get(role, "/keys"), w.get(role, "/keys/revoke?name=old"), w.post(role, "/keys/revoke", url.Values{"name": {"old"}}),
			w.post(role, "/keys", url.Values{"name": {"mine"}, "role": {"admin"}}),
		} {
			if answer.Code != http.StatusForbidden {
				t.Errorf("as %s: %d %s", role, answer.Code, answer.Body)
			}
		}
	}
	for _, gone := range []string{"gone", "nobody", ""} {
		if answer := w.get(access.Admin, "/keys/revoke?name="+gone); answer.Code != http.StatusNotFound {
			t.Errorf("revoking %q: %d", gone, answer.Code)
		}
		if answer := w.post(access.Admin, "/keys/revoke", url.Values{"name": {gone}}); answer.Code != http.StatusNotFound {
			t.Errorf("revoking %q: %d", gone, answer.Code)
		}
	}
}

// asHTML is a text as html/template writes it.
func asHTML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace(text)
}

func TestAKeyIsMadeOnceAndShownOnce(t *testing.T) {
	w := newWorld(t)
	form := func(name, role, types, expires string) url.Values {
		return url.Values{"name": {name}, "role": {role}, "types": {types}, "expires": {expires}}
	}
	answer := w.post(access.Admin, "/keys", form("player", "publisher", "playback.*, user.erased", "9999d"))
	found := aKey.FindStringSubmatch(answer.Body.String())
	if answer.Code != http.StatusOK || found == nil || answer.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	golden(t, "key-made", timeless(answer.Body.String()))
	key, known, err := w.keys.FindByName(t.Context(), "player")
	if err != nil || !known || key.Role != "publisher" || !slices.Equal(key.Types, []string{"playback.*", "user.erased"}) ||
		key.ExpiresAt == nil || !key.ExpiresAt.Equal(testNow.AddDate(0, 0, 9999).Truncate(time.Second)) {
		t.Errorf("it is %+v, %v, %v", key, known, err)
	}
	if _, known, err := w.keys.Find(t.Context(), found[1]); !known || err != nil {
		t.Errorf("what was shown isn't the key: %v", err)
	}
	if page := w.get(access.Admin, "/keys").Body.String(); strings.Contains(page, found[1]) {
		t.Error("the key is shown again")
	}
	for at, wrong := range map[string][]url.Values{
		"f-name": {
			form("", "viewer", "", ""), form(strings.Repeat("a", 101), "viewer", "", ""), form("a\x01b", "viewer", "", ""),
			form("shell: root@db", "viewer", "", ""), form("player", "viewer", "", ""),
		},
		"f-role":    {form("new", "", "", ""), form("new", "root", "", "")},
		"f-types":   {form("new", "viewer", "playback.*", ""), form("new", "publisher", "<b>", ""), form("new", "publisher", "playback", "")},
		"f-expires": {form("new", "viewer", "", "tomorrow"), form("new", "viewer", "", "2020-01-01"), form("new", "viewer", "", "0d")},
	} {
		for _, f := range wrong {
			answer := w.post(access.Admin, "/keys", f)
			page := answer.Body.String()
			if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(page, `<a href="#`+at+`">`) || !strings.Contains(page, `id="`+at+`-e"`) {
				t.Errorf("%v: %d, nothing at %s", f, answer.Code, at)
			}
		}
	}
	golden(t, "keys-wrong", timeless(w.post(access.Admin, "/keys", form(`<b>"`, "publisher", `<i>`, "90d")).Body.String()))
	if list, err := w.keys.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("there are %d keys, %v", len(list), err)
	}
}

// Revoking a key signs out whoever signed in with it, at once; and both, making and
// revoking, are in the trail with who did it.
func TestRevokingAKeySignsItsBrowsersOut(t *testing.T) {
	w := newWorld(t).platform()
	made := w.post(access.Admin, "/keys", url.Values{"name": {"guest"}, "role": {"viewer"}})
	key := aKey.FindStringSubmatch(made.Body.String())
	if key == nil {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(url.Values{"key": {key[1]}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	signedIn := httptest.NewRecorder()
	w.handler.ServeHTTP(signedIn, r)
	const guest access.Role = "the guest"
	w.cookies[guest] = signedIn.Result().Cookies()
	if answer := w.get(guest, "/"); answer.Code != http.StatusOK {
		t.Fatalf("before: %d", answer.Code)
	}
	if answer := w.post(access.Admin, "/keys/revoke", url.Values{"name": {"guest"}}); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/keys" {
		t.Fatalf("revoking: %d %s", answer.Code, answer.Body)
	}
	answer := w.get(guest, "/")
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(answer.Header().Get("Location"), "/signin") {
		t.Errorf("after: %d %v", answer.Code, answer.Header())
	}
	entries, _, err := w.trail.Entries(t.Context(), trail.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		if e.Role == string(access.Admin) {
			actions = append(actions, e.Action)
		}
	}
	if want := []string{access.RevokeKey, access.MakeKey}; !slices.Equal(actions, want) {
		t.Errorf("the trail has %v, not %v", actions, want)
	}
}
