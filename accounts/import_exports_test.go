// These tests hold that what boxoffice has exported and imports again changes
// nothing, and comes to the same users somewhere else.

package accounts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/projections/export"
)

// exported is everybody as a file.
func (w *world) exported(format export.Format) []byte {
	w.t.Helper()
	var file bytes.Buffer
	q := projections.UsersQuery{Sort: "registered_at", At: w.service.now()}
	if _, err := export.Users(w.t.Context(), w.Reader, q, &file, export.Options{Format: format}); err != nil {
		w.t.Fatal(err)
	}
	return file.Bytes()
}

// peopleToExport are users of whom it is hard to make a table.
func peopleToExport() (events []string) {
	profiles := []map[string]any{
		{"custom": map[string]any{" key ": "blanks", "key": "none", "": "no key", " ": "a blank", "n": json.RawMessage("1.50"), "big": json.RawMessage("12345678901234567890"), "small": json.RawMessage("1.00000000000000000000")}},
		{"custom": map[string]any{"vip": true, "tags": []string{"a", "=b"}, "deep": map[string]any{"b": 1, "a": []any{nil, "x"}}}},
		{"first_name": "'=1+1", "last_name": "''", "custom": map[string]any{"note": "'tis", "sum": "=1+1", "minus": "-5", "at": "@x"}},
		{"first_name": "line1\r", "last_name": "a\r\nb\tc", "custom": map[string]any{"note": "_x0041_", "other": "_x005F_x0041_", "control": "a\u0001b"}},
		{"custom": map[string]any{"long": strings.Repeat("é\U0001f600", 20_000), "text": "38", "date": "2026-01-01", "TRUE": "TRUE"}},
		{"first_name": " Ana ", "custom": map[string]any{"note": " x\u00a0"}},
	}
	times := []string{"2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-03-30T01:30:00Z", "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z", "1900-01-01T00:00:00Z",
		"1900-03-01T00:00:00Z", "1911-03-10T23:55:00Z", "1970-01-01T00:00:00Z", "1971-12-31T23:59:59.9996Z", "2024-03-01T10:20:30.123456Z", "2024-02-29T22:59:59.999999Z", "2026-11-23T11:00:00Z"}
	for i, at := range times {
		data := map[string]any{"email": fmt.Sprintf("u%d@example.org", i)}
		if i == 3 {
			delete(data, "email")
		}
		maps.Copy(data, profiles[i%len(profiles)])
		text, err := json.Marshal(data)
		if err != nil {
			panic(err)
		}
		events = append(events, happened(at, fmt.Sprint("u", i), "user.registered", string(text)))
	}
	return append(events, happened("2026-11-01T00:00:00Z", "never", "playback.ended", `{"session_id":"s","content_id":"c"}`),
		happened("2026-11-02T00:00:00Z", "straße", "user.registered", `{"email":"straße@example.org"}`),
		happened("2026-11-02T00:00:00Z", "strasse", "user.registered", `{"email":"strasse@example.org"}`))
}

func TestOwnExportsChangeNothing(t *testing.T) {
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Africa/Monrovia", "Asia/Kolkata", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
				w := newWorldIn(t, open(), zone)
				events := peopleToExport()
				w.Happen(events...)
				before := w.users()
				for _, format := range []export.Format{export.CSV, export.XLSX} {
					file := string(w.exported(format))
					want := fmt.Sprintf("%d rows: 0 created, 0 updated, %d unchanged", len(events), len(events))
					for _, dryRun := range []bool{true, false} {
						w.comesTo(file, dryRun, want)
					}
				}
				if diff := cmp.Diff(before, w.users()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// A CSV comes to the same instants and texts somewhere else.
func TestOwnCSVSomewhereElse(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		from := newWorldIn(t, open(), "Africa/Monrovia")
		from.Happen(peopleToExport()...)
		file := from.exported(export.CSV)
		to := (&memoryPlatform{t: t}).service()
		_ = to.imported(string(file), false)
		for _, u := range from.allUsers() {
			if u.Profile.Email == nil {
				continue
			}
			there, ok := to.service.config.Reader.(*memoryPlatform).users[u.ID]
			if !ok {
				t.Errorf("%s isn't there", u.ID)
				continue
			}
			if got := there.RegisteredAt(); got == nil || *got != *u.RegisteredAt {
				t.Errorf("%s registered at %v, not %v", u.ID, got, u.RegisteredAt)
			}
			for _, name := range []string{"first_name", "last_name"} {
				p := there.Profile()
				if got, want := profileText(&p, name), profileText(&u.Profile, name); want != nil && (got == nil || *got != strings.TrimSpace(*want)) {
					t.Errorf("%s has the %s %v, not %q", u.ID, name, got, *want)
				}
			}
		}
	})
}
