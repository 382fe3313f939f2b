// These tests hold that users are found by id and by e-mail, on each engine.

package projections

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

func TestFindUsers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", 100_000) + "@example.org"
	w := &world{calendar: domain.Calendar{}}
	for i, email := range []string{"Straße@example.org", "two@example.org", "TWO@example.org", long, "", "ana@example.org"} {
		p := &person{key: keyOf(i), id: fmt.Sprint("u", i), sessions: map[[2]string]*domain.SessionFacts{}}
		if i == 5 {
			p.id, p.was = "", "gone"
		}
		w.people = append(w.people, p)
		w.happen(t, p, sent{typ: domain.UserRegistered, at: domain.Instant(i), data: map[string]any{"email": email}})
	}
	w.happen(t, w.people[5], sent{typ: domain.UserErased, at: 9})
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		models := openModels(t, open)
		if err := build(models, &w.log, time.UTC, 0, 50); err != nil {
			t.Fatal(err)
		}
		r := NewReader(models, plainTimeout)
		found, err := r.FindUsers(t.Context(), []string{"u1", "nobody", "u1", "gone", "a\x00", "u4"},
			[]string{"STRAẞE@example.org", "STRASSE@example.org", "Two@example.org", long, "", "ana@example.org", "\xff", "nobody@example.org"}, -1)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for id, u := range found.ByID {
			ids[id] = u.ID + " " + *u.Profile.Email
		}
		if diff := cmp.Diff(map[string]string{"u1": "u1 two@example.org", "u4": "u4 "}, ids); diff != "" {
			t.Error(diff)
		}
		emails := map[string]string{}
		for email, m := range found.ByEmail {
			emails[email] = fmt.Sprint(m.Users)
			if m.User != nil {
				emails[email] += " " + m.User.ID
			}
		}
		if diff := cmp.Diff(map[string]string{"STRAẞE@example.org": "1 u0", "Two@example.org": "2", long: "1 u3", "": "1 u4"}, emails); diff != "" {
			t.Error(diff)
		}
		if found.Position != 7 {
			t.Errorf("at %d", found.Position)
		}
	})
}
