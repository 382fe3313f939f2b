// This file is the rules about events that make a user.

package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var newUserRules = []rule{
	{"a new user is new", "an event that has to make a user is refused as a conflict where there is one of its subject; sent again it is a duplicate", testMustBeNew},
	{"of many who make a user one wins", "of stores that make a user at the same time, in batches prepared before, one does", testMakersRace},
}

// maker is a registration that has to make its user.
func maker(subject, id, at string) eventstore.Incoming {
	in := event(message{kind: domain.UserRegistered, subject: subject, id: id, at: at})
	in.MustBeNew = true
	return in
}

func testMustBeNew(t *testing.T, l *Log) {
	s := l.Open(t)
	subjectState := func(want eventstore.SubjectState) {
		t.Helper()
		got, err := s.SubjectStates(t.Context(), []string{"nobody", "ana"})
		if diff := cmp.Diff([]eventstore.SubjectState{{}, want}, got, cmpopts.IgnoreFields(want, "User")); diff != "" || err != nil {
			t.Errorf("what is known of ana, %v: %s", err, diff)
		}
	}
	subjectState(eventstore.SubjectState{})
	mustAppend(t, s, batch(1, event(message{kind: domain.PlaybackProgressed, subject: "bo", id: "0"})), 1, 0, 0)
	mustAppend(t, s, batch(2, maker("ana", "1", ""), maker("ana", "2", ""), maker("bo", "3", "")), 1, 0, 2)
	subjectState(eventstore.SubjectState{Taken: true})
	mustAppend(t, s, batch(5, maker("ana", "1", ""), maker("ana", "2", ""),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "4"})), 1, 1, 1)
	for _, r := range refused(t, s) {
		// What the loser entered isn't kept: it would be the winner's were it sent
		// again, and nobody has to repair it.
		if r.Reason != domain.Conflict || r.Subject != nil || r.Body != nil || r.Message != "there is a user of this id already" || r.Type == nil || r.Time == nil {
			t.Errorf("refused as %+v", r)
		}
	}
	lost, err := s.Verdicts(t.Context(), []eventstore.EventID{{Source: "//platform", ID: "2"}})
	if err != nil || lost[0].Position != 0 || lost[0].Refused == nil || lost[0].Refused.Reason != domain.Conflict {
		t.Errorf("the verdict on who lost is %+v, %v", lost, err)
	}
	for r, err := range s.RefusedAbout(t.Context(), "ana") {
		t.Errorf("kept about ana is %+v, %v", r, err)
	}
	mustAppend(t, s, batch(8, erased("ana", "5", "2026-11-02T00:00:00Z")), 1, 0, 0)
	at := must(domain.ParseInstant("2026-11-02T00:00:00Z"))
	subjectState(eventstore.SubjectState{ErasedAt: &at})
	mustAppend(t, s, batch(9, maker("ana", "6", "2026-11-02T00:00:00Z"), maker("ana", "7", "2026-11-02T00:00:01Z")), 1, 0, 1)
	subjectState(eventstore.SubjectState{Taken: true, ErasedAt: &at})
}

func testMakersRace(t *testing.T, l *Log) {
	const stores, users = 4, 20
	var batches sync.WaitGroup
	accounts := make([]eventstore.Account, stores)
	for n := range stores {
		s := l.Open(t)
		var messages []eventstore.Incoming
		for u := range users {
			messages = append(messages, maker(fmt.Sprint("user ", u), fmt.Sprint(n, " makes ", u), ""))
		}
		p, err := s.Prepare(t.Context(), batch(uint64(1+n*users), messages...))
		if err != nil {
			t.Fatal(err)
		}
		batches.Go(func() {
			var err error
			if accounts[n], err = s.AppendPrepared(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	batches.Wait()
	made, lost := 0, 0
	for _, a := range accounts {
		made, lost = made+a.Appended, lost+a.Refused
	}
	if made != users || lost != users*(stores-1) {
		t.Errorf("%d users were made %d times, and %d were refused", users, made, lost)
	}
}
