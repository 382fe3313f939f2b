// This file holds the table of rooms in docs/design.md: who may import whom.

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport lists, for each room, the rooms that its program code may import
// besides itself. A package below a room belongs to it unless it is listed.
var mayImport = map[string][]string{
	"domain":               {},
	"internal/sqldb":       {"internal/freeport"},
	"internal/freeport":    {},
	"internal/platform":    {"domain"},
	"internal/oracle":      {},
	"internal/sheet":       {},
	"internal/spreadsheet": {},
	"internal/export":      {"domain", "eventstore", "projections", "internal/sheet"},

	"access":      {"internal/sqldb"},
	"eventstore":  {"domain", "internal/sqldb"},
	"ingest":      {"domain", "eventstore", "internal/freeport"},
	"projections": {"domain", "eventstore", "internal/sqldb"},

	"projections/projectionstest": {"domain", "eventstore", "internal/oracle", "internal/sqldb", "projections"},

	"api":            {"domain", "projections", "eventstore", "access", "internal/export", "internal/spreadsheet"},
	"internal/bench": {"domain", "eventstore", "ingest", "projections", "api", "internal/sheet", "internal/sqldb"},
	"cmd/boxoffice":  nil, // all
}

// pureModules are what domain may use besides the standard library.
var pureModules = []string{"github.com/go-json-experiment/json", "golang.org/x/text"}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, pkg := range listPackages(t) {
		room := roomOf(strings.TrimPrefix(pkg.ImportPath, "boxoffice/"))
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s is in no room: add it to the table of docs/design.md and to this test", pkg.ImportPath)
			continue
		}
		for _, imported := range pkg.Imports {
			checkImport(t, room, allowed, imported)
		}
	}
}

func checkImport(t *testing.T, room string, allowed []string, imported string) {
	t.Helper()
	path, ours := strings.CutPrefix(imported, "boxoffice/")
	switch {
	case ours && room != "cmd/boxoffice" && roomOf(path) != room && !slices.Contains(allowed, roomOf(path)):
		t.Errorf("%s imports %s, which its place in the house doesn't allow", room, path)
	case !ours && room == "domain" && strings.Contains(imported, ".") && !isPure(imported):
		t.Errorf("domain imports %s: it takes the standard library and small pure libraries only", imported)
	case room == "domain" && slices.Contains([]string{"os", "net", "net/http", "database/sql", "context"}, imported):
		t.Errorf("domain imports %s: it has no I/O", imported)
	}
}

func isPure(path string) bool {
	return slices.ContainsFunc(pureModules, func(m string) bool { return strings.HasPrefix(path, m) })
}

// roomOf gives the longest room that the package's path lies in.
func roomOf(path string) string {
	best := path
	found := ""
	for room := range mayImport {
		if (path == room || strings.HasPrefix(path, room+"/")) && len(room) > len(found) {
			found = room
		}
	}
	if found != "" {
		best = found
	}
	return best
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "boxoffice/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listedPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var pkg listedPackage
		err := decoder.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, pkg)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages, which can't be all", len(all))
	}
	return all
}
