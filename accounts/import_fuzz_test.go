package accounts

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

// Whatever the cells of a row are, it ends in one of the outcomes, the dry run
// says which, and the second time nothing changes.
func FuzzImportRow(f *testing.F) {
	f.Add("id", "a@x", "2024-03-01", "1.50", "'=x")
	f.Add("", "A", "2024-03-01 10:00", "true", "[\"a\"]")
	f.Add(".", "", "45000", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, id, email, registered, first, note string) {
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		_ = w.WriteAll([][]string{{"id", "email", "registered_at", "first_name", "custom.k"}, {id, email, registered, first, note}})
		if strings.Contains(file.String(), "sep=") || !strings.HasPrefix(file.String(), "id,") {
			return
		}
		s := (&memoryPlatform{t: t}).service()
		dry := inALine(s.imported(file.String(), true))
		if wet := inALine(s.imported(file.String(), false)); wet != dry {
			t.Errorf("the dry run of %q said %s, and it came to %s", file.String(), dry, wet)
		}
		if again := inALine(s.imported(file.String(), false)); !strings.Contains(again, " 0 created, 0 updated, ") {
			t.Errorf("%q, again, came to %s", file.String(), again)
		}
	})
}
