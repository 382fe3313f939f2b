// These tests hold what every request goes through: who may call, which
// parameters there are, how errors look, and what is logged and measured.

package api

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/projections"
	"boxoffice/wire"
)

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

// examplePath fills in the parameters of a path.
func examplePath(path string) string {
	values := map[string]string{"month": "2026-11", "kpi": "active", "id": "7"}
	return pathParam.ReplaceAllStringFunc(path, func(p string) string { return values[p[1:len(p)-1]] })
}

// Every operation lets through the roles of the table and no others, and looks
// at the key before anything else. An unknown parameter tells who got through.
func TestRolesOfEveryOperation(t *testing.T) {
	h := newHarness(t, nil)
	for path, operations := range documented(t) {
		for method, op := range operations {
			url := examplePath(path) + "?nobody=knows"
			allowed, _ := access.RolesOf(op.ID)
			for _, role := range access.Roles {
				a := h.do(strings.ToUpper(method), url, "", header{"Authorization": "Bearer " + string(role)})
				if len(allowed) == 0 || slices.Contains(allowed, role) {
					a.invalid("query.nobody")
				} else {
					a.problem(http.StatusForbidden)
				}
			}
			for _, authorization := range []string{"", "Bearer nobody", "Basic YWRtaW46", "Bearer"} {
				a := h.do(strings.ToUpper(method), url, "", header{"Authorization": authorization})
				if len(allowed) == 0 {
					a.invalid("query.nobody")
					continue
				}
				a.problem(http.StatusUnauthorized)
				if a.Header().Get("Www-Authenticate") == "" {
					t.Errorf("%s %s doesn't say how to authenticate", method, path)
				}
			}
		}
	}
}

func TestQueriesAreStrict(t *testing.T) {
	h := newHarness(t, nil)
	for path, location := range map[string]string{
		"/v1/users?limit=0":                                   "query.limit",
		"/v1/users?limit=1001":                                "query.limit",
		"/v1/users?limit=-1":                                  "query.limit",
		"/v1/users?limit=ten":                                 "query.limit",
		"/v1/users?limit=1.5":                                 "query.limit",
		"/v1/users?limit=":                                    "query.limit",
		"/v1/users?limit":                                     "query.limit",
		"/v1/users?limit=10&limit=10":                         "query.limit",
		"/v1/users?Limit=10":                                  "query.Limit",
		"/v1/users?status=gone":                               "query.status",
		"/v1/users?status=":                                   "query.status",
		"/v1/users?status=active&status=canceled":             "query.status",
		"/v1/users?sort=email":                                "query.sort",
		"/v1/users?sort=%2Bregistered_at":                     "query.sort",
		"/v1/users?at_position=5":                             "query.at_position",
		"/v1/users?cursor=nonsense":                           "query.cursor",
		"/v1/users?q=%FF":                                     "query.q",
		"/v1/users?q=a%00b":                                   "query.q",
		"/v1/users?as_of=yesterday":                           "query.as_of",
		"/v1/users?as_of=2026-11-31":                          "query.as_of",
		"/v1/users?as_of=2026-11-23T12:00:00":                 "query.as_of",
		"/v1/users?as_of=2026-11-23T12:00:60Z":                "query.as_of",
		"/v1/users?as_of=1899-12-31T23:59:59Z":                "query.as_of",
		"/v1/users?as_of=10000-01-01T00:00:00Z":               "query.as_of",
		"/v1/users?registered_from=2026-02-30":                "query.registered_from",
		"/v1/users?registered_to=2026-13-01":                  "query.registered_to",
		"/v1/users?updated_from=now":                          "query.updated_from",
		"/v1/users?updated_to=23.11.2026":                     "query.updated_to",
		"/v1/users/ana?at_position=5":                         "query.at_position",
		"/v1/users/ana/sessions?as_of=2026-11-23T12:00Z":      "query.as_of",
		"/v1/users/ana/sessions?from=x":                       "query.from",
		"/v1/users/ana/contents?limit=5":                      "query.limit",
		"/v1/users/ana/contents?to=x":                         "query.to",
		"/v1/users/a%00b":                                     "path.id",
		"/v1/users/a%0Ab":                                     "path.id",
		"/v1/users/%FF":                                       "path.id",
		"/v1/users/%2E%2E":                                    "path.id",
		"/v1/users/" + strings.Repeat("a", 129):               "path.id",
		"/v1/kpis/2026-13":                                    "path.month",
		"/v1/kpis/2026-1":                                     "path.month",
		"/v1/kpis/november":                                   "path.month",
		"/v1/kpis/2026-11?at_position=3":                      "query.at_position",
		"/v1/kpis/2026-13/days":                               "path.month",
		"/v1/kpis/2026-11/days?as_of=november":                "query.as_of",
		"/v1/kpis/2026-11/days?from=2026-11-01":               "query.from",
		"/v1/kpis":                                            "query.from",
		"/v1/kpis?from=2026-01":                               "query.to",
		"/v1/kpis?from=2026-02&to=2026-01":                    "query.to",
		"/v1/kpis?from=2016-01&to=2026-01":                    "query.to", // 121 months
		"/v1/kpis?from=2016-01-01&to=2026-01":                 "query.from",
		"/v1/kpis/2026-11/visits/users":                       "path.kpi",
		"/v1/kpis/2026-11/active/users?reason=voluntary":      "query.reason",
		"/v1/kpis/2026-11/unsubscribed/users?reason=none":     "query.reason",
		"/v1/kpis/2026-11/cancellations/users?reason=expired": "query.reason",
		"/v1/kpis/2026-11/cancellations/users?reason=paused":  "query.reason",
		"/v1/user-counts?status=active":                       "query.status",
		"/v1/contents?content_id=c":                           "query.content_id",
		"/v1/sessions?user_id=ana":                            "query.user_id",
		"/v1/events?after=-1":                                 "query.after",
		"/v1/events?after=x":                                  "query.after",
		"/v1/events?limit=1001":                               "query.limit",
		"/v1/events?type=user.renamed":                        "query.type",
		"/v1/events?cursor=x":                                 "query.cursor",
		"/v1/events?user_id=" + strings.Repeat("a", 129):      "query.user_id",
		"/v1/refused?reason=bad":                              "query.reason",
		"/v1/refused?cursor=x":                                "query.cursor",
		"/healthz?verbose=1":                                  "query.verbose",
		"/readyz?verbose=1":                                   "query.verbose",
		"/openapi.json?v=1":                                   "query.v",
	} {
		t.Run(path, func(t *testing.T) {
			a := h.get(RoleAdmin, path)
			a.t = t
			a.invalid(location)
		})
	}
	h.get(RoleAdmin, "/v1/users?limit=%zz").problem(http.StatusUnprocessableEntity)
	h.get(RoleAdmin, "/v1/users?limit=1;sort=x").problem(http.StatusUnprocessableEntity)
}

// One answer names everything that is wrong.
func TestEverythingWrongIsNamed(t *testing.T) {
	a := newHarness(t, nil).get(RoleAdmin, "/v1/users?as_of=x&registered_from=y&limit=5")
	a.invalid("query.as_of")
	a.invalid("query.registered_from")
}

// An offset's + that wasn't encoded arrives as a space; no time has one there.
func TestOffsetWithoutEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-23T12:00:00 01:00": "2026-11-23T12:00:00+01:00",
		"2026-11-23T12:00:00+01:00": "2026-11-23T12:00:00+01:00",
		"2026-11-23 12:00":          "2026-11-23 12:00",
		"2026-11-23":                "2026-11-23",
		" 01:00":                    " 01:00",
		"":                          "",
	} {
		if got := withPlus(text); got != want {
			t.Errorf("withPlus(%q) = %q", text, got)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := newHarness(t, nil)
	for _, path := range []string{"/v1", "/v1/", "/v1/users/", "/v1/users/ana/", "/v2/users", "/v1//users", "/favicon.ico", "/docs/", "/metrics"} {
		h.get(RoleAdmin, path).problem(http.StatusNotFound)
	}
	for _, c := range []struct{ method, path, allow string }{
		{http.MethodDelete, "/v1/events", "GET, HEAD, POST"},
		{http.MethodPost, "/v1/kpis/2026-11", "GET, HEAD"},
		{http.MethodPut, "/v1/users/a%2Fb", "GET, HEAD, PATCH, DELETE"},
		{http.MethodHead, "/v1/erasures", "POST"},
	} {
		a := h.do(c.method, c.path, "", nil)
		if a.Code != http.StatusMethodNotAllowed || a.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow: %s", c.method, c.path, a.Code, a.Header().Get("Allow"))
		}
	}
}

// brokenReader fails, or panics, in a chosen way.
type brokenReader struct {
	Reader
	fail func(ctx context.Context) error
}

func (b brokenReader) UserCounts(ctx context.Context, _ domain.Instant) (projections.UserCounts, error) {
	return projections.UserCounts{}, b.fail(ctx)
}

func (b brokenReader) User(ctx context.Context, _ string, _ domain.Instant) (projections.UserDetail, bool, error) {
	return projections.UserDetail{}, false, b.fail(ctx)
}

type sqlState string

func (s sqlState) Error() string    { return "SELECT secret FROM users: " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

type resultCode int

func (c resultCode) Error() string { return fmt.Sprint("SELECT secret FROM users: ", int(c)) }
func (c resultCode) Code() int     { return int(c) }

func TestErrorsOfParts(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(context.Context) error
		status int
	}{
		"a mistake":             {func(context.Context) error { return errBroken }, 500},
		"a panic":               {func(context.Context) error { panic("secret") }, 500},
		"a syntax error":        {func(context.Context) error { return sqlState("42601") }, 500},
		"a constraint":          {func(context.Context) error { return resultCode(19) }, 500},
		"PostgreSQL shuts down": {func(context.Context) error { return fmt.Errorf("read: %w", sqlState("57P01")) }, 503},
		"PostgreSQL is full":    {func(context.Context) error { return sqlState("53100") }, 503},
		"SQLite is busy":        {func(context.Context) error { return resultCode(261) }, 503},
		"SQLite is full":        {func(context.Context) error { return resultCode(13) }, 503},
		"nothing listens":       {func(context.Context) error { return getNothing("http://127.0.0.1:1/secret") }, 503},
		"cut off":               {func(context.Context) error { return io.ErrUnexpectedEOF }, 503},
		"closed":                {func(context.Context) error { return errors.New("sql: database is closed") }, 503},
		"not built":             {func(context.Context) error { return projections.ErrNotBuilt }, 503},
		"newer":                 {func(context.Context) error { return projections.ErrNewerModels }, 503},
		"too slow":              {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 503},
		"a cursor":              {func(context.Context) error { return projections.ErrCursor }, 422},
		"no user":               {func(context.Context) error { return projections.ErrNoUser }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c2 *Config) {
				c2.Reader = brokenReader{fail: c.fail}
				c2.Timeout = 50 * time.Millisecond
			})
			a := h.get(RoleAdmin, "/v1/user-counts")
			p := a.problem(c.status)
			for _, word := range []string{"secret", "SELECT", "goroutine", ".go", "127.0.0.1"} {
				if strings.Contains(a.Body.String(), word) {
					t.Errorf("the answer shows %q: %s", word, p.Detail)
				}
			}
			if (a.Header().Get("Retry-After") != "") != (c.status == 503) {
				t.Errorf("Retry-After: %q", a.Header().Get("Retry-After"))
			}
		})
	}
}

// Log lines and metrics name the route and never the path, which names people.
func TestLogAndMetricsNameNobody(t *testing.T) {
	h := newHarness(t, func(c *Config) {
		c.Reader = brokenReader{fail: func(context.Context) error { return projections.ErrNoUser }}
	})
	h.get(RoleAdmin, "/v1/users/ana%40example.org?as_of=2026-11-23T12:00:00Z").problem(404)
	h.get(RoleAdmin, "/v1/users?q=ana%40example.org&nothing=1").problem(422)
	h.do("ANA", "/ana", "", nil)
	h.publish("nobody-knows-ana", wire.StructuredType, "{}", header{"User-Agent": "ana"}).problem(401)
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString(h.log.String())
	for _, f := range families {
		all.WriteString(f.String())
	}
	if strings.Contains(strings.ToLower(all.String()), "ana") {
		t.Errorf("ana is named: %s", all.String())
	}
	for _, want := range []string{`"route":"/v1/users/{id}"`, `"status":404`, `value:"/v1/users/{id}"`, `"route":"none"`} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %s in %s", want, all.String())
		}
	}
}

func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	h := newHarness(t, nil)
	for _, path := range []string{"/", "/docs", "/healthz", "/v1/users", "/nothing", "/v1/kpis/x"} {
		a := h.get(RoleViewer, path)
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Cache-Control"} {
			if a.Header().Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
}

func TestReadiness(t *testing.T) {
	ok := func(context.Context) CheckResult {
		return CheckResult{Ready: true, Values: map[string]any{"events_behind": 7}}
	}
	bad := func(context.Context) CheckResult { return CheckResult{Detail: "syncs every two minutes"} }
	for _, c := range []struct {
		checks []Check
		status int
		want   string
	}{
		{nil, 200, `{"status":"ready","parts":{}}`},
		{[]Check{{"database", ok}}, 200, `{"status":"ready","parts":{"database":{"status":"ready","detail":null,"values":{"events_behind":7}}}}`},
		{[]Check{{"database", ok}, {"broker", bad}}, 503, `{"status":"not_ready","parts":{` +
			`"broker":{"status":"not_ready","detail":"syncs every two minutes","values":{}},` +
			`"database":{"status":"ready","detail":null,"values":{"events_behind":7}}}}`},
	} {
		h := newHarness(t, func(config *Config) { config.Checks = c.checks })
		a := h.do(http.MethodGet, "/readyz", "", nil).ok(c.status)
		if diff := cmp.Diff(c.want, strings.TrimSpace(a.Body.String())); diff != "" {
			t.Error(diff)
		}
	}
	a := newHarness(t, nil).do(http.MethodGet, "/healthz", "", nil).ok(200)
	if got := strings.TrimSpace(a.Body.String()); got != `{"status":"ok"}` {
		t.Error(got)
	}
}

// All parts are asked at once: each of these waits for the other.
func TestChecksRunTogether(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	meet := func(context.Context) CheckResult {
		both.Done()
		both.Wait()
		return CheckResult{Ready: true}
	}
	h := newHarness(t, func(c *Config) { c.Checks = []Check{{"one", meet}, {"other", meet}} })
	h.do(http.MethodGet, "/readyz", "", nil).ok(200)
}

func TestDocumentAndPageAreServedByTheServiceItself(t *testing.T) {
	h := newHarness(t, nil)
	a := h.do(http.MethodGet, "/openapi.json", "", nil).ok(200)
	if a.Header().Get("Content-Type") != jsonType || a.Body.String() != string(h.service.document) {
		t.Error("the document isn't served as it is")
	}
	if root := h.do(http.MethodGet, "/", "", nil); root.Code != 302 || root.Header().Get("Location") != "/docs" {
		t.Errorf("/ answers %d %s", root.Code, root.Header().Get("Location"))
	}
	page := h.do(http.MethodGet, "/docs", "", nil).ok(200)
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		switch target := match[1]; {
		case target == "data:,":
		case strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//"):
			h.do(http.MethodGet, target, "", nil).ok(200)
		default:
			t.Errorf("the page loads %s", target)
		}
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Errorf("the page's policy is %s", policy)
	}
	plain := h.do(http.MethodGet, "/docs/swagger-ui-bundle.js", "", nil).ok(200)
	zipped := h.do(http.MethodGet, "/docs/swagger-ui-bundle.js", "", header{"Accept-Encoding": "gzip"}).ok(200)
	if zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Error("it isn't compressed for who can read that")
	}
	r, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unzipped, err := io.ReadAll(r); err != nil || string(unzipped) != plain.Body.String() {
		t.Errorf("compressed and not, it isn't the same: %v", err)
	}
}

// getNothing returns the error of asking where nothing listens.
func getNothing(url string) error {
	answer, err := http.Get(url)
	if err == nil {
		err = answer.Body.Close()
	}
	return err
}
