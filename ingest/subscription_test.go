// This file tests the end of a subscription.

package ingest

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"boxoffice/wire"
)

// TestASubscriptionOutlastsItsMessage: while a message is being handed out, the
// subscription isn't over, even where its connection is gone: else its channel would
// be closed under the message, and what it takes of the memory released twice.
func TestASubscriptionOutlastsItsMessage(t *testing.T) {
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
	if err := NewPublisher(b).PublishBatch(t.Context(), []wire.Message{{Subject: wire.SubjectPrefix + "x"}}); err != nil {
		t.Fatal(err)
	}

	s := NewSubscriber(b, SubscriberConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	handed, over := make(chan struct{}), make(chan struct{})
	sub := &subscription{topic: wire.Subjects, done: func() { close(over) }}
	sub.hand = func(*delivery) bool {
		close(handed)
		<-sub.ctx.Done()
		select {
		case <-over:
			t.Error("the subscription was over before its message was handed out")
		case <-time.After(300 * time.Millisecond):
		}
		return false
	}
	if err := s.start(ctx, sub); err != nil {
		t.Fatal(err)
	}
	<-handed
	b.Close()
	cancel()
	<-over
	if n := len(sub.flight.all()); n != 0 {
		t.Errorf("%d messages are in flight after the end", n)
	}
}
