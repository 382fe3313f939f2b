package wire_test

import (
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/wire"
)

// What a publisher sends, and what the service makes of it when the broker
// delivers it.
func Example() {
	now := domain.InstantOf(time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC))
	sent := wire.Judge(&domain.Message{Body: []byte(`{"specversion": "1.0", "id": "p-1", "source": "/platform/player",
		"type": "playback.started", "subject": "ana", "time": "2026-03-01T20:00:00Z",
		"data": {"session_id": "s-1", "content_id": "film-7"}}`)}, now)
	message := sent.Outgoing()
	fmt.Println(wire.Stream, message.Subject)

	received := wire.Receive(message.Subject, message.Header, message.Data, now)
	fmt.Println(received.Event.Type, received.Event.Subject)

	elsewhere := wire.Receive(wire.Subject(domain.UserUpdated), message.Header, message.Data, now)
	fmt.Println(elsewhere.Refusal.Reason)
	// Output:
	// BOXOFFICE boxoffice.events.playback.started
	// playback.started ana
	// subject_mismatch
}
