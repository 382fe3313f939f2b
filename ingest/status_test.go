// This file tests what ingest says of itself and of the broker, and what it
// removes from the broker.

package ingest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
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

// TestSyncIsToldFromTheServer: "always" is what the server says of itself, and
// nothing else.
func TestSyncIsToldFromTheServer(t *testing.T) {
	always := natstest.Start(t, natstest.Options{})
	lazy := natstest.Start(t, natstest.Options{SyncInterval: "2m"})
	answering := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			// A failure to write fails the test by what the client makes of it.
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, test := range map[string]struct {
		monitors []string
		want     ingest.Sync
		detail   string
	}{
		"always":                   {[]string{always.MonitorURL()}, ingest.SyncAlways, "sync_interval: always"},
		"always, with a slash":     {[]string{always.MonitorURL() + "/"}, ingest.SyncAlways, "sync_interval: always"},
		"every two minutes":        {[]string{lazy.MonitorURL()}, ingest.SyncNot, "power failure"},
		"one of two doesn't":       {[]string{always.MonitorURL(), lazy.MonitorURL()}, ingest.SyncNot, "power failure"},
		"no address":               {nil, ingest.SyncUnknown, "no monitoring address"},
		"nobody there":             {[]string{"http://127.0.0.1:1"}, ingest.SyncUnknown, "refused"},
		"not a URL":                {[]string{"://"}, ingest.SyncUnknown, "not a URL"},
		"an error":                 {[]string{answering(500, "")}, ingest.SyncUnknown, "500"},
		"something else":           {[]string{answering(200, "<html>")}, ingest.SyncUnknown, "reading"},
		"a server without streams": {[]string{answering(200, `{"jetstream":{}}`)}, ingest.SyncUnknown, "no JetStream"},
	} {
		t.Run(name, func(t *testing.T) {
			b := connect(t, ingest.Config{URL: always.URL(), MonitorURLs: test.monitors})
			s := b.Status(t.Context())
			if s.Sync != test.want || !strings.Contains(s.SyncDetail, test.detail) {
				t.Errorf("got %s (%s), want %s (%s)", s.Sync, s.SyncDetail, test.want, test.detail)
			}
		})
	}
	b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
	if s := b.Status(t.Context()); s.Sync != ingest.SyncAlways {
		t.Errorf("the embedded server: %s (%s)", s.Sync, s.SyncDetail)
	}
}

func TestBacklogAndItsAge(t *testing.T) {
	b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
	if s := b.Status(t.Context()); s.Err == nil || !s.Connected {
		t.Errorf("without a stream: %+v", s)
	}
	withStream(t, b)
	expect := func(what string, waiting uint64, aged bool) {
		t.Helper()
		s := b.Status(t.Context())
		if s.Err != nil || s.Backlog != waiting || (s.OldestAge > 0) != aged || s.OldestAge > patience {
			t.Errorf("%s: %+v", what, s)
		}
	}
	expect("nothing published", 0, false)
	publish(t, b, progresses(0, 10)...)
	expect("before anything was ever taken", 10, true)
	subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{})
	messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		(<-messages).Ack()
	}
	inHand := <-messages
	eventually.Holds(t, "four are acknowledged", func() bool { return backlog(t, b) == 6 })
	expect("one in hand, others waiting", 6, true)
	inHand.Ack()
	for range 5 {
		(<-messages).Ack()
	}
	eventually.Holds(t, "all are acknowledged", func() bool { return backlog(t, b) == 0 })
	expect("nothing waiting", 0, false)
	if err := subscriber.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMetrics(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	registry := prometheus.NewRegistry()
	i, _ := run(t, b, openLog(t, sqldb.SQLite), ingest.IngesterConfig{Registerer: registry})
	for outcome, want := range map[string]float64{"appended": 0, "duplicate": 0, "refused": 0} {
		if got := counted(t, registry, "boxoffice_ingest_events_total", outcome); got != want {
			t.Errorf("at the start, %s is %g", outcome, got)
		}
	}
	publish(t, b, progresses(0, 100)...)
	publish(t, b, progresses(0, 100)...)
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 && !i.Status().LastAppend.IsZero() })
	for outcome, want := range map[string]float64{"appended": 100, "duplicate": 100, "refused": 0} {
		if got := counted(t, registry, "boxoffice_ingest_events_total", outcome); got != want {
			t.Errorf("%s is %g, want %g", outcome, got, want)
		}
	}
	batches := counted(t, registry, "boxoffice_ingest_batch_events", "")
	if appends := counted(t, registry, "boxoffice_ingest_append_seconds", ""); batches == 0 || appends != batches {
		t.Errorf("%g batches in %g appends", batches, appends)
	}
	eventually.Holds(t, "the broker was looked at", func() bool {
		return counted(t, registry, "boxoffice_broker_connected", "") == 1
	})
	if _, err := ingest.NewIngester(ingest.NewSubscriber(b, ingest.SubscriberConfig{}), nil, ingest.IngesterConfig{Registerer: registry}); err == nil {
		t.Error("two ingesters may register the same metrics")
	}
}

// TestPurgedIsWhatIsAcknowledgedAndOld, and nothing else.
func TestPurgedIsWhatIsAcknowledgedAndOld(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		purge := func(before time.Time, want uint64) {
			t.Helper()
			have := stored(t, b)
			got, err := b.PurgeBefore(t.Context(), before)
			if err != nil || got != want || have-stored(t, b) != want {
				t.Errorf("purged %d, and %d are gone; want %d (%v)", got, have-stored(t, b), want, err)
			}
		}
		later := time.Now().Add(time.Hour)
		purge(later, 0)
		publish(t, b, progresses(0, 10)...)
		purge(later, 0) // no consumer yet
		middle := lastStored(t, b).Add(time.Millisecond)
		eventually.Holds(t, "the clock goes on", func() bool { return time.Now().After(middle) })
		publish(t, b, progresses(10, 10)...)

		subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{})
		messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
		if err != nil {
			t.Fatal(err)
		}
		purge(later, 0) // nothing acknowledged
		for range 4 {
			(<-messages).Ack()
		}
		held := <-messages
		for range 10 {
			(<-messages).Ack()
		}
		eventually.Holds(t, "14 are acknowledged", func() bool { return backlog(t, b) == 6 })
		purge(later, 4) // the fifth is in hand
		held.Ack()
		eventually.Holds(t, "15 are acknowledged", func() bool { return backlog(t, b) == 5 })
		purge(middle, 6)
		purge(middle, 0)
		purge(time.Time{}, 0)
		purge(later, 5)
		if n := stored(t, b); n != 5 {
			t.Errorf("%d messages are left, want the 5 that aren't acknowledged", n)
		}
	})
}

func lastStored(t *testing.T, b *ingest.Broker) time.Time {
	t.Helper()
	stream, err := b.JetStream().Stream(t.Context(), wire.Stream)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.LastTime
}

// A purger counts how often it is asked.
type purger struct {
	*eventstore.Store
	asked chan struct{}
}

func (p *purger) PurgeRefused(ctx context.Context) (int64, error) {
	n, err := p.Store.PurgeRefused(ctx)
	p.asked <- struct{}{}
	return n, err
}

// TestRetain purges both at once and then now and then.
func TestRetain(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	store := openLog(t, sqldb.SQLite)
	run(t, b, store, ingest.IngesterConfig{})
	publish(t, b, progresses(0, 10)...)
	eventually.Holds(t, "everything is acknowledged", func() bool { return backlog(t, b) == 0 })
	for _, test := range []struct {
		keep time.Duration
		left uint64
	}{{72 * time.Hour, 10}, {0, 0}} {
		ctx, cancel := context.WithCancel(t.Context())
		p, done := &purger{store, make(chan struct{}, 1)}, make(chan struct{})
		go func() { defer close(done); b.Retain(ctx, test.keep, p) }()
		<-p.asked
		cancel()
		<-done
		if n := stored(t, b); n != test.left {
			t.Errorf("kept for %s: %d messages are left, want %d", test.keep, n, test.left)
		}
	}
}
