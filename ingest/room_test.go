// This file tests what becomes of a broker that comes to its limit, and of
// messages that the broker itself takes for repeated.

package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/wire"
)

const fewBytes = 200_000

// fillUp publishes until the broker takes no more, and returns how many it took.
func fillUp(t *testing.T, b *ingest.Broker) int {
	t.Helper()
	publisher := ingest.NewPublisher(b)
	for n := 0; ; n++ {
		if err := publisher.PublishBatch(t.Context(), progresses(n, 1)); errors.Is(err, ingest.ErrFull) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullBrokerIsSeenToBeFull, and not before, and nothing that isn't
// acknowledged makes room.
func TestAFullBrokerIsSeenToBeFull(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		if s := b.Status(t.Context()); s.Fill.Limit != 0 || s.Fill.Full() {
			t.Errorf("without a limit: %+v", s.Fill)
		}
		if _, err := b.EnsureStream(t.Context(), ingest.StreamConfig{MaxBytes: fewBytes}); err != nil {
			t.Fatal(err)
		}
		publish(t, b, progresses(0, 100)...)
		if s := b.Status(t.Context()); s.Fill.Limit != fewBytes || s.Fill.Bytes == 0 || s.Fill.Full() {
			t.Errorf("with room: %+v", s.Fill)
		}
		fillUp(t, b)
		if s := b.Status(t.Context()); !s.Fill.Full() || s.Err != nil {
			t.Errorf("without room: %+v", s)
		}
		have := stored(t, b)
		if n, err := b.MakeRoom(t.Context()); n != 0 || err != nil {
			t.Errorf("without a consumer %d were removed (%v)", n, err)
		}
		subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{Stream: ingest.StreamConfig{MaxBytes: fewBytes}})
		messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
		if err != nil {
			t.Fatal(err)
		}
		first := <-messages
		for range 10 {
			(<-messages).Ack()
		}
		eventually.Holds(t, "ten are acknowledged", func() bool { return backlog(t, b) == have-10 })
		if n, err := b.MakeRoom(t.Context()); n != 0 || err != nil || stored(t, b) != have {
			t.Errorf("with the first in hand %d were removed (%v)", n, err)
		}
		first.Ack()
		eventually.Holds(t, "eleven are acknowledged", func() bool { return backlog(t, b) == have-11 })
		if n, err := b.MakeRoom(t.Context()); n != 11 || err != nil || have-stored(t, b) != 11 {
			t.Errorf("%d were removed, and %d are gone, want the 11 that are acknowledged (%v)", n, have-stored(t, b), err)
		}
		if early := b.Status(t.Context()).Early; early.Events != 11 || early.Last.IsZero() {
			t.Errorf("of what was removed it says %+v", early)
		}
		if err := subscriber.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTheAccountsLimit is a limit, too: an operator may bound what the service's
// account takes, and not the stream.
func TestTheAccountsLimit(t *testing.T) {
	server := natstest.Start(t, natstest.Options{Config: fmt.Sprintf(
		"accounts { PLATFORM { jetstream { max_file: %d }, users [ { user: service, password: secret } ] } }", fewBytes)})
	b := withStream(t, connect(t, ingest.Config{URL: strings.Replace(server.URL(), "//", "//service:secret@", 1)}))
	fillUp(t, b)
	if s := b.Status(t.Context()); !s.Fill.Full() || s.Fill.Limit != fewBytes {
		t.Errorf("a full account: %+v", s.Fill)
	}
}

// TestAnAccountThatMayNotBeAskedAbout: a service that isn't permitted to ask for
// its account's limits has the stream's, and doesn't have the server complain
// whenever somebody looks.
func TestAnAccountThatMayNotBeAskedAbout(t *testing.T) {
	server := natstest.Start(t, natstest.Options{Config: "accounts { PLATFORM { jetstream: enabled, " +
		"users [ { user: service, password: secret, permissions { publish { deny: \"$JS.API.INFO\" } } } ] } }"})
	log := &lines{}
	b := connect(t, ingest.Config{URL: strings.Replace(server.URL(), "//", "//service:secret@", 1), Logger: slog.New(slog.NewTextHandler(log, nil))})
	if _, err := b.EnsureStream(t.Context(), ingest.StreamConfig{MaxBytes: fewBytes}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if s := b.Status(t.Context()); s.Err != nil || s.Fill.Limit != fewBytes {
			t.Errorf("it says %+v", s)
		}
	}
	if n := log.with("JS.API.INFO"); n != 1 {
		t.Errorf("the server complained %d times", n)
	}
}

// lines keeps the lines of a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with counts the lines that have a word.
func (l *lines) with(word string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// TestRoomIsMade: what is in the log leaves a broker that is nearly full, the
// oldest first and no more than has to, long before its retention is over.
// Publishers go on, and everything comes to the log.
func TestRoomIsMade(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		limited := ingest.StreamConfig{MaxBytes: fewBytes}
		if _, err := b.EnsureStream(t.Context(), limited); err != nil {
			t.Fatal(err)
		}
		store := openLog(t, sqldb.SQLite)
		registry := prometheus.NewRegistry()
		runReceiving(t, b, ingest.SubscriberConfig{Stream: limited}, store, ingest.IngesterConfig{Registerer: registry})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p, done := &purger{store, make(chan struct{}, 1)}, make(chan struct{})
		go func() { defer close(done); b.Retain(ctx, 72*time.Hour, p) }()
		publisher := ingest.NewPublisher(b)
		const batches, each = 40, 50
		for n := range batches {
			eventually.Holds(t, "there is room", func() bool {
				return publisher.PublishBatch(t.Context(), progresses(n*each, each)) == nil
			})
		}
		eventually.Holds(t, "everything is in the log", func() bool { return position(t, store) == batches*each })
		eventually.Holds(t, "a tenth is free", func() bool {
			fill := b.Status(t.Context()).Fill
			return fill.Bytes <= fewBytes/10*9
		})
		cancel()
		<-done
		s := b.Status(t.Context())
		if s.Fill.Bytes < fewBytes/2 || s.Early.Events == 0 || s.Early.Events+stored(t, b) != batches*each {
			t.Errorf("%d are left; %+v", stored(t, b), s)
		}
		eventually.Holds(t, "the metrics say so", func() bool {
			return counted(t, registry, "boxoffice_broker_purged_early_events_total", "") == float64(s.Early.Events) &&
				counted(t, registry, "boxoffice_broker_limit_bytes", "") == fewBytes
		})
	})
}

// TestTwoEventsWithOneMessageID: the broker drops the second unseen within its
// duplicate window only, which is as short as can be; after it both are recorded.
func TestTwoEventsWithOneMessageID(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		publishWithID := func(n int) *jetstream.PubAck {
			t.Helper()
			m := progress(n)
			ack, err := b.JetStream().PublishMsg(t.Context(), &nats.Msg{
				Subject: m.Subject, Data: m.Data, Header: nats.Header{wire.HeaderMessageID: {"the same"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return ack
		}
		if publishWithID(0).Duplicate {
			t.Fatal("the first is a duplicate")
		}
		n := 1
		eventually.Holds(t, "the window is over", func() bool { n++; return !publishWithID(n).Duplicate })
		store := openLog(t, sqldb.SQLite)
		run(t, b, store, ingest.IngesterConfig{})
		eventually.Holds(t, "both are in the log", func() bool { return position(t, store) == 2 })
	})
}
