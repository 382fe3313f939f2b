// This file is the table of pages: where each stands, whose it is, and what
// makes it.

package console

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"boxoffice/access"
)

// A page is one address of the console.
type page struct {
	method, pattern string
	// operation is what the role must be allowed to do, as in the table of
	// permissions; empty for a page that needs nobody signed in.
	operation string
	// entry is the operation as which it stands in the trail, where that is another;
	// noEntry where it concerns nobody, or makes its entries itself.
	entry string
	// nav is the page of the navigation that it belongs to.
	nav string
	// stream says that it is under way until somebody goes away.
	stream bool
	// file says that it is a file, which takes as long as it is read.
	file bool
	// waits says that it asks for itself again and again while its task runs.
	waits bool
	// upload says that its form has a file in it, which may be large.
	upload bool
	// once says that asking for it uses something up, which HEAD, as programs send
	// that look at links, must not: it is answered as the page to sign in.
	once  bool
	serve func(*visit) (*answer, error)
}

// noEntry is the entry of a page that has none.
const noEntry = "-"

// table lists all pages.
var table = []page{
	{method: http.MethodGet, pattern: "/", operation: "list-months", nav: "dashboard", serve: (*visit).dashboard},
	{method: http.MethodGet, pattern: "/live", operation: "list-months", nav: "dashboard", stream: true, serve: (*visit).dashboardStream},
	{method: http.MethodGet, pattern: "/users", operation: "list-users", nav: "users", serve: (*visit).users},
	{method: http.MethodGet, pattern: "/users/export", operation: "export-users", nav: "users", file: true, serve: (*visit).exportCounted},
	{method: http.MethodGet, pattern: "/users/{id}", operation: "get-user", nav: "users", serve: (*visit).user},
	{method: http.MethodGet, pattern: "/users/new", operation: "create-user", entry: noEntry, nav: "users", serve: (*visit).newUser},
	{method: http.MethodPost, pattern: "/users/new", operation: "create-user", nav: "users", serve: (*visit).createUser},
	{method: http.MethodGet, pattern: "/users/{id}/edit", operation: "edit-user", entry: "get-user", nav: "users", serve: (*visit).editUser},
	{method: http.MethodPost, pattern: "/users/{id}/edit", operation: "edit-user", nav: "users", serve: (*visit).changeUser},
	{method: http.MethodGet, pattern: "/users/erase", operation: "erase-users", entry: noEntry, nav: "users", serve: (*visit).askErase},
	{method: http.MethodPost, pattern: "/users/erase", operation: "erase-users", entry: noEntry, nav: "users", serve: (*visit).erase},
	{method: http.MethodGet, pattern: "/users/erase/{task}", operation: "erase-users", entry: noEntry, nav: "users", waits: true, serve: (*visit).erasing},
	{method: http.MethodGet, pattern: "/users/import", operation: "import-users", entry: noEntry, nav: "users", serve: (*visit).chooseImport},
	{method: http.MethodPost, pattern: "/users/import", operation: "import-users", entry: noEntry, nav: "users", upload: true, serve: (*visit).uploadImport},
	{method: http.MethodGet, pattern: "/users/import/{task}", operation: "import-users", entry: noEntry, nav: "users", waits: true, serve: (*visit).importing},
	{method: http.MethodPost, pattern: "/users/import/{task}", operation: "import-users", entry: noEntry, nav: "users", serve: (*visit).runImport},
	{method: http.MethodGet, pattern: "/users/import/{task}/report", operation: "import-users", nav: "users", file: true, serve: (*visit).importReport},
	{method: http.MethodGet, pattern: "/contents", operation: "list-contents", nav: "contents", serve: (*visit).contents},
	{method: http.MethodGet, pattern: "/contents/{id}", operation: "list-sessions", nav: "contents", serve: (*visit).content},
	{method: http.MethodGet, pattern: "/history", operation: "list-events", nav: "history", serve: (*visit).history},
	{method: http.MethodGet, pattern: "/live/history", operation: "list-events", nav: "history", stream: true, serve: (*visit).historyStream},
	{method: http.MethodGet, pattern: "/history/{position}", operation: "list-events", nav: "history", serve: (*visit).event},
	{method: http.MethodGet, pattern: "/history/{position}/retract", operation: "retract-event", entry: "get-user", nav: "history", serve: (*visit).askRetract},
	{method: http.MethodPost, pattern: "/history/{position}/retract", operation: "retract-event", nav: "history", serve: (*visit).retract},
	{method: http.MethodGet, pattern: "/refused", operation: "list-refused", nav: "refused", serve: (*visit).refused},
	{method: http.MethodGet, pattern: "/refused/{id}", operation: "list-refused", nav: "refused", serve: (*visit).refusedEvent},
	{method: http.MethodPost, pattern: "/refused/{id}/retry", operation: "retry-refused", nav: "refused", serve: (*visit).retryRefused},
	{method: http.MethodPost, pattern: "/refused/{id}/delete", operation: "delete-refused", nav: "refused", serve: (*visit).deleteRefused},
	{method: http.MethodGet, pattern: "/audit", operation: "list-trail", nav: "audit", serve: (*visit).audit},
	{method: http.MethodGet, pattern: "/health", operation: "show-health", nav: "health", serve: (*visit).health},
	{method: http.MethodGet, pattern: "/live/health", operation: "show-health", nav: "health", stream: true, serve: (*visit).healthStream},
	{method: http.MethodGet, pattern: "/keys", operation: "list-keys", nav: "keys", serve: (*visit).keys},
	{method: http.MethodPost, pattern: "/keys", operation: access.MakeKey, nav: "keys", serve: (*visit).makeKey},
	{method: http.MethodGet, pattern: "/keys/revoke", operation: access.RevokeKey, entry: noEntry, nav: "keys", serve: (*visit).askRevoke},
	{method: http.MethodPost, pattern: "/keys/revoke", operation: access.RevokeKey, nav: "keys", serve: (*visit).revokeKey},
	{method: http.MethodGet, pattern: "/signin", serve: (*visit).signIn},
	{method: http.MethodPost, pattern: "/signin", serve: (*visit).signInByKey},
	{method: http.MethodGet, pattern: "/signin/link", once: true, serve: (*visit).signInByLink},
	{method: http.MethodGet, pattern: "/signin/openid", once: true, serve: (*visit).beginOpenID},
	{method: http.MethodGet, pattern: CallbackPath, once: true, serve: (*visit).finishOpenID},
	{method: http.MethodPost, pattern: "/signout", serve: (*visit).signOut},
	{method: http.MethodPost, pattern: "/preferences", operation: "list-months", serve: (*visit).preferences},
}

// navigation is the bar at the top: groups by whose work it is.
var navigation = [][]struct{ name, href, operation string }{
	{
		{"dashboard", "/", "list-months"},
		{"contents", "/contents", "list-contents"},
		{"users", "/users", "list-users"},
	},
	{
		{"history", "/history", "list-events"},
		{"refused", "/refused", "list-refused"},
		{"audit", "/audit", "list-trail"},
	},
	{
		{"health", "/health", "show-health"},
		{"keys", "/keys", "list-keys"},
	},
}

// pages routes all pages. Paths are matched as they were sent, since ids in them
// are percent-encoded.
func (s *server) pages() http.Handler {
	router := chi.NewRouter()
	for _, p := range table {
		router.Method(p.method, p.pattern, s.handler(p))
		if p.method != http.MethodGet {
			continue
		}
		if p.once {
			p.serve = (*visit).signIn
		}
		router.Method(http.MethodHead, p.pattern, s.handler(p))
	}
	router.NotFound(s.handler(page{pattern: "not found", serve: (*visit).nothing}).ServeHTTP)
	router.MethodNotAllowed(router.NotFoundHandler())
	return escapedPaths(router)
}

// nothing is what is at any other address: who is signed in still sees where to go.
func (v *visit) nothing() (*answer, error) {
	if session, err := v.Browser.Current(v.r); err == nil && session != nil {
		v.who = session.Identity
	}
	return nil, errNoPage
}

// escapedPaths has a router see each path as it was sent.
func escapedPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawPath = r.URL.EscapedPath()
		next.ServeHTTP(w, r)
	})
}

// pathID reads the id in a path; false where it isn't encoded well.
func pathID(r *http.Request) (string, bool) {
	id, err := url.PathUnescape(chi.URLParam(r, "id"))
	return id, err == nil
}
