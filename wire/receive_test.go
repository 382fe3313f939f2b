// This file tests how a message of the broker is read.

package wire

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

func TestContentModes(t *testing.T) {
	for name, test := range map[string]struct {
		header map[string][]string
		want   domain.Message
	}{
		"no header at all is structured": {nil, domain.Message{}},
		"so is one without ce-specversion, whatever its content type": {
			map[string][]string{"Content-Type": {"application/json"}, "ce-id": {"1"}}, domain.Message{},
		},
		"ce-specversion in another case makes it binary too": {
			map[string][]string{"Ce-Specversion": {"1.0"}, "CE-Type": {"user.updated"}},
			domain.Message{Binary: true, HeaderBytes: 44, Attributes: []domain.Attribute{
				{Name: "specversion", Value: "1.0"}, {Name: "type", Value: "user.updated"},
			}},
		},
		"ce-specversion makes it binary": {
			map[string][]string{"ce-specversion": {"1.0"}, "ce-type": {"user.updated"}, "ce-subject": {"a%20b"}},
			domain.Message{Binary: true, HeaderBytes: 63, Attributes: []domain.Attribute{
				{Name: "specversion", Value: "1.0"}, {Name: "subject", Value: "a%20b"}, {Name: "type", Value: "user.updated"},
			}},
		},
		"the content type is an attribute, in any case": {
			map[string][]string{"ce-specversion": {"1.0"}, "CONTENT-TYPE": {"text/plain"}},
			domain.Message{Binary: true, HeaderBytes: 47, Attributes: []domain.Attribute{
				{Name: "datacontenttype", Value: "text/plain"}, {Name: "specversion", Value: "1.0"},
			}},
		},
		"what is repeated stays repeated, in its order": {
			map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"2", "1"}},
			domain.Message{Binary: true, HeaderBytes: 41, Attributes: []domain.Attribute{
				{Name: "id", Value: "2"}, {Name: "id", Value: "1"}, {Name: "specversion", Value: "1.0"},
			}},
		},
		"what the transport and the service add is no part of it": {
			map[string][]string{
				"ce-specversion": {"1.0"}, "Nats-Msg-Id": {"x"}, "Nats-Batch-Id": {"y"},
				HeaderReceivedAt: {"2026-01-01T00:00:00Z"}, HeaderUUID: {"z"},
			},
			domain.Message{Binary: true, HeaderBytes: 21, Attributes: []domain.Attribute{{Name: "specversion", Value: "1.0"}}},
		},
		"other headers count and say nothing": {
			map[string][]string{"ce-specversion": {"1.0"}, "traceparent": {"00"}},
			domain.Message{Binary: true, HeaderBytes: 38, Attributes: []domain.Attribute{{Name: "specversion", Value: "1.0"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.NATSSubject, test.want.Body = "boxoffice.events.x", []byte("{}")
			got := read("boxoffice.events.x", test.header, []byte("{}"))
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReceivedAt: what the service says of when it got an event counts, and can
// only make the judgement stricter.
func TestReceivedAt(t *testing.T) {
	now := domain.InstantOf(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	for value, want := range map[string]domain.Instant{
		"":                            now,
		"2026-01-01T11:59:59.5Z":      now - 500_000,
		"2026-01-01T13:59:59.5+02:00": now - 500_000,
		"2026-01-01T12:00:01Z":        now,
		"9999-01-01T00:00:00Z":        now,
		"yesterday":                   now,
	} {
		if got := receivedAt(map[string][]string{HeaderReceivedAt: {value}}, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestMustBeNew(t *testing.T) {
	body := []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"user.registered","subject":"ana","time":"2026-11-23T12:00:00Z","data":{}}`)
	for _, header := range []map[string][]string{nil, {HeaderMustBeNew: {"true"}}} {
		a := Receive("boxoffice.events.user.registered", header, body, now(t))
		if a.Event == nil || a.MustBeNew != (header != nil) {
			t.Errorf("with %v it is %+v", header, a)
		}
	}
}

func now(t *testing.T) domain.Instant {
	t.Helper()
	at, err := domain.ParseInstant("2026-11-23T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWhatIsKeptOfRefused(t *testing.T) {
	now := domain.InstantOf(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	long := strings.Repeat("x", domain.MaxEventBytes)
	for name, test := range map[string]struct {
		header map[string][]string
		body   string
		reason domain.Reason
		raw    string
	}{
		"structured: as it came": {nil, ` {"specversion":"1.0"} `, domain.InvalidAttribute, ` {"specversion":"1.0"} `},
		"not JSON: as it came":   {nil, "\xff{", domain.Malformed, "\xff{"},
		"nothing":                {nil, "", domain.Malformed, ""},
		"binary: as a structured event": {
			map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"1"}}, `{"a":1}`, domain.InvalidAttribute,
			string(domain.RenderStructured(&domain.Message{Binary: true, Body: []byte(`{"a":1}`), Attributes: []domain.Attribute{
				{Name: "id", Value: "1"}, {Name: "specversion", Value: "1.0"},
			}})),
		},
		"too large: its head": {nil, long + "x", domain.TooLarge, long[:4096]},
		"too large, and cut off by the service": {
			map[string][]string{HeaderRefused: {"too_large"}}, long[:4096], domain.TooLarge, long[:4096],
		},
		"refused for another reason, says the header, which is for too_large alone": {
			map[string][]string{HeaderRefused: {"erased"}}, "", domain.Malformed, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := Receive("boxoffice.events.user.updated", test.header, []byte(test.body), now)
			if a.Refusal == nil || a.Refusal.Reason != test.reason || a.Event != nil {
				t.Fatalf("got %v, want %s", a.Refusal, test.reason)
			}
			if kept := a.Kept(); string(kept) != test.raw {
				t.Errorf("%.80q is kept, want %.80q", kept, test.raw)
			}
		})
	}
}

// TestWhomATooLargeEventIsAbout: the service publishes only the first part of
// an event that is too large, with what it could read of the envelope as
// headers; an erasure has to find it by its subject.
func TestWhomATooLargeEventIsAbout(t *testing.T) {
	header := map[string][]string{
		HeaderRefused: {"too_large"}, "ce-subject": {"auth0%7C1"}, "ce-type": {"user.updated"}, "ce-id": {"7"},
		"ce-source": {"/p"}, "ce-time": {"2026-01-01T10:00:00Z"},
	}
	a := Receive("boxoffice.events.user.updated", header, []byte("{"), 0)
	want := &domain.Refusal{
		Reason: domain.TooLarge, Message: a.Refusal.Message, ID: "7", Source: "/p", Type: "user.updated", Subject: "auth0|1",
		Time: new(domain.InstantOf(time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC))),
	}
	if diff := cmp.Diff(want, a.Refusal); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
