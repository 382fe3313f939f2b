// This file is the rules about the same event again, and about another one
// under its identity.

package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var duplicateRules = []rule{
	{"the same event again changes nothing", "an event that is recorded already is a duplicate, in the same batch and in later ones, also after a restart", testDuplicates},
	{"duplicates meet", "of the same events given by several at once, each is recorded once and is a duplicate for all others", testConcurrentDuplicates},
	{"equal content", "content is the same when attributes and data are equal as JSON values and instants", testEqualContent},
	{"other content is a conflict", "of two events of one identity with other content the first stays and the second is refused, whoever they are about", testConflict},
	{"a batch is given again", "a batch whose commit's outcome wasn't known can be given again: what was recorded is a duplicate, what was refused is kept once", testRedelivery},
}

func testDuplicates(t *testing.T, l *Log) {
	s := l.Open(t)
	one := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	two := event(message{kind: domain.PlaybackProgressed, subject: "ana", id: "2"})
	three := event(message{kind: domain.PlaybackProgressed, subject: "bo", id: "3"})
	mustAppend(t, s, batch(1, one, two, one), 2, 1, 0)
	mustAppend(t, s, batch(4, two, three, one, three), 1, 3, 0)
	mustAppend(t, l.Open(t), batch(8, three, two, one), 0, 3, 0)
	before := readAll(t, s)
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids(before)); diff != "" {
		t.Error(diff)
	}
	mustAppend(t, s, batch(11, event(message{kind: domain.PlaybackProgressed, subject: "bo", id: "4"}), two), 1, 1, 0)
	if diff := cmp.Diff(before, readAll(t, s)[:3]); diff != "" {
		t.Error(diff)
	}
}

func testConcurrentDuplicates(t *testing.T, l *Log) {
	const events = 40
	var wg sync.WaitGroup
	var appended, duplicates atomic.Int64
	for w := range writers {
		s := l.Open(t)
		wg.Go(func() {
			// Everybody returns all events, in steps of another length, so that
			// the orders differ and new users meet.
			for b := range events / 10 {
				var messages []eventstore.Incoming
				for i := range 10 {
					n := (b*10 + i) * (2*w + 1) % events
					messages = append(messages, event(message{kind: domain.UserUpdated, subject: fmt.Sprint("user ", n%7), id: fmt.Sprint(n)}))
				}
				a, err := s.Append(t.Context(), batch(uint64(w*events+b*10+1), messages...))
				if err != nil || a.Refused > 0 || a.Appended+a.Duplicates != 10 {
					t.Errorf("%+v, %v", a, err)
				}
				appended.Add(int64(a.Appended))
				duplicates.Add(int64(a.Duplicates))
			}
		})
	}
	wg.Wait()
	s := l.Open(t)
	distinct := map[string]bool{}
	users := map[string]eventstore.UserKey{}
	records := readAll(t, s)
	for _, r := range records {
		distinct[r.Event.ID] = true
		if before, ok := users[r.Event.Subject]; ok && before != r.User {
			t.Errorf("%s has two pseudonyms", r.Event.Subject)
		}
		users[r.Event.Subject] = r.User
	}
	if int64(len(records)) != appended.Load() || len(records) != len(distinct) || appended.Load()+duplicates.Load() != writers*events {
		t.Errorf("%d records of %d identities; %d appended, %d duplicates", len(records), len(distinct), appended.Load(), duplicates.Load())
	}
}

func testEqualContent(t *testing.T, l *Log) {
	s := l.Open(t)
	first := message{kind: domain.SubscriptionStarted, subject: "ana", id: "1", at: "2026-11-01T10:00:00Z", more: `,"tier":"a"`,
		data: `{"subscription_id":"s","offer_id":"o","ends_at":"2027-01-01T00:00:00Z","note":{"a":1,"b":[2]}}`}
	mustAppend(t, s, batch(1, event(first)), 1, 0, 0)
	same := first
	same.at, same.more = "2026-11-01T12:00:00.000+02:00", `,"traceparent":"00-1","datacontenttype":"application/json","tier":"a"`
	same.data = ` {"note" : {"b":[2.0],"a":1e0}, "offer_id":"\u006f","ends_at":"2027-01-01T01:00:00+01:00","subscription_id":"s"}`
	mustAppend(t, s, batch(2, event(same)), 0, 1, 0)
	for i, change := range []func(*message){
		func(m *message) { m.at = "2026-11-01T10:00:00.000001Z" },
		func(m *message) { m.subject = "bo" },
		func(m *message) { m.more = "" },
		func(m *message) { m.kind = domain.SubscriptionRenewed },
		func(m *message) { m.data = `{"subscription_id":"s","offer_id":"o"}` },
	} {
		other := first
		change(&other)
		mustAppend(t, s, batch(uint64(10+i), event(other)), 0, 0, 1)
	}
	if n := len(readAll(t, s)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func testConflict(t *testing.T, l *Log) {
	s := l.Open(t)
	first := event(message{kind: domain.UserUpdated, subject: "ana", id: "1", data: `{"email":"ana@example.org"}`})
	others := event(message{kind: domain.UserUpdated, subject: "bo", id: "1", data: `{"email":"ana@example.org"}`})
	second := event(message{kind: domain.UserUpdated, subject: "ana", id: "1", data: `{"email":"bea@example.org"}`})
	mustAppend(t, s, batch(1, first, second), 1, 0, 1)
	mustAppend(t, s, batch(3, others, second, first), 0, 1, 2)
	kept := refused(t, s)
	if diff := cmp.Diff([]domain.Reason{domain.Conflict, domain.Conflict, domain.Conflict}, reasons(kept)); diff != "" {
		t.Fatal(diff)
	}
	if string(kept[0].Body) != string(second.Raw) || *kept[0].Subject != "ana" || *kept[1].Subject != "bo" || kept[0].Message == "" {
		t.Errorf("kept as %+v", kept[0])
	}
	all := readAll(t, s)
	if len(all) != 1 || all[0].Event.Profile.Email.Value != "ana@example.org" {
		t.Errorf("the log has %+v", all)
	}
	if v := verdict(t, s, "1"); v.Position != 1 || v.Refused == nil || v.Refused.Reason != domain.Conflict {
		t.Errorf("the verdict is %+v", v)
	}
	if subjectState(t, s, "bo").Taken {
		t.Error("a refused event made a user")
	}
}

func testRedelivery(t *testing.T, l *Log) {
	s := l.Open(t)
	one := event(message{kind: domain.UserRegistered, subject: "ana", id: "1"})
	b := batch(1, judged([]byte("x")), one, judged([]byte("y")),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "1"}), event(message{kind: domain.UserUpdated, subject: "ana", id: "2"}))
	mustAppend(t, s, b, 2, 0, 3)
	before := refused(t, s)
	for range 2 {
		mustAppend(t, s, b, 0, 2, 3)
	}
	// In other batches than before, some of it in the same batch twice.
	part := eventstore.Batch{Stream: b.Stream, Messages: append(b.Messages[2:4:4], b.Messages[2], b.Messages[1])}
	mustAppend(t, s, part, 0, 1, 3)
	if diff := cmp.Diff(before, refused(t, s)); diff != "" {
		t.Error(diff)
	}
	// The same numbers of another incarnation of the stream are other messages.
	b.Stream = "BOXOFFICE@2026-02-02T00:00:00Z"
	mustAppend(t, s, b, 0, 2, 3)
	if n := len(refused(t, s)); n != 6 {
		t.Errorf("%d refused events are kept, want 6", n)
	}
}
