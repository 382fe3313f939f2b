// This file tests that ingest takes events from any of Watermill's subscribers.

package ingest_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"boxoffice/domain"
	"boxoffice/ingest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/wire"
)

// TestAnySubscriber: what the broker delivers comes to the log by the messages that
// Watermill has, too: all of it, with its headers, and acknowledged.
func TestAnySubscriber(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	// Behind the interface a Subscriber is like every other.
	from := struct{ message.Subscriber }{ingest.NewSubscriber(b, ingest.SubscriberConfig{})}
	runFrom(t, from, store, ingest.IngesterConfig{BatchEvents: 70})
	publish(t, b, progresses(0, 500)...)
	binary := wire.Message{Subject: wire.Subject(domain.UserUpdated), Data: []byte(`{}`), Header: map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"user.updated"}, "ce-subject": {"ana"}, "ce-time": {"2026-01-01T00:00:00Z"}}}
	twice := wire.Message{Subject: binary.Subject, Data: binary.Data, Header: map[string][]string{"ce-ext": {"a", "b"}}}
	maps.Copy(twice.Header, binary.Header)
	twice.Header["ce-id"] = []string{"2"}
	publish(t, b, binary, twice)
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if got := position(t, store); got != 501 {
		t.Errorf("%d events are in the log, want 501", got)
	}
	counts, err := store.CountRefused(t.Context())
	if err != nil || counts[domain.InvalidAttribute] != 1 || len(counts) != 1 {
		t.Errorf("refused are %v (%v), want the one with a header that stands twice", counts, err)
	}
}

// TestASubscriberWithoutSequences: an event that can't be accounted for isn't taken.
func TestASubscriberWithoutSequences(t *testing.T) {
	broker := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	if err := broker.Publish(wire.Subjects, message.NewMessage("1", []byte("{}"))); err != nil {
		t.Fatal(err)
	}
	i, err := ingest.NewIngester(broker, openLog(t, sqldb.SQLite), ingest.IngesterConfig{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := i.Run(ctx); err == nil || !strings.Contains(err.Error(), ingest.MetadataSequence) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ends with %v", err)
	}
}
