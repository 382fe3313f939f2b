// This file is the rules about reading.

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var readRules = []rule{
	{"events come back as they went in", "an event that is read is the one that was appended, after a restart too", testReadBack},
	{"one user, one pseudonym", "all events of a user have one pseudonym, which is nobody else's and isn't told by the id", testPseudonyms},
	{"sealed history", "history can be asked for by type, user and time, in pages, and each row comes once", testSealed},
	{"limits are positive", "a limit that isn't positive is an error", testLimits},
}

func testReadBack(t *testing.T, l *Log) {
	s := l.Open(t)
	messages := []eventstore.Incoming{
		event(message{kind: domain.UserRegistered, subject: "auth0|5f7c", id: "é 1", more: `,"dataschema":"urn:x","tenant":"t1"`}),
		event(message{kind: domain.SubscriptionStarted, subject: "ana@example.org", id: "2", at: "1900-01-01T00:00:00Z"}),
		event(message{kind: domain.PlaybackProgressed, subject: "auth0|5f7c", id: "3", at: "2026-11-23T13:04:59.123456+01:00"}),
	}
	mustAppend(t, s, batch(1, messages...), 3, 0, 0)
	for _, store := range []*eventstore.Store{s, l.Open(t)} {
		for range 2 { // from the database, and from memory
			for i, r := range readAll(t, store) {
				want := messages[i].Event
				if diff := cmp.Diff(string(want.Content()), string(r.Event.Content())); diff != "" {
					t.Error(diff)
				}
				if r.Event.Time != want.Time || r.RecordedAt != Now || r.Erased {
					t.Errorf("%+v", r)
				}
			}
		}
	}
	all := readAll(t, s)
	if all[0].Event.Profile.Email.Value != "ana@example.org" || all[2].Event.Playback.SessionID != "v-1" || all[1].Event.Entitlement.Amount.Value != 999 {
		t.Errorf("%+v", all)
	}
}

func testPseudonyms(t *testing.T, l *Log) {
	s := l.Open(t)
	var messages []eventstore.Incoming
	for i := range 60 {
		messages = append(messages, event(message{kind: domain.UserUpdated, subject: fmt.Sprint("user ", i%20), id: fmt.Sprint(i)}))
	}
	mustAppend(t, s, batch(1, messages...), 60, 0, 0)
	keys := map[string]eventstore.UserKey{}
	owners := map[eventstore.UserKey]string{}
	for _, r := range readAll(t, l.Open(t)) {
		id := r.Event.Subject
		if before, ok := keys[id]; ok && before != r.User || owners[r.User] != "" && owners[r.User] != id {
			t.Errorf("%s: pseudonyms are mixed up", id)
		}
		keys[id], owners[r.User] = r.User, id
		if got := subjectState(t, s, id); !got.Taken || got.User != r.User {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

func testSealed(t *testing.T, l *Log) {
	s := l.Open(t)
	kinds := []domain.Type{domain.UserUpdated, domain.PlaybackProgressed, domain.SubscriptionStarted}
	const events = 90
	for first := 0; first < events; first += 6 {
		var messages []eventstore.Incoming
		for i := first; i < first+6; i++ {
			messages = append(messages, event(message{kind: kinds[i%3], subject: fmt.Sprint("user ", i/6%5), id: fmt.Sprint(i),
				at: fmt.Sprintf("2026-10-01T00:%02d:00Z", i%60)}))
		}
		mustAppend(t, s, batch(uint64(first+1), messages...), 6, 0, 0)
	}
	from, to := must(domain.ParseInstant("2026-10-01T00:10:00Z")), must(domain.ParseInstant("2026-10-01T00:40:00Z"))
	for name, c := range map[string]struct {
		query eventstore.SealedQuery
		want  func(i int) bool
	}{
		"all":     {eventstore.SealedQuery{}, func(int) bool { return true }},
		"type":    {eventstore.SealedQuery{Type: kinds[1]}, func(i int) bool { return i%3 == 1 }},
		"user":    {eventstore.SealedQuery{UserID: "user 2"}, func(i int) bool { return i/6%5 == 2 }},
		"time":    {eventstore.SealedQuery{From: &from, To: &to}, func(i int) bool { return i%60 >= 10 && i%60 < 40 }},
		"after":   {eventstore.SealedQuery{After: 50}, func(i int) bool { return i >= 50 }},
		"several": {eventstore.SealedQuery{UserID: "user 3", Type: kinds[0], From: &from, After: 20}, func(i int) bool { return i/6%5 == 3 && i%3 == 0 && i%60 >= 10 && i >= 20 }},
		"nobody":  {eventstore.SealedQuery{UserID: "user 9"}, func(int) bool { return false }},
	} {
		var want []string
		for i := range events {
			if c.want(i) {
				want = append(want, fmt.Sprint(i))
			}
		}
		for _, limit := range []int{1, 4, 1000} {
			if diff := cmp.Diff(want, sealedIDs(t, s, c.query, limit)); diff != "" {
				t.Errorf("%s, by %d: %s", name, limit, diff)
			}
		}
	}
}

// sealedIDs reads all pages of a query.
func sealedIDs(t *testing.T, s *eventstore.Store, q eventstore.SealedQuery, limit int) []string {
	t.Helper()
	q.Limit = limit
	var got []string
	for {
		page, err := s.ReadSealed(t.Context(), q)
		if err != nil || len(page.Records) > limit {
			t.Fatal(len(page.Records), err)
		}
		for _, r := range page.Records {
			got = append(got, r.ID)
		}
		if !slices.IsSortedFunc(page.Records, func(a, b eventstore.SealedRecord) int { return int(a.Position - b.Position) }) {
			t.Error("the page isn't in log order")
		}
		if page.End {
			return got
		}
		if page.Next <= q.After {
			t.Fatalf("the page after %d leads to %d", q.After, page.Next)
		}
		q.After = page.Next
	}
}

func testLimits(t *testing.T, l *Log) {
	s := l.Open(t)
	for _, limit := range []int{0, -1} {
		if _, err := s.Read(t.Context(), 0, limit); err == nil {
			t.Error("Read takes it")
		}
		if _, err := s.ReadSealed(t.Context(), eventstore.SealedQuery{Limit: limit}); err == nil {
			t.Error("ReadSealed takes it")
		}
		if _, _, err := s.Refused(t.Context(), eventstore.RefusedQuery{Limit: limit}); err == nil {
			t.Error("Refused takes it")
		}
	}
}
