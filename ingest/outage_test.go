// This file tests what happens when the database or the broker is away: the
// flow stops, nothing is lost, memory is bounded, and it goes on by itself.

package ingest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/eventstore"
	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/wire"
)

// TestTheDatabaseIsAway for longer than the broker waits for an answer, with a
// backlog that doesn't fit into memory's bound.
func TestTheDatabaseIsAway(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		store := openLog(t, sqldb.SQLite)
		var away atomic.Bool
		away.Store(true)
		var tries atomic.Int64
		log := &interrupted{Store: store, before: func(eventstore.Batch) error {
			tries.Add(1)
			if away.Load() {
				return errLost
			}
			return nil
		}}
		registry := prometheus.NewRegistry()
		i, _ := runReceiving(t, b, ingest.SubscriberConfig{AckWait: 2 * time.Second}, log,
			ingest.IngesterConfig{BatchEvents: 100, Registerer: registry})
		const n = 5_000
		publish(t, b, progresses(0, n)...)
		started := time.Now()
		eventually.Holds(t, "it fails for longer than the broker waits", func() bool {
			return tries.Load() >= 5 && time.Since(started) > 5*time.Second
		})
		if s := i.Status(); !errors.Is(s.Err, errLost) || s.FailingSince.IsZero() {
			t.Errorf("status while the database is away: %+v", s)
		}
		if left := backlog(t, b); left != n {
			t.Errorf("%d of %d events aren't acknowledged though none is in the log", left, n)
		}
		if age := b.Status(t.Context()).OldestAge; age < time.Second || age > patience {
			t.Errorf("the oldest event waits for %s", age)
		}
		away.Store(false)
		eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
		if s := i.Status(); s.Err != nil || !s.FailingSince.IsZero() || s.LastAppend.IsZero() {
			t.Errorf("status when the database is back: %+v", s)
		}
		if got := position(t, store); got != n {
			t.Errorf("the log has %d events, want %d", got, n)
		}
		if counted(t, registry, "boxoffice_ingest_append_failures_total", "") < 5 {
			t.Error("the failures weren't counted")
		}
		// The broker was told all the while that the messages are in hand.
		if again := counted(t, registry, "boxoffice_ingest_events_total", "duplicate"); again > 0 {
			t.Errorf("%g events were delivered again", again)
		}
	})
}

// TestMemoryIsBounded while nothing can be appended and 400 MB wait.
func TestMemoryIsBounded(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	for range 40 {
		messages := progresses(0, 50)
		for k := range messages {
			messages[k].Data = append(messages[k].Data, make([]byte, 200_000)...)
		}
		publish(t, b, messages...)
	}
	var tries atomic.Int64
	log := &interrupted{Store: openLog(t, sqldb.SQLite), before: func(eventstore.Batch) error {
		tries.Add(1)
		return errLost
	}}
	_, stop := runReceiving(t, b, ingest.SubscriberConfig{AckWait: 300 * time.Millisecond}, log, ingest.IngesterConfig{})
	eventually.Holds(t, "it has tried a few times", func() bool { return tries.Load() >= 6 })
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 150<<20 {
		t.Errorf("the heap has %d MiB", m.HeapAlloc>>20)
	}
	stop()
}

// TestTheBrokerIsKilled again and again while events are published and taken.
func TestTheBrokerIsKilled(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	service := connect(t, ingest.Config{URL: server.URL()})
	store := openLog(t, sqldb.SQLite)
	runReceiving(t, service, ingest.SubscriberConfig{AckWait: time.Second}, store, ingest.IngesterConfig{})
	publisher := ingest.NewPublisher(b)
	var acknowledged atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	published := make(chan struct{})
	go func() {
		defer close(published)
		for n := 0; ctx.Err() == nil; {
			within, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if publisher.PublishBatch(within, progresses(n, 200)) == nil {
				n += 200
				acknowledged.Store(int64(n))
			}
			cancel()
		}
	}()
	for round := range 3 {
		eventually.Holds(t, "events are published", func() bool { return acknowledged.Load() > int64(2000*(round+1)) })
		server.Restart()
	}
	eventually.Holds(t, "events are published", func() bool { return acknowledged.Load() > 8_000 })
	cancel()
	<-published
	eventually.Holds(t, "everything is in the log", func() bool { return position(t, store) >= int(acknowledged.Load()) })
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	got := ids(t, store)
	slices.Sort(got)
	if distinct := len(slices.Compact(slices.Clone(got))); distinct != len(got) || distinct < int(acknowledged.Load()) {
		t.Errorf("%d events are in the log, %d of them distinct; %d were acknowledged to the publisher",
			len(got), distinct, acknowledged.Load())
	}
}

// TestTheBrokerIsntThereYet: ingest may be started first.
func TestTheBrokerIsntThereYet(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	server.Kill()
	b := connect(t, ingest.Config{URL: server.URL()})
	if s := b.Status(t.Context()); s.Connected || !errors.Is(s.Err, ingest.ErrUnavailable) {
		t.Errorf("status without a broker: %+v", s)
	}
	store := openLog(t, sqldb.SQLite)
	run(t, b, store, ingest.IngesterConfig{})
	server.Start()
	eventually.Holds(t, "the stream is there", func() bool {
		return ingest.NewPublisher(b).PublishBatch(t.Context(), progresses(0, 10)) == nil
	})
	eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 10 })
}

// TestTheBrokerLosesEverything: an empty one in its place is set up and taken
// from.
func TestTheBrokerLosesEverything(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	store := openLog(t, sqldb.SQLite)
	run(t, b, store, ingest.IngesterConfig{})
	publish(t, b, progresses(0, 10)...)
	eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 10 })
	server.Lose()
	server.Start()
	eventually.Holds(t, "events can be published again", func() bool {
		return ingest.NewPublisher(b).PublishBatch(t.Context(), progresses(10, 10)) == nil
	})
	eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 20 })
}

// TestTheStreamIsDeleted, and the consumer: both are recreated, and the new
// stream's numbers aren't taken for the old one's.
func TestTheStreamIsDeleted(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		store := openLog(t, sqldb.SQLite)
		var streams sync.Map
		log := &interrupted{Store: store, before: func(batch eventstore.Batch) error {
			streams.Store(batch.Stream, true)
			return nil
		}}
		run(t, b, log, ingest.IngesterConfig{})
		publish(t, b, progresses(0, 10)...)
		eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 10 })
		if err := b.JetStream().DeleteConsumer(t.Context(), wire.Stream, ingest.ConsumerName); err != nil {
			t.Fatal(err)
		}
		publish(t, b, progresses(10, 10)...)
		eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 20 })
		if err := b.JetStream().DeleteStream(t.Context(), wire.Stream); err != nil {
			t.Fatal(err)
		}
		eventually.Holds(t, "the stream is there again", func() bool {
			return ingest.NewPublisher(b).PublishBatch(t.Context(), progresses(20, 10)) == nil
		})
		eventually.Holds(t, "the events are in the log", func() bool { return position(t, store) == 30 })
		n := 0
		streams.Range(func(any, any) bool { n++; return true })
		if n != 2 {
			t.Errorf("batches came from %d streams, want two", n)
		}
	})
}

// TestAnAppendMayTakeLong: the broker doesn't give to others what is in hand.
func TestAnAppendMayTakeLong(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	publish(t, b, progresses(0, 3000)...)
	receive := ingest.SubscriberConfig{AckWait: 2 * time.Second, MaxInFlight: 5000}
	cfg := func(r *prometheus.Registry) ingest.IngesterConfig {
		return ingest.IngesterConfig{BatchEvents: 500, Registerer: r}
	}
	goOn := make(chan struct{})
	slow := &interrupted{Store: store, before: func(eventstore.Batch) error { <-goOn; return nil }}
	first, second := prometheus.NewRegistry(), prometheus.NewRegistry()
	runReceiving(t, b, receive, slow, cfg(first))
	eventually.Holds(t, "a batch is in hand", func() bool { return slow.calls.Load() == 1 })
	runReceiving(t, b, receive, store, cfg(second))
	started := time.Now()
	eventually.Holds(t, "the other has taken what it can, and the broker has waited", func() bool {
		return position(t, store) > 0 && time.Since(started) > 5*time.Second
	})
	close(goOn)
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if got := position(t, store); got != 3000 {
		t.Errorf("the log has %d events, want 3000", got)
	}
	again := counted(t, first, "boxoffice_ingest_events_total", "duplicate") + counted(t, second, "boxoffice_ingest_events_total", "duplicate")
	// What waits in the connection, unread, isn't in hand yet.
	if again > 500 {
		t.Errorf("%g events were delivered again", again)
	}
}
