// These tests hold that importing a file again changes nothing, whatever is in
// it: rows that contradict each other, rows that name one user by id and by
// e-mail, e-mails that several have or that rows move.

package accounts

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/accounts/accountstest"
	"boxoffice/accounts/spreadsheet"
)

// A drawnFile is a file, and the events of what is there before it is imported.
type drawnFile struct {
	before []string
	file   string
}

// drawFile draws rows about few users and e-mails, so that many are about the
// same. mark keeps those of one file apart from others.
func drawFile(mark string) *rapid.Generator[drawnFile] {
	return rapid.Custom(func(t *rapid.T) drawnFile {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		email := func(label string) string {
			drawn := one(label, "", "a@x", "A@x", "b@x", "B@X", "c@x", "'=c@x")
			if drawn != "" {
				drawn += "." + mark
			}
			return drawn
		}
		var f drawnFile
		for n := range rapid.IntRange(0, 4).Draw(t, "users before") {
			data := map[string]any{"custom": map[string]any{"note": json.RawMessage(one("note", `"x"`, `38`, `true`, `["a"]`))}}
			if at := email("email"); at != "" {
				data["email"] = at
			}
			text, err := json.Marshal(data)
			if err != nil {
				t.Fatal(err)
			}
			f.before = append(f.before, happened(one("time", "2024-02-15T00:00:00Z", "2026-11-23T12:04:00Z"), fmt.Sprint(mark, n+1),
				one("type", "user.registered", "user.updated"), string(text)))
		}
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		_ = w.Write([]string{"id", "email", "first_name", "registered_at", "custom.note"})
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			id := one("id", "", "", "1", "2", "3", "gone")
			if id != "" {
				id = mark + id
			}
			_ = w.Write([]string{id, email("email"), one("first_name", "", "", "Ana", "Bob", "no\x00"),
				one("registered_at", "", "", "2024-03-01", "2024-02-01 10:00:00", "2030-01-01", "soon"),
				one("note", "", "", "x", "'=x", "38", "38.0", "1e999", "TRUE", `["b"]`, `[1]`)})
		}
		w.Flush()
		f.file = file.String()
		return f
	})
}

// importedAgain imports a file twice, and says what the second result should have
// been where it was another.
func (c caller) importedAgain(file string) string {
	c.t.Helper()
	first, again := c.imported(file, false), c.imported(file, false)
	want := ImportResult{Rows: first.Rows, Unchanged: first.Created + first.Updated + first.Unchanged, Refused: first.Refused}
	return cmp.Diff(inALine(want), inALine(again))
}

func TestImportingAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		platform := &memoryPlatform{t: t}
		f := drawFile("").Draw(rt, "file")
		if err := platform.PublishBatch(t.Context(), accountstest.Messages(f.before...)); err != nil {
			rt.Fatal(err)
		}
		if diff := platform.service().importedAgain(f.file); diff != "" {
			rt.Errorf("after %s,\n%s\nthe second time comes to something else (-want +got):\n%s", f.before, f.file, diff)
		}
	})
}

// The same over the real parts, with a user who was erased.
func TestImportingAgainOnEachEngine(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for seed := range 20 {
			mark := fmt.Sprintf("f%d.", seed)
			f := drawFile(mark).Example(seed)
			w.Happen(append(f.before, happened("2024-05-01T00:00:00Z", mark+"gone", "user.registered", `{}`),
				happened("2026-11-02T00:00:00Z", mark+"gone", "user.erased", `{}`))...)
			if diff := w.importedAgain(f.file); diff != "" {
				t.Errorf("after %s,\n%s\nthe second time comes to something else (-want +got):\n%s", f.before, f.file, diff)
			}
		}
	})
}

// Two rows about one user stay so across the rows that are read ahead.
func TestImportRepeatsFarApart(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		lines := []string{"id,email,first_name", "ana,ana@example.org,Ana", ",bob@example.org,Bob"}
		for i := range windowRows {
			lines = append(lines, fmt.Sprintf("%d,%d@example.org,", i, i))
		}
		lines = append(lines, ",ANA@example.org,", ",ana@example.org,Ana", ",ana@example.org,Other", ",Bob@example.org,", "ana,other@example.org,")
		refused := fmt.Sprintf("; %d: row 2 is about this user already; %d: row 2 is about this user already", windowRows+6, windowRows+8)
		file := strings.Join(lines, "\n")
		for _, dryRun := range []bool{true, false} {
			w.comesTo(file, dryRun, fmt.Sprintf("%d rows: %d created, 0 updated, 3 unchanged%s", windowRows+7, windowRows+2, refused))
		}
		w.comesTo(file, false, fmt.Sprintf("%d rows: 0 created, 0 updated, %d unchanged%s", windowRows+7, windowRows+5, refused))
	})
}

// What is remembered of a row doesn't grow with what it says, and is little.
func TestImportRemembersLittle(t *testing.T) {
	const rows = 100_000
	held := func(remember func(n int, r *importRow)) float64 {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for n := range rows {
			email := fmt.Sprintf("somebody.with.a.long.name.%d@example.org", n)
			remember(n, &importRow{number: n + 2, email: email, cells: []spreadsheet.Cell{{Column: 0, Text: email}, {Column: 1, Text: "Somebody"}, {Column: 2, Text: "2024-03-01"}}})
		}
		runtime.GC()
		runtime.ReadMemStats(&now)
		return (float64(now.HeapAlloc) - float64(before.HeapAlloc)) / rows
	}
	first := newOccurrences()
	defer first.close()
	each := held(func(_ int, r *importRow) { _, _ = first.firstOf(r, nil) })
	both := held(func(n int, r *importRow) {
		r.id = fmt.Sprint("u", n)
		_, _ = first.firstOf(r, nil)
	})
	columns, err := readColumns([]string{"email", "first_name", "registered_at"}, true, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	laid := newOverlay(columns)
	defer laid.close()
	dry := held(func(_ int, r *importRow) { _ = laid.note(r, nil, 0) })
	t.Logf("%.0f bytes a row by e-mail, %.0f by id, and %.0f in a dry run", each, both, dry)
	if each > 20 || both > 20 || dry > 40 {
		t.Error("that is more than it should be")
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(laid)
}
