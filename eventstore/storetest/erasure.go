// This file is the rules about erased users.

package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var erasureRules = []rule{
	{"an erasure forgets", "after an erasure the events stay as nobody's: no subject, nothing personal, the same rows and pseudonym", testErasureForgets},
	{"what comes after an erasure", "an event about an erased user is refused as erased, whatever its time, until a registration that is later than the erasure", testAfterErasure},
	{"a new user under an erased id", "events later than the erasure are the new user's, under a new pseudonym; others stay refused", testNewUser},
	{"the order of reasons", "a recorded identity of an erased user is a duplicate whatever its content, and erased comes before conflict", testErasedOrder},
	{"nothing is kept of what is refused about an erased user", "only time, type and reason are kept of an event about an erased user, for whatever reason it is refused, and what was kept before goes", testErasedRefused},
	{"an unknown id can be erased", "the erasure of an id that never came is recorded, and what comes later about it is refused", testEraseUnknown},
	{"erasures within a batch", "messages are taken in their order, erasures too", testErasureInBatch},
	{"other stores notice an erasure", "a store that has a user's key in memory neither reads nor writes with it once another store has erased the user", testOtherStoreNotices},
	{"erasures are counted", "the head's counter moves by one with each erasure", testErasuresCounted},
}

func erased(subject, id, at string) eventstore.Incoming {
	return event(message{kind: domain.UserErased, subject: subject, id: id, at: at})
}

func testErasureForgets(t *testing.T, l *Log) {
	s := l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1", more: `,"dataschema":"urn:x"`}),
		event(message{kind: domain.SubscriptionStarted, subject: "ana", id: "2"}),
		event(message{kind: domain.UserRegistered, subject: "bo", id: "3"})), 3, 0, 0)
	before := readAll(t, s)
	sealed, err := s.ReadSealed(t.Context(), eventstore.SealedQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, batch(4, erased("ana", "4", "2026-11-02T00:00:00Z")), 1, 0, 0)
	after := readAll(t, s)
	if len(after) != 4 {
		t.Fatalf("%d events", len(after))
	}
	for _, r := range after {
		if bo := r.Event.ID == "3"; bo != (r.Event.Subject == "bo") || bo == r.Erased {
			t.Errorf("%s: subject %q, erased %v", r.Event.ID, r.Event.Subject, r.Erased)
		}
		if r.Erased && (r.Event.Personal != nil || r.Event.Profile != nil && r.Event.Profile.Email.Carried) {
			t.Errorf("%s: something personal is left", r.Event.ID)
		}
	}
	if after[0].User != before[0].User || after[3].User != before[0].User || after[1].Event.Entitlement.OfferID.Value != "gold" {
		t.Error("what isn't personal has changed")
	}
	again, err := s.ReadSealed(t.Context(), eventstore.SealedQuery{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sealed.Records, again.Records); diff != "" {
		t.Error(diff)
	}
	if got := subjectState(t, s, "ana"); got.Taken || got.User != (eventstore.UserKey{}) {
		t.Errorf("the id still leads to a pseudonym: %+v", got)
	}
	opened, err := s.Unseal(t.Context(), again.Records)
	if err != nil || !opened[0].Erased || opened[2].Event.Subject != "bo" {
		t.Errorf("opened %+v, %v", opened, err)
	}
}

func testAfterErasure(t *testing.T, l *Log) {
	s := l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), erased("ana", "2", "2026-11-02T00:00:00Z")), 2, 0, 0)
	for i, m := range []message{
		{kind: domain.UserUpdated, at: "2026-11-01T00:00:00Z"},
		{kind: domain.UserUpdated, at: "2026-11-03T00:00:00Z"},
		{kind: domain.UserErased, at: "2026-11-03T00:00:00Z"},
		{kind: domain.UserRegistered, at: "2026-11-01T00:00:00Z"},
		{kind: domain.UserRegistered, at: "2026-11-02T00:00:00Z"},
	} {
		m.subject, m.id = "ana", string(rune('a'+i))
		mustAppend(t, s, batch(uint64(10+i), event(m)), 0, 0, 1)
		if kept := refused(t, s); kept[0].Reason != domain.Erased {
			t.Errorf("%v is refused as %s", m, kept[0].Reason)
		}
	}
	if h, err := s.Head(t.Context()); err != nil || h.Position != 2 || h.Erasures != 1 {
		t.Errorf("head %+v, %v", h, err)
	}
}

func testNewUser(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), erased("ana", "2", "2026-11-02T00:00:00Z")), 2, 0, 0)
	late := event(message{kind: domain.UserUpdated, subject: "ana", id: "late", at: "2026-11-01T00:00:00Z"})
	update := event(message{kind: domain.UserUpdated, subject: "ana", id: "update", at: "2026-11-04T00:00:00Z"})
	mustAppend(t, other, batch(3, update), 0, 0, 1)
	mustAppend(t, s, batch(4, event(message{kind: domain.UserRegistered, subject: "ana", id: "3", at: "2026-11-03T00:00:00Z"}), late), 1, 0, 1)
	// What was refused before the registration can be sent again after it,
	// through a store that hasn't heard of it too.
	mustAppend(t, other, batch(6, late, update), 1, 0, 1)
	mustAppend(t, s, batch(8, event(message{kind: domain.UserUpdated, subject: "ana", id: "before", at: "2026-11-02T00:00:00.000001Z"})), 1, 0, 0)
	all := readAll(t, s)
	if diff := cmp.Diff([]string{"1", "2", "3", "update", "before"}, ids(all)); diff != "" {
		t.Fatal(diff)
	}
	if all[2].User == all[0].User || all[3].User != all[2].User || all[2].Event.Subject != "ana" || !all[0].Erased {
		t.Error("the new user isn't told from the erased one")
	}
	// The new user can be erased too, not before the old one was.
	mustAppend(t, s, batch(9, erased("ana", "4", "2026-11-02T00:00:00Z")), 0, 0, 1)
	mustAppend(t, other, batch(10, erased("ana", "5", "2026-11-05T00:00:00Z")), 1, 0, 0)
	mustAppend(t, s, batch(11, event(message{kind: domain.UserRegistered, subject: "ana", id: "6", at: "2026-11-04T00:00:00Z"}),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "7", at: "2026-11-06T00:00:00Z"})), 1, 0, 1)
}

func testErasedOrder(t *testing.T, l *Log) {
	s := l.Open(t)
	recorded := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	erasure := erased("ana", "2", "2026-11-02T00:00:00Z")
	bo := event(message{kind: domain.UserUpdated, subject: "bo", id: "3"})
	mustAppend(t, s, batch(1, recorded, erasure, bo), 3, 0, 0)
	other := event(message{kind: domain.UserRegistered, subject: "ana", id: "1", data: `{"email":"x@example.org"}`})
	others := event(message{kind: domain.UserRegistered, subject: "cy", id: "1"})
	mustAppend(t, s, batch(4, recorded, other, others, erasure, erased("bo", "2", "2026-11-02T00:00:00Z")), 0, 5, 0)
	// Without an erasure in the batch, so that nothing makes the store look.
	mustAppend(t, l.Open(t), batch(20, other), 0, 1, 0)
	// Bo's identity with other content, about an erased user: erased, not conflict.
	mustAppend(t, s, batch(9, event(message{kind: domain.UserUpdated, subject: "ana", id: "3"}),
		event(message{kind: domain.UserUpdated, subject: "dee", id: "3"}), bo), 0, 1, 2)
	if diff := cmp.Diff([]domain.Reason{domain.Conflict, domain.Erased}, reasons(refused(t, s))); diff != "" {
		t.Error(diff)
	}
}

func testErasedRefused(t *testing.T, l *Log) {
	s := l.Open(t)
	bad := func(kind domain.Type, id, at string) eventstore.Incoming {
		in := judged(message{kind: kind, subject: "ana", id: id, at: at, data: `{"email":7}`}.text())
		if in.Refusal == nil {
			panic("it isn't refused")
		}
		return in
	}
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), bad(domain.UserUpdated, "kept", "2026-11-01T00:00:00Z"),
		judged([]byte("nobody's"))), 1, 0, 2)
	mustAppend(t, s, batch(4, bad(domain.UserUpdated, "same batch", "2026-11-01T00:00:00Z"), erased("ana", "2", "2026-11-02T00:00:00Z"),
		bad(domain.UserUpdated, "after", "2026-11-03T00:00:00Z")), 1, 0, 2)
	mustAppend(t, s, batch(7, event(message{kind: domain.UserUpdated, subject: "ana", id: "good", at: "2026-11-03T00:00:00Z"}),
		bad(domain.UserRegistered, "new", "2026-11-03T00:00:00Z")), 0, 0, 2)
	kept := refused(t, s)
	if diff := cmp.Diff([]domain.Reason{domain.InvalidData, domain.Erased, domain.InvalidData, domain.Malformed}, reasons(kept)); diff != "" {
		t.Fatal(diff)
	}
	if kept[0].Body == nil || kept[0].Subject == nil {
		t.Error("a bad registration that is later than the erasure is a new user's, and isn't kept whole")
	}
	for _, e := range kept[1:3] {
		if e.Body != nil || e.Subject != nil || e.Type == nil || *e.Type != "user.updated" || e.Time == nil || e.Message == "" {
			t.Errorf("kept as %+v", e)
		}
	}
	if string(kept[3].Body) != "nobody's" {
		t.Errorf("kept as %+v", kept[3])
	}
}

func testEraseUnknown(t *testing.T, l *Log) {
	s := l.Open(t)
	mustAppend(t, s, batch(1, erased("ana", "1", "2026-11-02T00:00:00Z"), event(message{kind: domain.UserUpdated, subject: "ana", id: "2"})), 1, 0, 1)
	mustAppend(t, l.Open(t), batch(3, event(message{kind: domain.UserUpdated, subject: "ana", id: "3"}), erased("ana", "1", "2026-11-02T00:00:00Z")), 0, 1, 1)
	all := readAll(t, s)
	if len(all) != 1 || !all[0].Erased || all[0].Event.Type != domain.UserErased {
		t.Errorf("the log has %+v", all)
	}
}

func testErasureInBatch(t *testing.T, l *Log) {
	s := l.Open(t)
	first := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	mustAppend(t, s, batch(1, first,
		erased("ana", "2", "2026-11-02T00:00:00Z"),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "1", data: "{}"}), // a duplicate, whatever its content
		event(message{kind: domain.UserUpdated, subject: "ana", id: "3", at: "2026-11-03T00:00:00Z"}),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "4", at: "2026-11-03T00:00:00Z"}),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "5", at: "2026-11-03T00:00:00Z"}),
		erased("ana", "6", "2026-11-04T00:00:00Z"),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "7", at: "2026-11-05T00:00:00Z"}),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "8", at: "2026-11-04T00:00:00Z"}),
	), 6, 1, 2)
	all := readAll(t, s)
	if diff := cmp.Diff([]string{"1", "2", "4", "5", "6", "7"}, ids(all)); diff != "" {
		t.Fatal(diff)
	}
	// A user who was there before the batch, erased and registered again in it.
	mustAppend(t, s, batch(20, erased("ana", "9", "2026-11-06T00:00:00Z"),
		event(message{kind: domain.UserRegistered, subject: "ana", id: "10", at: "2026-11-07T00:00:00Z"})), 2, 0, 0)
	mustAppend(t, s, batch(22, event(message{kind: domain.UserUpdated, subject: "ana", id: "11", at: "2026-11-07T00:00:00Z"})), 1, 0, 0)
	users := map[eventstore.UserKey]int{}
	for _, r := range all {
		users[r.User]++
		if alive := r.Event.ID == "7"; alive == r.Erased {
			t.Errorf("%s: erased is %v", r.Event.ID, r.Erased)
		}
	}
	if len(users) != 3 {
		t.Errorf("%d users, want three", len(users))
	}
}

func testOtherStoreNotices(t *testing.T, l *Log) {
	s, other := l.Open(t), l.Open(t)
	mustAppend(t, s, batch(1, event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})), 1, 0, 0)
	readAll(t, s)
	mustAppend(t, other, batch(2, erased("ana", "2", "2026-11-02T00:00:00Z")), 1, 0, 0)
	for _, r := range readAll(t, s) {
		if !r.Erased {
			t.Error("a store reads with a key that is destroyed")
		}
	}
	mustAppend(t, s, batch(3, event(message{kind: domain.UserUpdated, subject: "ana", id: "3"})), 0, 0, 1)
	// The other way round, and without reading in between.
	mustAppend(t, other, batch(4, event(message{kind: domain.UserRegistered, subject: "bo", id: "4"})), 1, 0, 0)
	mustAppend(t, s, batch(5, erased("bo", "5", "2026-11-02T00:00:00Z")), 1, 0, 0)
	mustAppend(t, other, batch(6, event(message{kind: domain.UserUpdated, subject: "bo", id: "6"})), 0, 0, 1)
	if subjectState(t, other, "bo").Taken {
		t.Error("the erased user is found")
	}
}

func testErasuresCounted(t *testing.T, l *Log) {
	s := l.Open(t)
	mustAppend(t, s, batch(1, erased("ana", "1", "2026-11-02T00:00:00Z"), erased("bo", "2", "2026-11-02T00:00:00Z"), erased("bo", "3", "2026-11-03T00:00:00Z")), 2, 0, 1)
	if h, err := s.Head(t.Context()); err != nil || h.Erasures != 2 || h.Position != 2 {
		t.Errorf("head %+v, %v", h, err)
	}
}
