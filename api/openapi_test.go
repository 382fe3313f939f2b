// These tests hold the OpenAPI document: the one in the repository is the one
// that the code makes, and every operation in it has its roles.

package api

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"boxoffice/access"
	"boxoffice/accounts"
)

var update = flag.Bool("update", false, "write api/openapi.json again")

// unused are parts that a test needs to be there and never calls.
type unused struct {
	testReader
	testLog
	Publisher
}

// unusedAccounts are made of such parts.
func unusedAccounts(t *testing.T) *accounts.Service {
	t.Helper()
	var u unused
	people, err := accounts.New(accounts.Config{Reader: u, Log: u, Publisher: u, Locks: u})
	if err != nil {
		t.Fatal(err)
	}
	return people
}

func describedService(t *testing.T) *service {
	t.Helper()
	var u unused
	s, err := newService(Config{Reader: u, Log: u, Publisher: u, Accounts: unusedAccounts(t), Gate: access.NewGate(nil, 0), Trials: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenAPIDocumentIsTheOneInTheRepository(t *testing.T) {
	got := describedService(t).document
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json isn't what the code makes; after looking at the difference, go test ./api -run OpenAPI -update\n%s", diff)
	}
}

type documentedOperation struct {
	ID          string                `json:"operationId"`
	Description string                `json:"description"`
	Security    []map[string][]string `json:"security"`
	Responses   map[string]any        `json:"responses"`
}

func documented(t *testing.T) map[string]map[string]documentedOperation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]documentedOperation `json:"paths"`
	}
	if err := json.Unmarshal(describedService(t).document, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Paths
}

// Every operation of the document is in the table of permissions, and says what the
// table says. That all of the table are somewhere is tested beside it.
func TestEveryOperationHasItsRoles(t *testing.T) {
	for path, operations := range documented(t) {
		for method, op := range operations {
			roles, ok := access.RolesOf(op.ID)
			if !ok {
				t.Errorf("%s %s (%s) isn't in the table", method, path, op.ID)
			}
			if needsKey := len(op.Security) > 0; needsKey != (len(roles) > 0) {
				t.Errorf("%s %s: needs a key in the document: %v; by the table: %v", method, path, needsKey, roles)
			}
			if len(roles) == 0 {
				continue
			}
			if !strings.Contains(op.Description, "Roles: "+roleNames(roles)+".") {
				t.Errorf("%s %s doesn't name its roles", method, path)
			}
			for _, status := range []string{"401", "403", "422", "500", "503"} {
				if op.Responses[status] == nil {
					t.Errorf("%s %s doesn't describe %s", method, path, status)
				}
			}
		}
	}
}

// Whatever is routed is either an operation, and so behind the gate, or one of
// the few pages that anybody may see.
func TestEveryRouteIsAnOperation(t *testing.T) {
	public := []string{"GET /", "GET /docs", "GET /docs/start.js", "GET /docs/swagger-ui-bundle.js", "GET /docs/swagger-ui.css"}
	paths := documented(t)
	err := chi.Walk(describedService(t).router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if _, ok := paths[route][strings.ToLower(method)]; !ok && !slices.Contains(public, method+" "+route) {
			t.Errorf("%s %s is routed and isn't in the document", method, route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What isn't known is null, not absent: every property of every answer is
// required, but for those of problems and CloudEvents, of what is asked for, and the
// columns of an import, which only a dry run tells.
func TestNoPropertyIsLeftOut(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
				Required   []string       `json:"required"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(describedService(t).document, &doc); err != nil {
		t.Fatal(err)
	}
	snake := regexp.MustCompile(`^[a-z0-9_]+$`)
	for name, schema := range doc.Components.Schemas {
		for property := range schema.Properties {
			if !snake.MatchString(property) {
				t.Errorf("%s.%s isn't in snake case", name, property)
			}
			if name+"."+property == "ImportResult.columns" {
				continue
			}
			if !slices.Contains([]string{"Problem", "ProblemDetail", "CloudEvent", "NewUser", "ProfilePatch"}, name) && !slices.Contains(schema.Required, property) {
				t.Errorf("%s.%s may be absent", name, property)
			}
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	var u unused
	people, gate := unusedAccounts(t), access.NewGate(nil, 0)
	for _, c := range []Config{
		{Log: u, Publisher: u, Accounts: people, Gate: gate},
		{Reader: u, Publisher: u, Accounts: people, Gate: gate},
		{Reader: u, Log: u, Accounts: people, Gate: gate},
		{Reader: u, Log: u, Publisher: u, Gate: gate},
		{Reader: u, Log: u, Publisher: u, Accounts: people},
		{Reader: u, Log: u, Publisher: u, Accounts: people, Gate: gate, CursorKey: []byte("short")},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
}
