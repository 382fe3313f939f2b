package access

import (
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
	changes := []string{"publish-events", "create-user", "edit-user", "import-users", "erase-user", "erase-users", "retry-refused", "delete-refused", "list-keys", "make-key", "revoke-key"}
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
