// This file is the rules about reading all that is kept about one person.

package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var personRules = []rule{
	{"a user's events", "a user's events are read whole and readable, in log order, and nobody else's", testUserEvents},
	{"a user's history", "the events of a pseudonym between two positions are read in log order, with the instants at which they were recorded, by whoever knows the pseudonym, and after an erasure too", testUserHistory},
	{"a user who goes", "whoever reads the events of a user who is erased meanwhile is told that they aren't all", testUserGoes},
	{"what was refused about a user", "all refused events about an id are found by it, whether there is such a user or not, until the erasure", testRefusedAbout},
}

// appendTurns appends n events, turn by turn about ana and bo, a few at a time.
func appendTurns(t *testing.T, s *eventstore.Store, n int) (anas []string) {
	t.Helper()
	for i := 0; i < n; i += 3 {
		var messages []eventstore.Incoming
		for k := i; k < min(i+3, n); k++ {
			m := message{kind: domain.UserUpdated, subject: "bo", id: fmt.Sprint(k)}
			if k%2 == 0 {
				m.subject = "ana"
				anas = append(anas, m.id)
			}
			messages = append(messages, event(m))
		}
		mustAppend(t, s, batch(uint64(i+1), messages...), len(messages), 0, 0)
	}
	return anas
}

func testUserEvents(t *testing.T, l *Log) {
	s := l.Open(t)
	want := appendTurns(t, s, 450)
	var got []string
	for r, err := range s.UserEvents(t.Context(), "ana") {
		if err != nil {
			t.Fatal(err)
		}
		if r.Event.Subject != "ana" || r.Event.Profile.LastName.Value != "Lovelace" {
			t.Errorf("position %d: %+v", r.Position, r.Event)
		}
		got = append(got, r.Event.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for r, err := range s.UserEvents(t.Context(), "nobody") {
		t.Errorf("of nobody: %v, %v", r, err)
	}
	for _, err := range s.UserEvents(t.Context(), "ana") {
		if err != nil {
			t.Error(err)
		}
		break // whoever has enough may stop
	}
}

func testUserHistory(t *testing.T, l *Log) {
	s := l.Open(t)
	appendTurns(t, s, 450)
	l.Clock.Move(time.Minute)
	appendMore := batch(1000, event(message{kind: domain.UserUpdated, subject: "ana", id: "later"}), event(message{kind: domain.UserUpdated, subject: "bo", id: "last"}))
	mustAppend(t, s, appendMore, 2, 0, 0)
	ana := subjectState(t, s, "ana").User
	for _, erase := range []bool{false, true} {
		if erase {
			mustAppend(t, s, batch(2000, erased("ana", "e", "2026-11-02T00:00:00Z")), 1, 0, 0)
		}
		for _, span := range [][2]eventstore.Position{{0, 451}, {0, 452}, {0, 1}, {1, 2}, {2, 3}, {7, 7}, {9, 3}, {100, 400}, {449, 452}} {
			var want []eventstore.Record
			for _, r := range readAll(t, s) {
				if r.User == ana && r.Position > span[0] && r.Position <= span[1] {
					want = append(want, r)
				}
			}
			var got []eventstore.Record
			for r, err := range s.UserHistory(t.Context(), ana, span[0], span[1]) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, *r)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from %d to %d, erased %v: %s", span[0], span[1], erase, diff)
			}
		}
	}
	for r, err := range s.UserHistory(t.Context(), eventstore.UserKey{1}, 0, 452) {
		t.Errorf("of nobody: %v, %v", r, err)
	}
	for _, err := range s.UserHistory(t.Context(), ana, 0, 452) {
		if err != nil {
			t.Errorf("of who has enough: %v", err)
		}
		break // whoever has enough may stop
	}
}

func testUserGoes(t *testing.T, l *Log) {
	s := l.Open(t)
	for i, c := range []struct {
		name           string
		events, stopAt int
		back           bool // another user registers under the id
	}{
		{"in the middle", 250, 50, false},
		{"on the last page", 9, 4, false},
		{"and another under their id", 250, 50, true},
	} {
		user := fmt.Sprint("user ", i)
		var messages []eventstore.Incoming
		for n := range c.events {
			messages = append(messages, event(message{kind: domain.UserUpdated, subject: user, id: fmt.Sprint(user, n)}))
		}
		next := uint64(1 + i*1000)
		mustAppend(t, s, batch(next, messages...), c.events, 0, 0)
		then := []eventstore.Incoming{erased(user, user+"e", "2026-11-02T00:00:00Z")}
		if c.back {
			then = append(then, event(message{kind: domain.UserRegistered, subject: user, id: user + "r", at: "2026-11-03T00:00:00Z"}))
		}
		read, failure := 0, error(nil)
		for _, err := range s.UserEvents(t.Context(), user) {
			if failure = err; err != nil {
				continue
			}
			if read++; read == c.stopAt {
				mustAppend(t, s, batch(next+500, then...), len(then), 0, 0)
			}
		}
		if !errors.Is(failure, eventstore.ErrUserGone) {
			t.Errorf("%s: after %d events: %v", c.name, read, failure)
		}
	}
}

func testRefusedAbout(t *testing.T, l *Log) {
	s := l.Open(t)
	var want []string
	for i := range 50 {
		subject := []string{"ana", "bo"}[i%2]
		bad := message{kind: domain.UserRegistered, subject: subject, id: fmt.Sprint(i), data: `{"email":7}`}
		mustAppend(t, s, batch(uint64(i+1), judged(bad.text())), 0, 0, 1)
		if subject == "ana" {
			want = append([]string{string(bad.text())}, want...)
		}
	}
	about := func(id string) (bodies []string) {
		for r, err := range s.RefusedAbout(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, string(r.Body))
		}
		return bodies
	}
	if diff := cmp.Diff(want, about("ana")); diff != "" {
		t.Error(diff)
	}
	if n := len(about("nobody")); n > 0 {
		t.Errorf("%d about nobody", n)
	}
	mustAppend(t, s, batch(60, erased("ana", "e", "2026-11-02T00:00:00Z")), 1, 0, 0)
	if a, b := len(about("ana")), len(about("bo")); a != 0 || b != 25 {
		t.Errorf("after the erasure: %d about ana, %d about bo", a, b)
	}
}
