// This file tests that what a publisher sends is judged by who receives it as it
// was where it was sent.

package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

const good = `{"specversion":"1.0","id":"1","source":"/s","type":"user.updated","subject":"ana","time":"2026-11-23T12:00:00Z","data":{}}`

func TestSubjects(t *testing.T) {
	for eventType, want := range map[string]string{
		"user.updated": "boxoffice.events.user.updated", "user.updatedd": UnknownSubject, "": UnknownSubject, "a b.>": UnknownSubject,
	} {
		if got := SubjectOf(eventType); got != want {
			t.Errorf("%q is published to %s, want %s", eventType, got, want)
		}
	}
}

// TestForward: the service says when it had the event, and that it must make a user.
func TestForward(t *testing.T) {
	a := Judge(&domain.Message{Body: []byte(good)}, now(t))
	want := Message{Subject: "boxoffice.events.user.updated", Data: []byte(good), Header: map[string][]string{
		"content-type": {StructuredType}, HeaderReceivedAt: {"2026-11-23T12:00:00.000000Z"}}}
	if diff := cmp.Diff(want, a.Forward(ReceivedAt(now(t)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a.MustBeNew = true
	want.Header[HeaderMustBeNew] = []string{"true"}
	if diff := cmp.Diff(want, a.Forward(ReceivedAt(now(t)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if bare := a.Outgoing(); bare.Header != nil {
		t.Errorf("a publisher's own message has the headers %v", bare.Header)
	}
}

// TestTooLargeGoesOnInPart: with what an erasure has to know.
func TestTooLargeGoesOnInPart(t *testing.T) {
	large := strings.Replace(good, `"data":{}`, `"data":{"email":"`+strings.Repeat("a", domain.MaxEventBytes)+`"}`, 1)
	large = strings.Replace(large, `"ana"`, `"zoë |%\""`, 1)
	a := Judge(&domain.Message{Body: []byte(large)}, now(t))
	m := a.Outgoing()
	if string(m.Data) != large[:4096] || m.Subject != "boxoffice.events.user.updated" {
		t.Errorf("%d bytes go on to %s", len(m.Data), m.Subject)
	}
	want := map[string][]string{HeaderRefused: {"too_large"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"user.updated"},
		"ce-subject": {"zo%C3%AB%20|%25%22"}, "ce-time": {"2026-11-23T12:00:00Z"}}
	if diff := cmp.Diff(want, m.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	there := Receive(m.Subject, m.Header, m.Data, now(t))
	if diff := cmp.Diff(a.Refusal, there.Refusal); diff != "" {
		t.Errorf("it is refused otherwise there:\n%s", diff)
	}
	if string(there.Kept()) != large[:4096] {
		t.Errorf("%d bytes are kept", len(there.Kept()))
	}
}

// TestWhatIsKeptOfAGoodEvent: the log may still refuse it. What a binary message
// says is rendered by the log, and only then.
func TestWhatIsKeptOfAGoodEvent(t *testing.T) {
	structured := Receive("boxoffice.events.user.updated", nil, []byte(good), now(t))
	binary := Receive("boxoffice.events.user.updated", map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"},
		"ce-type": {"user.updated"}, "ce-subject": {"ana"}, "ce-time": {"2026-11-23T12:00:00Z"}}, []byte("{}"), now(t))
	if structured.Refusal != nil || binary.Refusal != nil {
		t.Fatalf("refused: %v, %v", structured.Refusal, binary.Refusal)
	}
	if string(structured.Kept()) != good || binary.Kept() != nil {
		t.Errorf("%q and %q are kept", structured.Kept(), binary.Kept())
	}
}

// FuzzForward defends: an event that the service sends on is judged by ingest as
// by the service, in either mode, and what is kept of it is the same.
func FuzzForward(f *testing.F) {
	f.Add([]byte(good), false, "", "")
	f.Add([]byte(`{"subject":"a","subject":"b"`), false, "", "")
	f.Add([]byte(`{"email":null}`), true, "ana%20b", "Ce-Ext")
	f.Add([]byte(`{`), true, "\"a\\\"\"", "content-type")
	f.Add(bytes.Repeat([]byte(" "), domain.MaxEventBytes+1), true, "ana", "x")
	f.Fuzz(func(t *testing.T, body []byte, binary bool, subject, name string) {
		m := &domain.Message{Body: body}
		if binary {
			m = BinaryRequest(map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"user.updated"},
				"Ce-Time": {"2026-11-23T12:00:00Z"}, "Ce-Subject": {subject}, "Content-Type": {"application/json"}, name: {subject}}, body)
		}
		here := Judge(m, now(t))
		out := here.Forward(ReceivedAt(now(t)))
		there := Receive(out.Subject, out.Header, out.Data, now(t)+1)
		if here.tooLarge() {
			if there.Refusal == nil || there.Refusal.Reason != domain.TooLarge || there.Refusal.Subject != here.Refusal.Subject {
				t.Errorf("here it is too large and about %q, there %+v", here.Refusal.Subject, there.Refusal)
			}
			return
		}
		if diff := cmp.Diff(here.Event, there.Event); diff != "" {
			t.Errorf("another event (-here +there):\n%s", diff)
		}
		if diff := cmp.Diff(here.Refusal, there.Refusal); diff != "" {
			t.Errorf("another refusal (-here +there):\n%s", diff)
		}
	})
}
