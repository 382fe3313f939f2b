// This file is one request for a page: who makes it, in which language, and what
// is answered, be it the page or why there is none.

package console

import (
	"bytes"
	"cmp"
	"context"
	"html/template"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"boxoffice/access"
	"boxoffice/access/browser"
	"boxoffice/console/text"
	"boxoffice/domain"
)

// A visit is one request for a page.
type visit struct {
	*server
	text.Dates
	page page
	w    http.ResponseWriter
	r    *http.Request
	// who makes it; the zero value where nobody has to be signed in.
	who access.Identity
	at  domain.Instant
	// sent, where set, is told of how many events more a stream shows.
	sent func(events int64)
	// status is that of the answer, for the audit entry.
	status int
}

// An answer is what a page's function makes of a visit.
type answer struct {
	// template is the page's; data is what it shows.
	template string
	data     any
	title    string
	// status is that of HTTP; 0 is 200.
	status int
	// refresh is after how many seconds the page asks itself again, where there
	// are no scripts; 0 is never.
	refresh int
	// redirect, where set, is the address to go on to instead.
	redirect string
	// done says that the answer has been written already: a file, a stream.
	done bool
}

// timeout is how long making a page may take.
const timeout = 30 * time.Second

// handler serves a page.
func (s *server) handler(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(p, w, r)
		defer func() {
			if broken := recover(); broken != nil {
				if broken == http.ErrAbortHandler { //nolint:errorlint // net/http panics with this very value
					panic(broken)
				}
				s.Logger.Error("a page broke", "page", p.pattern, "stack", string(debug.Stack()))
				v.fail(errBroken)
			}
		}()
		w.Header().Add("Vary", "HX-Request")
		v.answer()
	})
}

func (s *server) visit(p page, w http.ResponseWriter, r *http.Request) *visit {
	language := text.For(cookie(r, languageCookie), r.Header.Get("Accept-Language"))
	return &visit{server: s, Dates: language.In(s.Zone), page: p, w: w, r: r, at: s.now()}
}

// answer lets the visit through the gate, and answers it.
func (v *visit) answer() {
	gate := v.gate
	if v.page.stream || v.page.waits && v.tasks.running(taskID(v.r), v.owner()) {
		gate = v.watching
	}
	if !v.page.stream && !v.page.file {
		ctx, cancel := context.WithTimeout(v.r.Context(), timeout)
		defer cancel()
		v.r = v.r.WithContext(ctx)
	}
	if v.r.Body != nil && !v.page.upload {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, formBytes)
	}
	if v.page.operation == "" {
		v.serve()
		return
	}
	ctx, done, err := gate.Admit(v.r, v.page.operation)
	if err != nil {
		v.refuse(err)
		return
	}
	defer done()
	v.r, v.who = v.r.WithContext(ctx), access.From(ctx)
	if v.r.Method == http.MethodPost && !v.page.upload {
		_ = v.r.PostFormValue("") // reads the form, which the gate doesn't where a header has the token
	}
	v.audited()
}

// formBytes is how large a form may be, in bytes, that uploads no file: what an
// event may be, and more.
const formBytes = 1 << 20

// audited serves the page as an audit entry, where it shows or changes personal data.
func (v *visit) audited() {
	call := access.Call{Operation: cmp.Or(v.page.entry, v.page.operation), Method: v.r.Method, Parameters: slices.Sorted(maps.Keys(v.r.URL.Query()))}
	if id, ok := pathID(v.r); ok && id != "" && v.page.nav == "users" {
		call.UserIDs = []string{id}
	}
	ctx, end, err := v.Audit.Begin(v.r.Context(), call)
	if err != nil {
		v.fail(err)
		return
	}
	v.r = v.r.WithContext(ctx)
	defer func() { end(v.status) }()
	v.serve()
}

// serve makes the page and writes it.
func (v *visit) serve() {
	a, err := v.page.serve(v)
	if err != nil {
		v.fail(err)
		return
	}
	v.write(a)
}

// write writes an answer: the page whole, or its main part where a script asks.
func (v *visit) write(a *answer) {
	if a.done {
		v.status = cmp.Or(v.status, http.StatusOK)
		return
	}
	if a.redirect != "" {
		v.status = http.StatusSeeOther
		http.Redirect(v.w, v.r, a.redirect, http.StatusSeeOther)
		return
	}
	body, err := v.body(a)
	if err != nil {
		v.fail(err)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Tag)
	v.status = cmp.Or(a.status, http.StatusOK)
	v.w.WriteHeader(v.status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body)
	}
}

// scripted says that a script asks, which exchanges only the page's main part.
func (v *visit) scripted() bool { return v.r.Header.Get("HX-Request") == "true" }

func (v *visit) body(a *answer) ([]byte, error) {
	content, err := v.render.execute(v.Tag, a.template, "main", a.data)
	if err != nil {
		return nil, err
	}
	title := v.T("app.title", "page", a.title)
	if v.scripted() {
		return []byte("<title>" + template.HTMLEscapeString(title) + "</title>\n" + string(content)), nil
	}
	around := v.layout(title, content)
	around.Refresh = a.refresh
	whole, err := v.render.execute(v.Tag, a.template, "layout", around)
	return bytes.TrimSpace([]byte(whole)), err
}

// A frame is what stands around the main part of a page.
type frame struct {
	Lang, Theme, Title string
	Content            template.HTML
	// Refresh is after how many seconds it asks itself again without scripts.
	Refresh int
	Zone    string
	// Who is signed in; nil for nobody.
	Who     *signedIn
	Nav     [][]navLink
	CSRF    string
	Address string
	Themes  []option
	// Languages are those that the pages are in.
	Languages []option
}

type signedIn struct{ Name, Role string }

type navLink struct {
	Href, Label string
	Current     bool
	Count       int64
}

// An option is one of several to choose from.
type option struct {
	Value, Label string
	Current      bool
}

func (v *visit) layout(title string, content template.HTML) frame {
	f := frame{Lang: v.Tag, Theme: theme(v.r), Title: title, Content: content, Zone: v.Zone()}
	if v.who.Role == "" {
		return f
	}
	f.Who = &signedIn{v.who.Name, string(v.who.Role)}
	f.CSRF, f.Address, f.Nav = v.token(), v.r.URL.RequestURI(), v.navigation()
	for _, value := range []string{"", "light", "dark"} {
		f.Themes = append(f.Themes, option{value, "theme." + cmp.Or(value, "system"), value == f.Theme})
	}
	for _, tag := range text.Languages {
		f.Languages = append(f.Languages, option{tag, "language." + tag, tag == v.Tag})
	}
	return f
}

// token is what the forms of the session carry against forgery.
func (v *visit) token() string { return v.Browser.FormToken(v.r) }

// Zone names the platform's time zone.
func (v *visit) Zone() string { return v.server.Zone.String() }

// navigation has the pages that the role may see; a group without any is left out.
func (v *visit) navigation() [][]navLink {
	var nav [][]navLink
	for _, group := range navigation {
		var links []navLink
		for _, p := range group {
			if v.who.May(p.operation) {
				links = append(links, navLink{Href: p.href, Label: "nav." + p.name, Current: p.name == v.page.nav, Count: v.waiting(p.name)})
			}
		}
		if len(links) > 0 {
			nav = append(nav, links)
		}
	}
	return nav
}

// waiting is how much there is on a page that somebody has to act on.
func (v *visit) waiting(name string) (n int64) {
	if name != "refused" {
		return 0
	}
	counts, err := v.Log.CountRefused(v.r.Context())
	if err != nil {
		return 0 // the page itself will say what is wrong
	}
	for _, c := range counts {
		n += c
	}
	return n
}

// The cookies of preferences. They hold nothing that is secret.
const (
	languageCookie = "boxoffice_language"
	themeCookie    = "boxoffice_theme"
)

func cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// theme is the one that was chosen; empty for the system's.
func theme(r *http.Request) string {
	if t := cookie(r, themeCookie); slices.Contains([]string{"light", "dark"}, t) {
		return t
	}
	return ""
}

// preferences keeps what somebody has chosen, and goes back to the page.
func (v *visit) preferences() (*answer, error) {
	for name, allowed := range map[string][]string{"theme": {"", "light", "dark"}, "language": text.Languages} {
		value := v.r.PostFormValue(name)
		if !v.r.PostForm.Has(name) || !slices.Contains(allowed, value) {
			continue
		}
		http.SetCookie(v.w, &http.Cookie{
			Name: "boxoffice_" + name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600,
			SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: v.Front.Secure(v.r),
		})
	}
	return &answer{redirect: browser.LocalPath(v.r.PostFormValue("next"))}, nil
}

// address is the visit's own with some parameters changed: name, value, name,
// value …; an empty value takes one away.
func (v *visit) address(pairs ...string) string {
	q := v.r.URL.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	path := v.r.URL.EscapedPath()
	if len(q) == 0 {
		return path
	}
	return path + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
