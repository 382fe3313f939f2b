// This file is the rules about events that are refused.

package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

var refusedRules = []rule{
	{"a bad event holds nobody up", "a refused event is kept with its reason as it came, and the good ones around it are recorded", testRefusedAreKept},
	{"any bytes can be kept", "type and body of a refused event may be any bytes; of one that is too large 4 KiB are kept", testAnyBytes},
	{"refused events go", "a refused event goes after 30 days, when it is deleted, and when it was sent again and recorded", testRefusedGo},
	{"verdicts", "where events ended can be asked for by their identities, many at once", testVerdicts},
	{"the reason filter", "refused events can be asked for by reason, the latest first, in pages", testRefusedFilter},
}

func testRefusedAreKept(t *testing.T, l *Log) {
	s := l.Open(t)
	bad := message{kind: domain.UserRegistered, subject: "ana", id: "2", data: `{"email":7}`}
	mustAppend(t, s, batch(1,
		event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), judged(bad.text()), judged([]byte("{")),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "3"})), 2, 0, 2)
	if diff := cmp.Diff([]string{"1", "3"}, ids(readAll(t, s))); diff != "" {
		t.Error(diff)
	}
	kept := refused(t, s)
	if len(kept) != 2 {
		t.Fatalf("%d are kept, want 2", len(kept))
	}
	at := must(domain.ParseInstant("2026-11-01T10:00:00Z"))
	subject, kind := "ana", "user.registered"
	want := eventstore.RefusedEvent{ID: kept[1].ID, ReceivedAt: Now, Reason: domain.InvalidData, Message: judged(bad.text()).Refusal.Message,
		Time: &at, Subject: &subject, Type: &kind, Body: bad.text()}
	if diff := cmp.Diff(want, kept[1]); diff != "" {
		t.Error(diff)
	}
	if kept[0].Reason != domain.Malformed || string(kept[0].Body) != "{" || kept[0].Subject != nil || kept[0].Type != nil || kept[0].Time != nil {
		t.Errorf("kept as %+v", kept[0])
	}
	one, ok, err := s.RefusedEvent(t.Context(), kept[1].ID)
	if diff := cmp.Diff(want, one); diff != "" || !ok || err != nil {
		t.Error(ok, err, diff)
	}
	if v := verdict(t, s, "2"); v.Position != 0 || v.Refused == nil {
		t.Errorf("the verdict is %+v", v)
	}
	if v := verdict(t, s, "unknown"); v != (eventstore.Verdict{}) {
		t.Errorf("the verdict is %+v", v)
	}
}

func testVerdicts(t *testing.T, l *Log) {
	s := l.Open(t)
	bad := message{kind: domain.UserRegistered, subject: "ana", id: "2", data: `{"email":7}`}
	mustAppend(t, s, batch(1,
		event(message{kind: domain.UserRegistered, subject: "ana", id: "1"}), judged(bad.text()), judged(bad.text()),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "3"}),
		event(message{kind: domain.UserUpdated, subject: "ana", id: "3", data: `{"email":"b@example.org"}`})), 2, 0, 3)
	var asked []eventstore.EventID
	for _, id := range []string{"3", "unknown", "2", "1", "3"} {
		asked = append(asked, eventstore.EventID{Source: "//platform", ID: id})
	}
	got, err := s.Verdicts(t.Context(), asked)
	if err != nil || len(got) != len(asked) {
		t.Fatalf("%d verdicts, %v", len(got), err)
	}
	for i, id := range asked {
		if diff := cmp.Diff(verdict(t, s, id.ID), got[i]); diff != "" {
			t.Errorf("the verdict on %s: %s", id.ID, diff)
		}
	}
	if got[0].Position != 2 || got[0].Refused == nil || got[0].Refused.Reason != domain.Conflict || got[1] != (eventstore.Verdict{}) ||
		got[2].Position != 0 || got[2].Refused == nil || got[3].Position != 1 || got[3].Refused != nil {
		t.Errorf("the verdicts are %+v", got)
	}
	if none, err := s.Verdicts(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("asked for nothing: %v, %v", none, err)
	}
}

func testAnyBytes(t *testing.T, l *Log) {
	s := l.Open(t)
	nul := "a\x00b\xff"
	messages := []eventstore.Incoming{
		{Refusal: &domain.Refusal{Reason: domain.UnknownType, Type: nul, Message: "m"}, Raw: []byte(nul)},
		{Refusal: &domain.Refusal{Reason: domain.UnknownType, Type: strings.Repeat("é", 5000)}, Raw: []byte("x")},
		{Refusal: &domain.Refusal{Reason: domain.TooLarge}, Raw: []byte(strings.Repeat("y", 300_000))},
		{Refusal: &domain.Refusal{Reason: domain.Malformed, Source: nul, ID: nul, Subject: nul}, Raw: nil},
		{Event: &domain.Event{Stamp: domain.Stamp{Source: "s", ID: nul}, Type: domain.UserErased, Subject: "ana"}, Raw: []byte("z")},
	}
	mustAppend(t, s, batch(1, messages...), 0, 0, len(messages))
	kept := refused(t, s)
	if len(kept) != len(messages) {
		t.Fatalf("%d are kept, want %d", len(kept), len(messages))
	}
	if string(kept[4].Body) != nul || *kept[4].Type != nul || kept[4].Message != "m" {
		t.Errorf("kept as %+v", kept[4])
	}
	if got := *kept[3].Type; len(got) > 255 || !strings.HasPrefix(strings.Repeat("é", 200), got) {
		t.Errorf("the long type is kept as %d bytes", len(got))
	}
	if len(kept[2].Body) != 4<<10 {
		t.Errorf("%d bytes are kept of one that is too large", len(kept[2].Body))
	}
	if kept[0].Reason != domain.InvalidAttribute {
		t.Errorf("an event that the engines can't store is refused as %s", kept[0].Reason)
	}
}

func testRefusedGo(t *testing.T, l *Log) {
	s := l.Open(t)
	conflicting := event(message{kind: domain.UserUpdated, subject: "ana", id: "recorded", data: `{"email":"b@example.org"}`})
	bad := message{kind: domain.UserRegistered, subject: "ana", id: "bad", data: `{"email":7}`}
	mustAppend(t, s, batch(1, event(message{kind: domain.UserUpdated, subject: "ana", id: "recorded"}),
		conflicting, judged(bad.text()), judged([]byte("gone"))), 1, 0, 3)
	kept := refused(t, s)
	deleted, wrong, conflict := kept[0].ID, kept[1].ID, kept[2].ID

	for i, want := range []bool{true, false} {
		if ok, err := s.DeleteRefused(t.Context(), deleted); ok != want || err != nil {
			t.Errorf("deleting it the %d. time: %v, %v", i+1, ok, err)
		}
	}
	for _, id := range []int64{wrong, conflict} {
		source, eventID := "//platform", map[int64]string{wrong: "bad", conflict: "recorded"}[id]
		if ok, err := s.MarkRetried(t.Context(), id, source, eventID); !ok || err != nil {
			t.Errorf("mark: %v, %v", ok, err)
		}
	}
	if n := len(refused(t, s)); n != 2 {
		t.Errorf("%d are kept before anything was recorded, want 2", n)
	}
	bad.data = `{"email":"ana@example.org"}`
	mustAppend(t, s, batch(10, event(bad)), 1, 0, 0)
	left := refused(t, s)
	if len(left) != 1 || left[0].ID != conflict {
		t.Errorf("left are %+v, want the conflict only", left)
	}
	if n, err := s.PurgeRefused(t.Context()); n != 1 || err != nil {
		t.Errorf("purged %d, %v; want the one that was recorded", n, err)
	}
	l.Clock.Move(eventstore.RefusedRetention - time.Second)
	if n, err := s.PurgeRefused(t.Context()); n != 0 || err != nil {
		t.Errorf("purged %d, %v before the time", n, err)
	}
	l.Clock.Move(2 * time.Second)
	if n, err := s.PurgeRefused(t.Context()); n != 1 || err != nil || len(refused(t, s)) != 0 {
		t.Errorf("purged %d, %v after 30 days", n, err)
	}
	if ok, err := s.MarkRetried(t.Context(), conflict, "a", "b"); ok || err != nil {
		t.Errorf("marked what isn't there: %v, %v", ok, err)
	}
}

func testRefusedFilter(t *testing.T, l *Log) {
	s := l.Open(t)
	var messages []eventstore.Incoming
	for i := range 9 {
		reason := []domain.Reason{domain.Malformed, domain.TooLarge, domain.InFuture}[i%3]
		messages = append(messages, eventstore.Incoming{Refusal: &domain.Refusal{Reason: reason}, Raw: fmt.Append(nil, i)})
	}
	mustAppend(t, s, batch(1, messages...), 0, 0, 9)
	var got []string
	for before := int64(0); ; {
		events, next, err := s.Refused(t.Context(), eventstore.RefusedQuery{Reason: domain.TooLarge, Before: before, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			got = append(got, string(e.Body))
		}
		if next == 0 {
			break
		}
		before = next
	}
	if diff := cmp.Diff([]string{"7", "4", "1"}, got); diff != "" {
		t.Error(diff)
	}
}
