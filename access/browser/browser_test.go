package browser_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/attempts"
	"boxoffice/access/browser"
	"boxoffice/access/sessions"
	"boxoffice/access/tokens"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A process is one of the service's, as far as signing in is concerned.
type process struct {
	*browser.Browser
	t        *testing.T
	keys     *apikeys.Store
	sessions *sessions.Store
	keyring  *access.Keyring
	guard    *access.Guard
}

// secret is the one that all processes have.
var secret = []byte(strings.Repeat("s", 32))

// A setup is how a process is configured.
type setup struct {
	configured  []access.ConfiguredKey
	tokens      *tokens.Config
	behindProxy bool
	now         func() time.Time // nil is the system's clock
}

func start(t *testing.T, db *sqldb.DB, s setup) *process {
	t.Helper()
	must(t, apikeys.Migrate(t.Context(), db))
	must(t, sessions.Migrate(t.Context(), db))
	p := &process{t: t}
	var err error
	p.keys, err = apikeys.Open(t.Context(), db)
	must(t, err)
	t.Cleanup(func() { p.keys.Close() })
	p.sessions, err = sessions.Open(t.Context(), db, s.now)
	must(t, err)
	t.Cleanup(func() { p.sessions.Close() })
	p.keyring, err = access.NewKeyring(access.KeyringConfig{Configured: s.configured, Made: p.keys, Tokens: s.tokens, Secret: secret})
	must(t, err)
	p.guard = &access.Guard{Keys: p.keyring, Attempts: attempts.New(time.Now), Front: access.Front{BehindProxy: s.behindProxy}}
	config := browser.Config{Guard: p.guard, Keyring: p.keyring, Sessions: p.sessions, Secret: secret, CallbackPath: "/signin/callback"}
	if s.tokens != nil {
		config.OpenID = p.keyring.Issuer()
	}
	p.Browser, err = browser.New(config)
	must(t, err)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *process) makeKey(name string, role access.Role, life time.Duration) string {
	p.t.Helper()
	ends := time.Now().Add(life)
	key, _, err := p.keys.Make(p.t.Context(), apikeys.Key{Name: name, Role: string(role), ExpiresAt: &ends})
	must(p.t, err)
	return key
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, db func() *sqldb.DB)) { sqltest.Each(t, f) }

// A tab is a browser that keeps cookies.
type tab struct{ cookies map[string]*http.Cookie }

func newTab() *tab { return &tab{cookies: map[string]*http.Cookie{}} }

// request is one that the browser makes.
func (b *tab) request(method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, path, body)
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// take keeps the cookies of an answer.
func (b *tab) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
}

// post posts to do, and returns what it does.
func (b *tab) post(path string, form url.Values, do func(http.ResponseWriter, *http.Request) error) error {
	r := b.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	err := do(w, r)
	b.take(w)
	return err
}

func (b *tab) signIn(p *process, key string) error {
	return b.post("/signin", nil, func(w http.ResponseWriter, r *http.Request) error { return p.SignIn(w, r, key) })
}

// who is who the browser is to a process; the refusal where that is nobody.
func (b *tab) who(p *process) (access.Identity, *access.Refusal) {
	p.t.Helper()
	return answered(p.t, p, b.request(http.MethodGet, "/", nil))
}

func answered(t *testing.T, p *process, r *http.Request) (access.Identity, *access.Refusal) {
	t.Helper()
	credential, err := p.Authenticate(r)
	refusal, refused := errors.AsType[*access.Refusal](err)
	if err != nil && !refused {
		t.Fatal(err)
	}
	return credential.Identity, refusal
}

// isKind says whether an error is a refusal of a kind.
func isKind(err error, kind access.Kind) bool {
	refusal, ok := errors.AsType[*access.Refusal](err)
	return ok && refusal.Kind == kind
}

func (b *tab) mustBe(p *process, name string, role access.Role) {
	p.t.Helper()
	current, err := p.Current(b.request(http.MethodGet, "/", nil))
	must(p.t, err)
	if current == nil || current.Identity.Name != name || current.Identity.Role != role || current.Token == "" || !current.Ends.After(time.Now()) {
		p.t.Errorf("the session is %+v, want that of %s, %s", current, name, role)
	}
	if who, refusal := b.who(p); who.Name != name || who.Role != role || refusal != nil {
		p.t.Errorf("the browser is %+v (%v), want %s, %s", who, refusal, name, role)
	}
}

func (b *tab) mustBeNobody(p *process, kind access.Kind) {
	p.t.Helper()
	if current, err := p.Current(b.request(http.MethodGet, "/", nil)); current != nil || err != nil {
		p.t.Errorf("the session is %+v, %v, want none", current, err)
	}
	if who, refusal := b.who(p); who.Role != "" || refusal == nil || refusal.Kind != kind {
		p.t.Errorf("the browser is %+v (%v), want nobody of kind %d", who, refusal, kind)
	}
}

// Who signs in with a key is the key's in every process, until the key is revoked
// or expires, or the browser signs out, in whichever process.
func TestASessionEndsInAllProcesses(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		one, other := start(t, db(), setup{}), start(t, db(), setup{})
		desk, leaves := one.makeKey("desk", access.Support, time.Hour), one.makeKey("leaves", access.Admin, time.Hour)
		ends := one.makeKey("ends", access.Viewer, 1500*time.Millisecond)
		revoked, signsOut, expires, nobody := newTab(), newTab(), newTab(), newTab()
		must(t, expires.signIn(one, ends))
		expires.mustBe(other, "ends", access.Viewer)
		must(t, revoked.signIn(one, leaves))
		must(t, signsOut.signIn(one, desk))
		revoked.mustBe(other, "leaves", access.Admin)
		signsOut.mustBe(other, "desk", access.Support)
		nobody.mustBeNobody(one, access.NoKey)

		if ok, err := other.keys.Revoke(t.Context(), "leaves"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		revoked.mustBeNobody(one, access.BadKey)
		signsOut.mustBe(one, "desk", access.Support)

		copied := newTab()
		maps.Copy(copied.cookies, signsOut.cookies)
		form := url.Values{browser.FormField: {one.FormToken(signsOut.request(http.MethodGet, "/", nil))}}
		must(t, signsOut.post("/signout", form, other.SignOut))
		if len(signsOut.cookies) != 0 {
			t.Errorf("the browser still has %v", signsOut.cookies)
		}
		copied.mustBeNobody(one, access.BadKey)

		eventually.Holds(t, "the session ends with its key", func() bool {
			_, refusal := expires.who(one)
			return refusal != nil && refusal.Kind == access.BadKey
		})
	})
}

// A page that is left open ends with its session, as a stream does with its key.
func TestAnOpenPageEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		one, other := start(t, db(), setup{}), start(t, db(), setup{})
		key := one.makeKey("desk", access.Support, time.Hour)
		tab := newTab()
		must(t, tab.signIn(one, key))
		ctx, done, err := access.NewGate(one, 5*time.Millisecond).Admit(tab.request(http.MethodGet, "/", nil), "list-users")
		must(t, err)
		defer done()
		time.Sleep(50 * time.Millisecond) // several looks
		must(t, ctx.Err())
		if _, err := other.keys.Revoke(t.Context(), "desk"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
			t.Fatal("the page goes on")
		}
	})
}

// What an open page asks for by itself doesn't keep the session: what somebody
// asks for does.
func TestWatchingIsNotUsing(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		began := time.Now()
		at := began
		p := start(t, db(), setup{now: func() time.Time { return at }})
		key := p.makeKey("desk", access.Support, 24*time.Hour)
		watched, used := newTab(), newTab()
		must(t, watched.signIn(p, key))
		must(t, used.signIn(p, key))
		for range 3 {
			at = at.Add(sessions.Idle * 2 / 5)
			_, err := p.Watching().Authenticate(watched.request(http.MethodGet, "/live", nil))
			if ended := at.Sub(began) >= sessions.Idle; ended != isKind(err, access.BadKey) || !ended && err != nil {
				t.Errorf("after %v the open page is answered with %v", at.Sub(began), err)
			}
			if _, refusal := used.who(p); refusal != nil {
				t.Errorf("after %v who uses a session is refused: %v", at.Sub(began), refusal)
			}
		}
	})
}

// What somebody has begun goes on though they use their session no more, and ends
// when they sign out or their key is revoked.
func TestWhatIsBegun(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		at := time.Now()
		p := start(t, db(), setup{now: func() time.Time { return at }})
		begin := func(name string) (*tab, func(context.Context) (access.Identity, error)) {
			tab := newTab()
			must(t, tab.signIn(p, p.makeKey(name, access.Admin, 24*time.Hour)))
			credential, err := p.Begun().Authenticate(tab.request(http.MethodGet, "/users/erase", nil))
			must(t, err)
			return tab, credential.Again
		}
		out, outAgain := begin("out")
		_, revokedAgain := begin("revoked")
		_, leftAgain := begin("left")
		for name, again := range map[string]func(context.Context) (access.Identity, error){"out": outAgain, "revoked": revokedAgain, "left": leftAgain} {
			if who, err := again(t.Context()); who.Name != name || err != nil {
				t.Errorf("%s is %+v, %v", name, who, err)
			}
		}
		form := url.Values{browser.FormField: {p.FormToken(out.request(http.MethodGet, "/", nil))}}
		must(t, out.post("/signout", form, p.SignOut))
		if _, err := p.keys.Revoke(t.Context(), "revoked"); err != nil {
			t.Fatal(err)
		}
		for name, again := range map[string]func(context.Context) (access.Identity, error){"out": outAgain, "revoked": revokedAgain} {
			if _, err := again(t.Context()); !isKind(err, access.BadKey) {
				t.Errorf("%s goes on: %v", name, err)
			}
		}
		at = at.Add(2 * sessions.Idle)
		if who, err := leftAgain(t.Context()); who.Name != "left" || err != nil {
			t.Errorf("who has left is %+v, %v", who, err)
		}
		if _, err := p.keys.Revoke(t.Context(), "left"); err != nil {
			t.Fatal(err)
		}
		if _, err := leftAgain(t.Context()); !isKind(err, access.BadKey) {
			t.Errorf("it outlives its key: %v", err)
		}
		_, endless := begin("endless")
		must(t, func() error { _, err := endless(t.Context()); return err }())
		at = at.Add(sessions.Life)
		if _, err := endless(t.Context()); !isKind(err, access.BadKey) {
			t.Errorf("it outlives the longest session: %v", err)
		}
	})
}

// The session of a configured key ends where that key isn't configured any more,
// and never becomes that of another key, whatever the order they stand in.
func TestSessionsOfConfiguredKeys(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		viewer, admin := access.ConfiguredKey{Role: access.Viewer, Key: "v-key"}, access.ConfiguredKey{Role: access.Admin, Key: "a-key"}
		before := start(t, db(), setup{configured: []access.ConfiguredKey{viewer, admin}})
		tab := newTab()
		must(t, tab.signIn(before, "v-key"))
		tab.mustBe(before, "configured key 1", access.Viewer)
		turned := start(t, db(), setup{configured: []access.ConfiguredKey{admin, viewer}})
		tab.mustBe(turned, "configured key 2", access.Viewer)
		without := start(t, db(), setup{configured: []access.ConfiguredKey{admin}})
		tab.mustBeNobody(without, access.BadKey)
	})
}

// Signing in gives the browser a value that nobody knew before, and ends the
// session that it had.
func TestFixation(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		p := start(t, db(), setup{})
		attackers, victims := p.makeKey("attacker", access.Viewer, time.Hour), p.makeKey("victim", access.Admin, time.Hour)
		attacker, victim := newTab(), newTab()
		must(t, attacker.signIn(p, attackers))
		// planted
		maps.Copy(victim.cookies, attacker.cookies)
		must(t, victim.signIn(p, victims))
		victim.mustBe(p, "victim", access.Admin)
		attacker.mustBeNobody(p, access.BadKey)

		planted := newTab()
		planted.cookies["boxoffice"] = &http.Cookie{Name: "boxoffice", Value: "chosen-by-somebody"}
		must(t, planted.signIn(p, victims))
		if planted.cookies["boxoffice"].Value == "chosen-by-somebody" {
			t.Error("a value that was planted is kept")
		}
	})
}

func TestCookies(t *testing.T) {
	p := start(t, sqlite(t), setup{})
	proxied := start(t, sqlite(t), setup{behindProxy: true})
	for name, c := range map[string]struct {
		p      *process
		tls    *tls.ConnectionState
		cookie string
		secure bool
	}{
		"plain": {p, nil, "boxoffice", false}, "TLS": {p, &tls.ConnectionState{}, "__Host-boxoffice", true},
		"behind a proxy": {proxied, nil, "__Host-boxoffice", true},
	} {
		t.Run(name, func(t *testing.T) {
			key := c.p.makeKey(name, access.Viewer, time.Hour)
			r := httptest.NewRequest(http.MethodPost, "/signin", nil)
			r.TLS = c.tls
			w := httptest.NewRecorder()
			must(t, c.p.SignIn(w, r, " "+key+"\n"))
			set := w.Result().Cookies()
			if len(set) != 1 {
				t.Fatalf("cookies are %v", set)
			}
			got := set[0]
			if got.Name != c.cookie || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || len(got.Value) != 43 {
				t.Errorf("the cookie is %v", got)
			}
			// With TLS a cookie that may have been set without it counts for nothing.
			r = httptest.NewRequest(http.MethodGet, "/", nil)
			r.TLS = c.tls
			r.AddCookie(&http.Cookie{Name: "boxoffice", Value: got.Value})
			if _, refusal := answered(t, c.p, r); (refusal != nil) != c.secure {
				t.Errorf("a cookie of another name: %v", refusal)
			}
		})
	}
}

func sqlite(t *testing.T) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.SQLiteURL(t.TempDir()+"/test.db"))
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// What changes something comes from a page of the session, or isn't done.
func TestForgery(t *testing.T) {
	p := start(t, sqlite(t), setup{})
	mine, others := newTab(), newTab()
	must(t, mine.signIn(p, p.makeKey("mine", access.Admin, time.Hour)))
	must(t, others.signIn(p, p.makeKey("others", access.Viewer, time.Hour)))
	get := mine.request(http.MethodGet, "/", nil)
	token := p.FormToken(get)
	if token == p.FormToken(get) || p.FormToken(newTab().request(http.MethodGet, "/", nil)) != "" {
		t.Error("two forms have one token, or somebody has one who isn't signed in")
	}
	stolen := p.FormToken(others.request(http.MethodGet, "/", nil))
	urlencoded := func(token string) (string, string) {
		return "application/x-www-form-urlencoded", url.Values{"name": {"ana"}, browser.FormField: {token}}.Encode()
	}
	upload := func(fields ...string) (string, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i := 0; i < len(fields); i += 2 {
			must(t, w.WriteField(fields[i], fields[i+1]))
		}
		file, err := w.CreateFormFile("file", "users.csv")
		must(t, err)
		_, err = file.Write(bytes.Repeat([]byte("email\n"), 20_000))
		must(t, err)
		must(t, w.Close())
		return w.FormDataContentType(), body.String()
	}
	for _, c := range []struct {
		name         string
		kind, body   string
		header       http.Header
		method       string
		done, sameAs bool
	}{
		{name: "reading", method: http.MethodGet, done: true},
		{name: "nothing"},
		{name: "a header", header: http.Header{browser.FormHeader: {token}}, done: true},
		{name: "deleting with a header", method: http.MethodDelete, header: http.Header{browser.FormHeader: {token}}, done: true},
		{name: "deleting", method: http.MethodDelete},
		{name: "another's header", header: http.Header{browser.FormHeader: {stolen}}},
		{name: "a changed token", header: http.Header{browser.FormHeader: {"x" + token}}},
		{name: "half a token", header: http.Header{browser.FormHeader: {token[:10]}}},
		{name: "from another site", header: http.Header{browser.FormHeader: {token}, "Sec-Fetch-Site": {"cross-site"}}},
		{name: "from another origin", header: http.Header{browser.FormHeader: {token}, "Origin": {"https://evil.example"}}},
		{name: "from nowhere", header: http.Header{browser.FormHeader: {token}, "Origin": {"null"}}},
		{name: "from this origin", header: http.Header{browser.FormHeader: {token}, "Origin": {"http://example.com"}}, done: true},
		{name: "json", kind: "application/json", body: `{"csrf_token":"` + token + `"}`},
	} {
		t.Run(c.name, func(t *testing.T) { forge(t, p, mine, c.method, c.kind, c.body, c.header, c.done) })
	}
	for name, c := range map[string]struct {
		token string
		done  bool
	}{"mine": {token, true}, "another's": {stolen, false}, "none": {"", false}} {
		t.Run("form with "+name, func(t *testing.T) {
			kind, body := urlencoded(c.token)
			r := forge(t, p, mine, http.MethodPost, kind, body, nil, c.done)
			if got := r.PostFormValue("name"); got != "ana" {
				t.Errorf("the form's field is %q afterwards", got)
			}
		})
		t.Run("upload with "+name, func(t *testing.T) {
			kind, body := upload(browser.FormField, c.token, "mapping", "{}")
			r := forge(t, p, mine, http.MethodPost, kind, body, nil, c.done)
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
				t.Errorf("of %d bytes that are uploaded %d are there afterwards, %v", len(body), len(got), err)
			}
		})
	}
	t.Run("upload with the token behind", func(t *testing.T) {
		kind, body := upload("mapping", "{}", browser.FormField, token)
		forge(t, p, mine, http.MethodPost, kind, body, nil, false)
	})
	t.Run("upload that doesn't come to its first field", func(t *testing.T) {
		body := &countedLines{left: 32 << 20}
		r := mine.request(http.MethodPost, "http://example.com/users/import", body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		if _, refusal := answered(t, p, r); refusal == nil || refusal.Kind != access.Forbidden {
			t.Errorf("it is answered with %v", refusal)
		}
		if body.read > 64<<10 {
			t.Errorf("%d bytes of it are kept in memory", body.read)
		}
	})
	if err := mine.post("/signout", nil, p.SignOut); !isKind(err, access.Forbidden) {
		t.Errorf("signed out by another site: %v", err)
	}
	mine.mustBe(p, "mine", access.Admin)
	r := httptest.NewRequest(http.MethodPost, "/signin", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if err := p.SignIn(httptest.NewRecorder(), r, "x"); !isKind(err, access.Forbidden) {
		t.Errorf("signed in by another site: %v", err)
	}
}

// countedLines are lines of which none begins a part of a form.
type countedLines struct{ read, left int }

func (l *countedLines) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = '\n'
	}
	l.read, l.left = l.read+len(p), l.left-len(p)
	return len(p), nil
}

// forge makes a request that may or may not be let through, and returns it.
func forge(t *testing.T, p *process, b *tab, method, kind, body string, header http.Header, done bool) *http.Request {
	t.Helper()
	if method == "" {
		method = http.MethodPost
	}
	r := b.request(method, "http://example.com/users/new", strings.NewReader(body))
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	who, refusal := answered(t, p, r)
	if (refusal == nil) != done || !done && (refusal.Kind != access.Forbidden || who.Role != "") {
		t.Errorf("it is %+v, %v; want it done: %v", who, refusal, done)
	}
	return r
}

// Wrong keys and links count with those of the API, and are refused with them.
func TestFailedSignInsAreAttempts(t *testing.T) {
	p := start(t, sqlite(t), setup{})
	key := p.makeKey("good", access.Viewer, time.Hour)
	tab := newTab()
	link := func(link string) error {
		return tab.post("/signin", nil, func(w http.ResponseWriter, r *http.Request) error { return p.SignInByLink(w, r, link) })
	}
	if err := tab.signIn(p, " "); !isKind(err, access.NoKey) {
		t.Errorf("no key: %v", err)
	}
	for i := range attempts.Free {
		var err error
		switch i % 3 {
		case 0:
			err = tab.signIn(p, "guess")
		case 1:
			err = link("guess")
		case 2:
			r := httptest.NewRequest(http.MethodGet, "/v1/users", nil)
			r.Header.Set("Authorization", "Bearer guess")
			_, err = access.Bearer(p.guard, nil).Authenticate(r)
		}
		if !isKind(err, access.BadKey) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	good, err := p.Link(t.Context(), key)
	must(t, err)
	for name, err := range map[string]error{"a key": tab.signIn(p, key), "a link": link(good)} {
		if refusal, ok := errors.AsType[*access.Refusal](err); !ok || refusal.Kind != access.TooMany || refusal.Wait <= 0 {
			t.Errorf("%s after many guesses: %v", name, err)
		}
	}
	if len(tab.cookies) != 0 {
		t.Errorf("somebody is signed in: %v", tab.cookies)
	}
}

// A link signs in as the key's holder, once.
func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, db func() *sqldb.DB) {
		one, other := start(t, db(), setup{}), start(t, db(), setup{})
		link, err := one.Link(t.Context(), one.makeKey("first admin", access.Admin, time.Hour))
		must(t, err)
		first, second := newTab(), newTab()
		by := func(p *process, b *tab) error {
			return b.post("/signin", nil, func(w http.ResponseWriter, r *http.Request) error { return p.SignInByLink(w, r, link) })
		}
		must(t, by(other, first))
		first.mustBe(one, "first admin", access.Admin)
		if err := by(one, second); !isKind(err, access.BadKey) || len(second.cookies) != 0 {
			t.Errorf("the link signs in again: %v", err)
		}
		if _, err := one.Link(t.Context(), "nobody's"); err == nil {
			t.Error("there is a link for nobody's key")
		}
	})
}

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/users?q=a%20b&sort=-registered_at": "/users?q=a%20b&sort=-registered_at", "/": "/", "/users/a%2Fb#x": "/users/a%2Fb#x",
		"": "/", "users": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/",
		"https://evil.example": "/", "http:/evil.example": "/", "javascript:alert(1)": "/", "/a\nb": "/", "/\t/evil.example": "/", " /users": "/",
		"/users\\..\\x": "/", "/%zz": "/", "?next=x": "/",
	} {
		if got := browser.LocalPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}
