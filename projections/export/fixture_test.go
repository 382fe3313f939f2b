// This file is lists that are held in memory, for the tests of this package.

package export

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/projections"
)

// A fixedReader reads from the users and sessions that it has.
type fixedReader struct {
	users    []projections.User
	sessions []projections.Session
	keys     []string
}

func (r *fixedReader) AllUsers(_ context.Context, _ projections.UsersQuery, f func(*projections.UserList) error) error {
	return f(&projections.UserList{Position: 42, TimeZone: "Europe/Paris", Users: each(r.users),
		CustomKeys: func(int) ([]string, error) { return r.keys, nil }})
}

func (r *fixedReader) AllSessions(_ context.Context, _ projections.SessionsQuery, f func(*projections.SessionList) error) error {
	return f(&projections.SessionList{Position: 42, TimeZone: "Europe/Paris", Sessions: each(r.sessions)})
}

func each[T any](items []T) func(func(*T, error) bool) {
	return func(yield func(*T, error) bool) {
		for i := range items {
			if !yield(&items[i], nil) {
				return
			}
		}
	}
}

func at(text string) domain.Instant {
	i, err := domain.ParseInstant(text)
	if err != nil {
		panic(err)
	}
	return i
}

// telling are users whose fields mean something to a spreadsheet program.
func telling() *fixedReader {
	r := &fixedReader{keys: []string{"born", "note", "shoe", "vip"}}
	texts := []string{"=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "10293", "1e5", "2026-01-01", "TRUE", " spaces ", "two\nlines", `"q", and; more`,
		"<b>&amp;</b>", "é ß € \U0001f600", "_x0041_", "=HYPERLINK(\"http://example.org\")", "\tcmd"}
	for i, text := range texts {
		registered := at("2026-03-29T00:30:00Z") + domain.Instant(i)*1_800_000_000 // across the change to summer time
		r.users = append(r.users, projections.User{
			ID: fmt.Sprintf("%s %02d", text, i), Status: domain.StatusActive, StatusSince: registered, RegisteredAt: &registered,
			Profile: domain.Profile{FirstName: &text, LastName: new("x"), Custom: fmt.Appendf(nil, `{"note":%q,"shoe":%d.5,"vip":%v}`, fmt.Sprint("=", i), 30+i, i%2 == 0)},
		})
	}
	r.users = append(r.users, projections.User{ID: "last", Status: domain.StatusRegistered, StatusSince: at("1950-06-01T00:00:00Z"),
		Profile: domain.Profile{Custom: []byte(`{"born":12345678901234567890,"note":["a","b"],"shoe":-7}`)}})
	return r
}

// written makes a file of the reader's users and returns its path.
func written(t testing.TB, r Reader, name string, o Options) string {
	t.Helper()
	var file bytes.Buffer
	o.TempDir = t.TempDir()
	q := projections.UsersQuery{At: at("2026-11-23T12:00:00Z")}
	result, err := Users(t.Context(), r, q, &file, o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Position != 42 {
		t.Errorf("the position is %d", result.Position)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wallClock returns the local time that a file shows for an instant.
func wallClock(i domain.Instant) string {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return i.Time().In(zone).Format("2006-01-02T15:04:05")
}

// names returns the columns' names.
func names(columns []column) []string {
	found := make([]string, len(columns))
	for i := range columns {
		found[i] = columns[i].Name
	}
	return slices.Clip(found)
}
