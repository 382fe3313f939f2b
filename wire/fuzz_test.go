// This file has the fuzzer deliver messages with any headers.

package wire

import (
	"testing"
	"time"

	"boxoffice/domain"
)

// FuzzReceive defends: a message is an event or is refused with a reason, and
// of what is refused, what came is kept, within its bounds.
func FuzzReceive(f *testing.F) {
	f.Add("boxoffice.events.user.updated", "ce-specversion", "1.0", "Ce-Id", "%41", []byte(`{}`))
	f.Add("boxoffice.events.user.updated", "", "", "content-type", "application/json", []byte(`{"specversion":"1.0"}`))
	f.Add("", HeaderRefused, "too_large", "ce-subject", "ana", []byte(`{`))
	f.Add("x", HeaderReceivedAt, "2026-01-01T00:00:00Z", "Nats-Msg-Id", "7", []byte(``))
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	f.Fuzz(func(t *testing.T, subject, name1, value1, name2, value2 string, body []byte) {
		header := map[string][]string{name1: {value1}, "ce-type": {"user.updated"}, "ce-subject": {"ana"}, "ce-source": {"/s"}, "ce-time": {"2026-11-01T00:00:00Z"}}
		header[name2] = append(header[name2], value2)
		a := Receive(subject, header, body, now)
		if (a.Event == nil) == (a.Refusal == nil) {
			t.Fatalf("an event %v and a refusal %v", a.Event, a.Refusal)
		}
		kept := a.Kept()
		if a.Refusal == nil {
			return
		}
		if a.Refusal.Reason == "" || a.Refusal.Reason == domain.TooLarge && len(kept) > domain.KeptOfTooLarge {
			t.Errorf("refused for %q with %d bytes", a.Refusal.Reason, len(kept))
		}
	})
}
