// This file is the table of who may do what, route by route, as people are told
// it: written from the rules and not from the code.

package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"boxoffice/access"
)

// accessTable says for each route which roles may take it; none for a route
// that needs no key. A route that the document has and this table hasn't fails
// the test, so that nobody forgets to say who may take a new one. What stands
// here and isn't in the document yet is nobody's.
var accessTable = map[string][]Role{
	"GET /healthz":      {},
	"GET /readyz":       {},
	"GET /openapi.json": {},

	"POST /v1/events": {RolePublisher, RoleAdmin},

	// No personal data.
	"GET /v1/kpis":              anyReader,
	"GET /v1/kpis/{month}":      anyReader,
	"GET /v1/kpis/{month}/days": anyReader,
	"GET /v1/user-counts":       anyReader,
	"GET /v1/contents":          anyReader,
	"GET /v1/sessions":          anyReader,

	// People.
	"GET /v1/kpis/{month}/{kpi}/users": {RoleSupport, RoleAdmin},
	"GET /v1/users":                    {RoleSupport, RoleAdmin},
	"GET /v1/users/{id}":               {RoleSupport, RoleAdmin},
	"GET /v1/users/{id}/sessions":      {RoleSupport, RoleAdmin},
	"GET /v1/users/{id}/contents":      {RoleSupport, RoleAdmin},
	"GET /v1/exports/users":            {RoleSupport, RoleAdmin},
	"GET /v1/exports/sessions":         {RoleSupport, RoleAdmin},
	"GET /v1/users/{id}/data":          {RoleSupport, RoleAdmin},
	"POST /v1/users":                   {RoleAdmin},
	"PATCH /v1/users/{id}":             {RoleAdmin},
	"DELETE /v1/users/{id}":            {RoleAdmin},
	"POST /v1/erasures":                {RoleAdmin},
	"POST /v1/imports/users":           {RoleAdmin},

	// What happened.
	"GET /v1/events":                  {RoleAuditor, RoleAdmin},
	"GET /v1/audit/checkpoint":        {RoleAuditor, RoleAdmin},
	"GET /v1/audit/proof/inclusion":   {RoleAuditor, RoleAdmin},
	"GET /v1/audit/proof/consistency": {RoleAuditor, RoleAdmin},
	"GET /v1/audit/trail":             {RoleAuditor, RoleAdmin},
	"GET /v1/refused":                 {RoleAuditor, RoleAdmin},
	"GET /v1/refused-counts":          {RoleAuditor, RoleAdmin},
	"POST /v1/refused/{id}/retry":     {RoleAdmin},
	"DELETE /v1/refused/{id}":         {RoleAdmin},
}

var anyReader = []Role{RoleViewer, RoleSupport, RoleAuditor, RoleAdmin}

// TestAccessTable takes every route of the document with every role, without a
// key, and with one that is nobody's.
func TestAccessTable(t *testing.T) {
	h := newHarness(t, nil)
	routes := 0
	for path, operations := range documented(t) {
		for method := range operations {
			routes++
			route := strings.ToUpper(method) + " " + path
			allowed, ok := accessTable[route]
			if !ok {
				t.Errorf("%s is in the document and not in the table of who may do what", route)
				continue
			}
			for _, role := range access.Roles {
				want := http.StatusForbidden
				if len(allowed) == 0 || slices.Contains(allowed, role) {
					want = 0
				}
				h.take(t, route, "Bearer "+string(role), want)
			}
			want := http.StatusUnauthorized
			if len(allowed) == 0 {
				want = 0
			}
			for _, authorization := range []string{"", "Bearer nobody", "Basic YWRtaW46", "Bearer", "Bearer " + strings.ToUpper(string(RoleAdmin))} {
				h.take(t, route, authorization, want)
			}
		}
	}
	if routes < 15 {
		t.Errorf("the document has %d routes, which can't be all", routes)
	}
}

// take takes a route. want is the status of who is turned away; 0 is whatever
// comes behind the gate: the query has what no operation knows.
func (h *harness) take(t *testing.T, route, authorization string, want int) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	a := h.do(method, examplePath(path)+"?nobody=knows", "", header{"Authorization": authorization})
	if want == 0 {
		want = http.StatusUnprocessableEntity
	}
	if a.Code != want {
		t.Errorf("%s with %q answers %d, want %d: %s", route, authorization, a.Code, want, a.Body)
	}
}

// Data of people is seen by those only who may see people, whatever else may
// be called by others.
func TestWhatConcernsPeopleIsInTheTrail(t *testing.T) {
	want := map[Role][]string{
		RolePublisher: {"POST /v1/events"},
		RoleSupport: {"GET /v1/sessions", "GET /v1/kpis/{month}/{kpi}/users", "GET /v1/users", "GET /v1/users/{id}", "GET /v1/users/{id}/sessions",
			"GET /v1/users/{id}/contents", "GET /v1/exports/users", "GET /v1/exports/sessions", "GET /v1/users/{id}/data"},
	}
	want[RoleAdmin] = append([]string{"POST /v1/events", "GET /v1/events", "GET /v1/refused", "POST /v1/refused/{id}/retry",
		"DELETE /v1/refused/{id}", "POST /v1/users", "PATCH /v1/users/{id}", "DELETE /v1/users/{id}", "POST /v1/erasures", "POST /v1/imports/users"},
		want[RoleSupport]...)
	for path, operations := range documented(t) {
		for method, op := range operations {
			for _, role := range access.Roles {
				route := strings.ToUpper(method) + " " + path
				who := access.Identity{Role: role}
				if got := who.Audited(op.ID) && who.May(op.ID); got != slices.Contains(want[role], route) {
					t.Errorf("%s by %s is recorded in the trail: %v", route, role, got)
				}
			}
		}
	}
}
