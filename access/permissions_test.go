package access

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What each role may do, as people are told.
func TestTableOfRoles(t *testing.T) {
	may := map[Role][]string{}
	for id, roles := range permissions {
		for _, r := range roles {
			may[r] = append(may[r], id)
		}
	}
	for _, ids := range may {
		slices.Sort(ids)
	}
	figures := []string{"get-month", "get-month-days", "get-user-counts", "list-contents", "list-months", "list-sessions"}
	history := []string{"list-events", "list-refused", "get-refused-counts", "list-trail", "show-health"}
	people := []string{"export-sessions", "export-users", "get-user", "get-user-data", "list-month-users", "list-user-contents", "list-user-sessions", "list-users"}
	changes := []string{"publish-events", "create-user", "edit-user", "import-users", "erase-user", "erase-users", "retract-event", "retry-refused", "delete-refused", "list-keys", "make-key", "revoke-key"}
	sorted := func(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }
	want := map[Role][]string{
		Publisher: {"publish-events"},
		Viewer:    figures,
		Support:   sorted(figures, people),
		Auditor:   sorted(figures, history),
		Admin:     sorted(figures, people, history, changes),
	}
	if diff := cmp.Diff(want, may); diff != "" {
		t.Error(diff)
	}
}

// Every operation of the table is one of the API, as its document has it, or of
// pages alone, and none is both.
func TestEveryOperationIsSomewhere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile(`"operationId": *"([^"]+)"`).FindAllSubmatch(text, -1) {
		documented[string(m[1])] = true
	}
	pagesAlone := []string{"show-health", "list-keys", MakeKey, RevokeKey, "retract-event"}
	for id := range permissions {
		if documented[id] == slices.Contains(pagesAlone, id) {
			t.Errorf("%s is in the table; an operation of the API: %v", id, documented[id])
		}
	}
}
