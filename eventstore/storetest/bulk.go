// This file is the rules about reading in bulk.

package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var bulkRules = []rule{
	{"reading in bulk is reading", "what is read of ranges of users and of positions is together what Read gives, each event once", testBulk},
	{"keys end where they are too many", "the keys of a range are those of all of its users, or of about as many as asked for in a range that ends earlier", testBulkKeys},
	{"keys know who was erased", "who is erased after keys were read is told, and nobody else; who was erased before has no key", testBulkErased},
}

// bulkLog appends events of some users, with and without what is personal.
func bulkLog(t *testing.T, s *eventstore.Store) {
	var messages []eventstore.Incoming
	kinds := []domain.Type{domain.UserRegistered, domain.PlaybackProgressed, domain.SubscriptionStarted,
		domain.PlaybackProgressed, domain.SubscriptionCanceled, domain.UserUpdated, domain.PlaybackProgressed}
	for i, kind := range slices.Repeat(kinds, 12) {
		messages = append(messages, event(message{kind: kind, subject: fmt.Sprint("user ", i*i%23), id: fmt.Sprint(i),
			at: fmt.Sprintf("19%02d-10-01T00:00:00.%06dZ", i, i), more: `,"tenant":"t1"`}))
	}
	mustAppend(t, s, batch(1, messages...), len(messages), 0, 0)
}

// told returns what decides the rules of an event, as text.
func told(id string, user eventstore.UserKey, e *domain.Event) string {
	personal := e.Personal
	if !domain.HasPersonal(e.Type) {
		personal = nil
	}
	return fmt.Sprintf("%x %q %v %s %s %s %+v %+v %+v", user, id, e.Stamp, e.Type, e.Public, personal, e.Profile, e.Entitlement, e.Playback)
}

// readInBulk reads users a range of about limit at a time, and of each a few
// positions at a time.
func readInBulk(t *testing.T, s *eventstore.Store, limit int, step eventstore.Position) (all []string) {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for users := eventstore.Everybody; ; {
		keys, err := s.Keys(t.Context(), users, limit)
		if err != nil || keys.Users.First != users.First {
			t.Fatal(keys, err)
		}
		for after := eventstore.Position(0); after < head.Position; after += step {
			err := s.ReadOf(t.Context(), keys, keys.Users, after, min(after+step, head.Position), func(u eventstore.UserKey, e *domain.Event) error {
				id, _ := keys.ID(u)
				all = append(all, told(id, u, e))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if keys.Users.Last == math.MaxUint64 {
			slices.Sort(all)
			return all
		}
		users.First = keys.Users.Last + 1
	}
}

func testBulk(t *testing.T, l *Log) {
	s := l.Open(t)
	bulkLog(t, s)
	mustAppend(t, s, batch(1000, erased("user 4", "e", "2026-11-02T00:00:00Z")), 1, 0, 0)
	var want []string
	for _, r := range readAll(t, s) {
		want = append(want, told(r.Event.Subject, r.User, &r.Event))
	}
	slices.Sort(want)
	for _, c := range []struct {
		limit int
		step  eventstore.Position
	}{{1000, 1000}, {1000, 7}, {3, 1000}, {1, 13}} {
		// Pointers in the texts are of no use, and there are none.
		if got := readInBulk(t, s, c.limit, c.step); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%d users and %d positions at a time: %s", c.limit, c.step, cmp.Diff(want, got))
		}
	}
}

func testBulkKeys(t *testing.T, l *Log) {
	s := l.Open(t)
	bulkLog(t, s)
	users := map[eventstore.UserKey]string{}
	for _, r := range readAll(t, s) {
		users[r.User] = r.Event.Subject
	}
	for _, limit := range []int{1, 2, 5, len(users), 1000} {
		found := 0
		for of := eventstore.Everybody; ; {
			keys, err := s.Keys(t.Context(), of, limit)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for user, subject := range users {
				id, there := keys.ID(user)
				inside := keys.Users.First <= user.Prefix() && user.Prefix() <= keys.Users.Last
				if there != inside || there && id != subject {
					t.Errorf("user %x: %v, %q, in the range: %v", user, there, id, inside)
				}
				if there {
					n++
				}
			}
			if found += n; n > limit {
				t.Errorf("%d users where %d were asked for", n, limit)
			}
			if keys.Users.Last == math.MaxUint64 {
				break
			}
			of.First = keys.Users.Last + 1
		}
		if found != len(users) {
			t.Errorf("%d at a time: %d users of %d", limit, found, len(users))
		}
	}
}

func testBulkErased(t *testing.T, l *Log) {
	s := l.Open(t)
	bulkLog(t, s)
	mustAppend(t, s, batch(1000, erased("user 4", "e4", "2026-11-02T00:00:00Z")), 1, 0, 0)
	keys, err := s.Keys(t.Context(), eventstore.Everybody, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := s.ErasedSince(t.Context(), keys); len(gone) != 0 || err != nil {
		t.Errorf("%x: %v", gone, err)
	}
	want := subjectState(t, s, "user 9")
	if !want.Taken {
		t.Fatal("a user isn't there")
	}
	mustAppend(t, l.Open(t), batch(1001, erased("user 9", "e9", "2026-11-02T00:00:00Z"), erased("nobody", "e0", "2026-11-02T00:00:00Z")), 2, 0, 0)
	gone, err := s.ErasedSince(t.Context(), keys)
	if err != nil || len(gone) != 1 || gone[0] != want.User {
		t.Errorf("%x, want %x: %v", gone, want.User, err)
	}
}
