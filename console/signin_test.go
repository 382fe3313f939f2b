package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"boxoffice/access"
	"boxoffice/access/browser"
)

func TestWithoutASessionOneIsSentToSignInAndBack(t *testing.T) {
	w := newWorld(t)
	answer := w.get("", "/users?status=active")
	if to := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || to != "/signin?next=%2Fusers%3Fstatus%3Dactive" {
		t.Fatalf("answered with %d to %q", answer.Code, to)
	}
	page := w.get("", "/signin?next=%2Fusers%3Fstatus%3Dactive")
	golden(t, "signin", page.Body.String())
	back := w.signInAt("/signin", url.Values{"key": {"support"}, "next": {"/users?status=active"}})
	if to := back.Header().Get("Location"); back.Code != http.StatusSeeOther || to != "/users?status=active" {
		t.Errorf("signing in is answered with %d to %q", back.Code, to)
	}
}

func (w *world) signInAt(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

func TestSigningInLeadsToNoOtherHost(t *testing.T) {
	w := newWorld(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "evil"} {
		answer := w.signInAt("/signin", url.Values{"key": {"viewer"}, "next": {next}})
		if to := answer.Header().Get("Location"); to != "/" {
			t.Errorf("next=%q leads to %q", next, to)
		}
	}
}

func TestAWrongKeyIsSaidSo(t *testing.T) {
	w := newWorld(t)
	answer := w.signInAt("/signin", url.Values{"key": {"nobody's"}, "next": {"/users"}})
	if answer.Code != http.StatusUnauthorized || len(answer.Result().Cookies()) > 0 {
		t.Errorf("answered with %d and cookies %v", answer.Code, answer.Result().Cookies())
	}
	golden(t, "signin-wrong", answer.Body.String())
}

func TestSigningOutEndsTheSession(t *testing.T) {
	w := newWorld(t)
	if answer := w.get(access.Viewer, "/"); answer.Code != http.StatusOK {
		t.Fatalf("signed in, / is answered with %d", answer.Code)
	}
	if answer := w.post(access.Viewer, "/signout", url.Values{}); answer.Code != http.StatusSeeOther {
		t.Fatalf("signing out is answered with %d: %s", answer.Code, answer.Body)
	}
	if answer := w.get(access.Viewer, "/"); answer.Code != http.StatusSeeOther {
		t.Errorf("the cookie is still good: %d", answer.Code)
	}
}

func TestAFormNeedsItsToken(t *testing.T) {
	w := newWorld(t).platform()
	for _, c := range []struct {
		name  string
		token string
		site  string
	}{{"none", "", ""}, {"another's", w.token(access.Auditor), ""}, {"another site's", w.token(access.Admin), "cross-site"}} {
		r := httptest.NewRequest(http.MethodPost, "/refused/1/delete", strings.NewReader(url.Values{browser.FormField: {c.token}}.Encode()))
		r.Header.Set("Sec-Fetch-Site", c.site)
		answer := w.do(r, access.Admin, "Content-Type", "application/x-www-form-urlencoded")
		if answer.Code != http.StatusForbidden {
			t.Errorf("with %s token it is answered with %d", c.name, answer.Code)
		}
	}
	if answer := w.get(access.Admin, "/refused/1"); answer.Code != http.StatusOK {
		t.Errorf("the event is gone: %d", answer.Code)
	}
	if answer := w.post(access.Admin, "/refused/1/delete", url.Values{}); answer.Code != http.StatusSeeOther {
		t.Errorf("with its token it is answered with %d", answer.Code)
	}
	if answer := w.get(access.Admin, "/refused/1"); answer.Code != http.StatusNotFound {
		t.Errorf("the event is still there: %d", answer.Code)
	}
}

func TestEachPageIsForItsRoles(t *testing.T) {
	w := newWorld(t).platform()
	paths := map[string]string{"/history/{position}": "/history/1", "/users/{id}": "/users/louis", "/contents/{id}": "/contents/quiet-river", "/refused/{id}": "/refused/1"}
	for _, p := range table {
		if p.method != http.MethodGet || p.operation == "" || p.stream {
			continue
		}
		path := p.pattern
		if filled, ok := paths[path]; ok {
			path = filled
		} else if strings.Contains(path, "{") {
			path = strings.ReplaceAll(path, "{id}", "louis")
		}
		allowed, _ := access.RolesOf(p.operation)
		for _, role := range access.Roles {
			answer := w.get(role, path)
			may := false
			for _, a := range allowed {
				may = may || a == role
			}
			if may == (answer.Code == http.StatusForbidden) {
				t.Errorf("%s as %s is answered with %d", path, role, answer.Code)
			}
			if !may && (!strings.Contains(answer.Body.String(), `href="/"`) || !strings.Contains(answer.Body.String(), string(allowed[0]))) {
				t.Errorf("%s as %s doesn't say who may, or leads nowhere: %s", path, role, answer.Body)
			}
		}
	}
	golden(t, "forbidden", w.get(access.Viewer, "/users").Body.String())
}

func TestPagesMayNotBeFramedNorRunScriptsOfTheirOwn(t *testing.T) {
	w := newWorld(t).platform()
	answer := w.get(access.Admin, "/users")
	h := answer.Header()
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"} {
		if !strings.Contains(h.Get("Content-Security-Policy"), part) {
			t.Errorf("the policy lacks %s: %s", part, h.Get("Content-Security-Policy"))
		}
	}
	if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers are %v", h)
	}
	body := answer.Body.String()
	for _, sign := range []string{"<script>", " style=", " onclick=", "javascript:", "<img src=x>"} {
		if strings.Contains(body, sign) {
			t.Errorf("the page has %s", sign)
		}
	}
}

// Cookies of preferences go over TLS only wherever those of sessions do.
func TestPreferencesBehindAProxy(t *testing.T) {
	w := newWorld(t)
	for _, behind := range []bool{false, true} {
		w.server.Front.BehindProxy = behind
		answer := w.post(access.Viewer, "/preferences", url.Values{"theme": {"dark"}})
		if cookies := answer.Result().Cookies(); len(cookies) != 1 || cookies[0].Secure != behind {
			t.Errorf("behind a proxy, %v: %v", behind, cookies)
		}
	}
}

func TestAnUnknownAddressLeadsBack(t *testing.T) {
	w := newWorld(t).platform()
	answer := w.get(access.Viewer, "/nothing/here")
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), `href="/"`) || !strings.Contains(answer.Body.String(), `href="/contents"`) {
		t.Errorf("answered with %d: %s", answer.Code, answer.Body)
	}
	if stranger := w.get("", "/nothing/here"); stranger.Code != http.StatusNotFound || strings.Contains(stranger.Body.String(), `href="/contents"`) {
		t.Errorf("to who isn't signed in it is answered with %d: %s", stranger.Code, stranger.Body)
	}
	if answer := w.get(access.Support, "/users/nobody"); answer.Code != http.StatusNotFound {
		t.Errorf("nobody's page is answered with %d", answer.Code)
	}
	for _, path := range []string{"/?month=13", "/?months=7", "/users?sort=name", "/users?status=x", "/users?registered_from=x", "/users?cursor=x", "/contents?from=x", "/users?kpi=registered", "/users?kpi=active&month=2026-11&reason=voluntary"} {
		if answer := w.get(access.Admin, path); answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered with %d", path, answer.Code)
		}
	}
}

// Programs that look at a link with HEAD don't use it up.
func TestLookingAtALinkDoesNotUseItUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, err := w.browser.Link(t.Context(), string(access.Admin))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method string
		want   int
	}{{http.MethodHead, http.StatusOK}, {http.MethodHead, http.StatusOK}, {http.MethodGet, http.StatusSeeOther}, {http.MethodGet, http.StatusUnauthorized}} {
		answer := w.do(httptest.NewRequest(c.method, LinkPath(link), nil), "")
		if signedIn := len(answer.Result().Cookies()) > 0; answer.Code != c.want || signedIn != (c.want == http.StatusSeeOther) {
			t.Errorf("%s is answered with %d, cookies %v, want %d", c.method, answer.Code, answer.Result().Cookies(), c.want)
		}
	}
}
