// This file tests that what is retracted is found by user.

package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var retractionRules = []rule{
	{"retractions", "what is retracted is found by user, up to any position, and after an erasure too; what it names is found by its identity", testRetractions},
}

func testRetractions(t *testing.T, l *Log) {
	s := l.Open(t)
	retract := func(subject, id, named string) eventstore.Incoming {
		return event(message{kind: domain.EventRetracted, subject: subject, id: id, data: fmt.Sprintf(`{"source":"//platform","id":%q,"why":"secret"}`, named)})
	}
	mustAppend(t, s, batch(1,
		event(message{kind: domain.UserUpdated, subject: "ana", id: "a"}),
		retract("ana", "r1", "a"),
		event(message{kind: domain.UserUpdated, subject: "bo", id: "b"}),
		retract("bo", "r2", "a"),
		retract("ana", "r3", "later"),
		retract("ana", "r4", "a"),
		event(message{kind: domain.UserUpdated, subject: "cy", id: "c"})), 7, 0, 0)
	ana, bo, cy := subjectState(t, s, "ana").User, subjectState(t, s, "bo").User, subjectState(t, s, "cy").User
	of := func(position eventstore.Position, user eventstore.UserKey, named string) eventstore.Retraction {
		return eventstore.Retraction{Position: position, User: user, Names: domain.Retraction{Source: "//platform", ID: named}}
	}
	ofAna := []eventstore.Retraction{of(2, ana, "a"), of(5, ana, "later"), of(6, ana, "a")}
	everybody := []eventstore.Retraction{of(2, ana, "a"), of(4, bo, "a"), of(5, ana, "later"), of(6, ana, "a")}
	for _, erase := range []bool{false, true} {
		if erase {
			mustAppend(t, s, batch(100, erased("ana", "e", "2026-11-02T00:00:00Z")), 1, 0, 0)
		}
		for _, c := range []struct {
			users []eventstore.UserKey
			upTo  eventstore.Position
			want  []eventstore.Retraction
		}{
			{nil, 7, nil}, {[]eventstore.UserKey{cy, {1}}, 7, nil}, {[]eventstore.UserKey{ana}, 7, ofAna}, {[]eventstore.UserKey{ana, cy}, 5, ofAna[:2]},
			{[]eventstore.UserKey{ana}, 1, nil}, {[]eventstore.UserKey{cy, bo, ana, bo}, 100, everybody},
		} {
			got, err := s.Retractions(t.Context(), c.users, c.upTo)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("of %v up to %d, erased %v: %v %s", c.users, c.upTo, erase, err, diff)
			}
		}
		for users, want := range map[eventstore.UserRange][]eventstore.Retraction{
			eventstore.Everybody: everybody, {First: ana.Prefix(), Last: ana.Prefix()}: ofAna, {First: cy.Prefix(), Last: cy.Prefix()}: nil,
		} {
			var got []eventstore.Retraction
			err := s.RetractionsOf(t.Context(), users, 7, func(r eventstore.Retraction) { got = append(got, r) })
			byPosition := cmpopts.SortSlices(func(a, b eventstore.Retraction) bool { return a.Position < b.Position })
			if diff := cmp.Diff(want, got, byPosition); diff != "" || err != nil {
				t.Errorf("of a range: %v %s", err, diff)
			}
		}
		got, err := s.Locate(t.Context(), []eventstore.EventID{{Source: "//platform", ID: "b"}, {Source: "//platform", ID: "later"}, {Source: "/x", ID: "b"},
			{Source: "//platform", ID: "r4"}, {Source: "//platform", ID: "b"}})
		at := eventstore.Located{Position: 3, User: bo, Type: domain.UserUpdated}
		want := []eventstore.Located{at, {}, {}, {Position: 6, User: ana, Type: domain.EventRetracted}, at}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("where they are: %v %s", err, diff)
		}
	}
}
