// This file tests the promises of the ingester: when it acknowledges, what it
// does with bad events, and that nothing is lost or counted twice.

package ingest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/ingest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/wire"
)

// TestAcknowledgedOnlyAfterTheCommit stops an ingester before, while and after
// the append fails: nothing may have been acknowledged, and the next one gets
// everything.
func TestAcknowledgedOnlyAfterTheCommit(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	const n = 1000
	publish(t, b, progresses(0, n)...)
	var failures atomic.Int64
	failing := &interrupted{Store: store, before: func(eventstore.Batch) error {
		failures.Add(1)
		return errLost
	}}
	_, stop := run(t, b, failing, ingest.IngesterConfig{})
	eventually.Holds(t, "the append has failed a few times", func() bool { return failures.Load() >= 3 })
	if left := backlog(t, b); left != n {
		t.Errorf("%d of %d events aren't acknowledged though none is in the log", left, n)
	}
	stop()
	if left := backlog(t, b); left != n {
		t.Errorf("after stopping, %d of %d events aren't acknowledged though none is in the log", left, n)
	}
	run(t, b, store, ingest.IngesterConfig{})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if got := position(t, store); got != n {
		t.Errorf("the log has %d events, want %d", got, n)
	}
}

// TestAnUnknownCommitIsNotAcknowledged: the events are in the log, but whoever
// appended them can't know. They are given again, and recognised.
func TestAnUnknownCommitIsNotAcknowledged(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	const n = 1000
	publish(t, b, progresses(0, n)...)
	lost := make(chan struct{})
	unknown := &interrupted{Store: store, after: func(eventstore.Batch) error {
		select {
		case lost <- struct{}{}:
		default:
		}
		return errLost
	}}
	_, stop := run(t, b, unknown, ingest.IngesterConfig{})
	<-lost
	stop()
	if left := backlog(t, b); left != n {
		t.Errorf("%d of %d events aren't acknowledged though none is known to be in the log", left, n)
	}
	registry := prometheus.NewRegistry()
	run(t, b, store, ingest.IngesterConfig{Registerer: registry})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if got := position(t, store); got != n {
		t.Errorf("the log has %d events, want %d", got, n)
	}
	if counted(t, registry, "boxoffice_ingest_events_total", "duplicate") == 0 {
		t.Error("nothing was given to the log twice: the test has tested nothing")
	}
}

// A forgetful log leaves messages out of its account.
type forgetful struct{ *eventstore.Store }

func (l forgetful) AppendPrepared(ctx context.Context, p *eventstore.Prepared) (eventstore.Account, error) {
	account, err := l.Store.AppendPrepared(ctx, p)
	account.Appended--
	return account, err
}

// TestAnIncompleteAccountIsNotAcknowledged: whatever was fetched has to end as
// one of the outcomes.
func TestAnIncompleteAccountIsNotAcknowledged(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	publish(t, b, progresses(0, 100)...)
	i, stop := run(t, b, forgetful{store}, ingest.IngesterConfig{})
	eventually.Holds(t, "the account was found wrong", func() bool { return i.Status().Err != nil })
	if left := backlog(t, b); left != 100 {
		t.Errorf("%d of 100 events aren't acknowledged after a wrong account", left)
	}
	stop()
}

// TestWhatIsUnderWayIsFinished: an append that has begun when ingest is told to
// stop is finished and acknowledged.
func TestWhatIsUnderWayIsFinished(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	publish(t, b, progresses(0, 100)...)
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	slow := &interrupted{Store: store, before: func(eventstore.Batch) error {
		begun <- struct{}{}
		<-goOn
		return nil
	}}
	_, stop := run(t, b, slow, ingest.IngesterConfig{})
	<-begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(goOn)
	<-stopped
	appended := position(t, store)
	if appended == 0 {
		t.Error("nothing is in the log")
	}
	// The server has the acknowledgements, and may not have counted them yet.
	eventually.Succeeds(t, "what is in the log is acknowledged, and nothing else", func() error {
		if left := backlog(t, b); int(left) != 100-appended {
			return fmt.Errorf("%d events are in the log, and %d of 100 aren't acknowledged", appended, left)
		}
		return nil
	})
}

// TestExactlyOnce stops ingesters at random points, in the middle of whatever
// they do, while others go on and the database fails before and after commits.
func TestExactlyOnce(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
		store := openLog(t, open().Dialect().Name)
		const n = 8_000
		published := make(chan struct{})
		go func() {
			defer close(published)
			for from := 0; from < n; from += 500 {
				publish(t, b, progresses(from, 500)...)
			}
		}()
		fail := func(eventstore.Batch) error {
			if rand.N(5) == 0 {
				return errLost
			}
			return nil
		}
		log := &interrupted{Store: store, before: fail, after: fail}
		cfg := ingest.IngesterConfig{BatchEvents: 700, Grace: time.Millisecond}
		receive := ingest.SubscriberConfig{AckWait: 3 * time.Second}
		for range 12 {
			_, stopOne := runReceiving(t, b, receive, log, cfg)
			_, stopOther := runReceiving(t, b, receive, log, cfg)
			time.Sleep(rand.N(150 * time.Millisecond))
			stopOne()
			stopOther()
		}
		<-published
		runReceiving(t, b, receive, log, cfg)
		eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
		got := ids(t, store)
		if len(got) != n {
			t.Errorf("the log has %d events, want %d", len(got), n)
		}
		if slices.Sort(got); len(slices.Compact(got)) != n {
			t.Error("an event is in the log twice")
		}
	})
}

// bad events of every reason that can be judged without the log, with the
// reason each is refused for.
func bad() map[domain.Reason]wire.Message {
	change := func(do func(m *wire.Message)) wire.Message {
		m := progress(1_000_000)
		do(&m)
		return m
	}
	body := func(format string, args ...any) wire.Message {
		return change(func(m *wire.Message) { m.Data = fmt.Appendf(nil, format, args...) })
	}
	const envelope = `{"specversion":"1.0","id":"bad","source":"/player","type":"%s","subject":"u","time":"%s","data":{}}`
	ahead := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return map[domain.Reason]wire.Message{
		domain.TooLarge:         body("%300000d", 1),
		domain.Malformed:        body(`{"specversion":"1.0",`),
		domain.InvalidAttribute: body(`{"specversion":"1.0"}`),
		domain.UnknownType:      body(envelope, "playback.paused", "2026-01-01T00:00:00Z"),
		domain.SubjectMismatch:  change(func(m *wire.Message) { m.Subject = wire.Subject(domain.PlaybackEnded) }),
		domain.InFuture:         body(envelope, "playback.progressed", ahead),
		domain.InvalidData:      body(envelope, "playback.progressed", "2026-01-01T00:00:00Z"),
	}
}

// TestBadEventsHoldNothingUp puts bad events of every kind among ten thousand
// good ones, in both content modes.
func TestBadEventsHoldNothingUp(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	messages := progresses(0, 10_000)
	want := map[domain.Reason]int{}
	for reason, m := range bad() {
		for range 20 {
			messages = slices.Insert(messages, rand.N(len(messages)), m)
			want[reason]++
		}
	}
	binary := wire.Message{
		Subject: wire.Subject(domain.UserRegistered), Data: []byte(`{"email":"ana@example.org"}`),
		Header: nats.Header{
			"ce-specversion": {"1.0"}, "ce-id": {"binary"}, "ce-source": {"/web"}, "ce-type": {"user.registered"},
			"ce-subject": {"a%7Cb"}, "ce-time": {"2026-01-01T00:00:00Z"}, "Content-Type": {"application/json"},
		},
	}
	messages = append(messages, binary)
	publish(t, b, messages...)
	registry := prometheus.NewRegistry()
	run(t, b, store, ingest.IngesterConfig{Registerer: registry})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })

	wantIDs := make([]string, 0, 10_001)
	for n := range 10_000 {
		wantIDs = append(wantIDs, fmt.Sprintf("e%d", n))
	}
	if diff := cmp.Diff(append(wantIDs, "binary"), ids(t, store)); diff != "" {
		t.Errorf("the good events, in their order (-want +got):\n%s", diff)
	}
	got := map[domain.Reason]int{}
	for before := int64(0); ; {
		events, next, err := store.Refused(t.Context(), eventstore.RefusedQuery{Before: before, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			got[e.Reason]++
		}
		if before = next; before == 0 {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused, by reason (-want +got):\n%s", diff)
	}
	for outcome, want := range map[string]float64{"appended": 10_001, "duplicate": 0, "refused": 140} {
		if got := counted(t, registry, "boxoffice_ingest_events_total", outcome); got != want {
			t.Errorf("%s: counted %g, want %g", outcome, got, want)
		}
	}
}

// TestReceivedOverHTTPIsJudgedByThen: an event that was ahead of the clock when
// the service got it is refused, however long it waited in the broker.
func TestReceivedOverHTTPIsJudgedByThen(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	early := progress(1)
	early.Header = nats.Header{wire.HeaderReceivedAt: {"2025-12-31T23:54:59Z"}}
	intime := progress(2)
	intime.Header = nats.Header{wire.HeaderReceivedAt: {"2025-12-31T23:55:00Z"}}
	publish(t, b, early, intime)
	run(t, b, store, ingest.IngesterConfig{})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if diff := cmp.Diff([]string{"e2"}, ids(t, store)); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

// TestBatchesAreBounded by number and by bytes.
func TestBatchesAreBounded(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	big := progress(0)
	big.Data = fmt.Appendf(nil, "%200000d", 1)
	messages := progresses(0, 500)
	for range 20 {
		messages = append(messages, big)
	}
	publish(t, b, messages...)
	var most, heaviest atomic.Int64
	log := &interrupted{Store: store, before: func(batch eventstore.Batch) error {
		bytes := 0
		for _, m := range batch.Messages {
			if m.Refusal != nil {
				bytes += len(m.Raw)
			}
		}
		most.Store(max(most.Load(), int64(len(batch.Messages))))
		heaviest.Store(max(heaviest.Load(), int64(bytes)))
		return nil
	}}
	run(t, b, log, ingest.IngesterConfig{BatchEvents: 50, BatchBytes: 500_000})
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	if most.Load() != 50 {
		t.Errorf("the largest batch has %d events, want 50", most.Load())
	}
	// A batch ends with the message that takes it over the limit.
	if heaviest.Load() != 600_000 {
		t.Errorf("the heaviest batch has %d bytes of refused events, want 600,000", heaviest.Load())
	}
}
