// This file tests how much waits for a consumer.

package ingest

import (
	"io"
	"log/slog"
	"testing"

	"boxoffice/internal/eventually"
	"boxoffice/wire"
)

// TestWhatWaitsIsBounded: large messages that nobody takes don't fill the
// memory, and all come once somebody does.
func TestWhatWaitsIsBounded(t *testing.T) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := StartEmbedded(EmbeddedConfig{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b, err := Connect(t.Context(), Config{Embedded: e, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.EnsureStream(t.Context(), StreamConfig{}); err != nil {
		t.Fatal(err)
	}
	const messages, size = 40, 1 << 20
	p := NewPublisher(b)
	for range messages {
		if err := p.PublishBatch(t.Context(), []wire.Message{{Subject: wire.SubjectPrefix + "x", Data: make([]byte, size)}}); err != nil {
			t.Fatal(err)
		}
	}
	const room = 8 << 20
	s := NewSubscriber(b, SubscriberConfig{MaxInFlightBytes: room})
	defer s.Close()
	out, err := s.arrivals(t.Context(), wire.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, "as many messages wait as there is room for", func() bool { return len(out) >= room/size-1 })
	for i := range messages {
		if n := len(out); n > room/size {
			t.Fatalf("%d messages of 1 MiB wait", n)
		}
		m := <-out
		if len(m.body) != size {
			t.Fatalf("message %d has %d bytes", i, len(m.body))
		}
		m.settles.Ack()
	}
}
