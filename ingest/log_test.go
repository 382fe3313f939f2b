// This file is the log of the tests of the ingester: a real one, and a way to
// interrupt it where a database would fail.

package ingest_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/ingest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// openLog opens a log on a new database.
func openLog(t testing.TB, engine sqldb.Engine) *eventstore.Store {
	t.Helper()
	master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
	db := sqltest.New(t, engine)()
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	store, err := eventstore.Open(t.Context(), db, master, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// ids are the ids of the events in the log, in its order.
func ids(t testing.TB, store *eventstore.Store) []string {
	t.Helper()
	var all []string
	for after := eventstore.Position(0); ; {
		records, err := store.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return all
		}
		for _, r := range records {
			after++
			if r.Position != after {
				t.Fatalf("position %d comes after %d", r.Position, after-1)
			}
			all = append(all, r.Event.ID)
		}
	}
}

// position is where the log ends.
func position(t testing.TB, store *eventstore.Store) int {
	t.Helper()
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(head.Position)
}

// An interrupted log is a real one with something in between: a database that
// fails before the commit, or one of which the answer to the commit is lost.
type interrupted struct {
	*eventstore.Store
	before, after func(eventstore.Batch) error
	// batches has the batch of each that was prepared.
	batches sync.Map
	// calls is how often something was to be appended.
	calls atomic.Int64
}

var errLost = errors.New("the connection to the database was lost")

func (l *interrupted) Prepare(ctx context.Context, b eventstore.Batch) (*eventstore.Prepared, error) {
	p, err := l.Store.Prepare(ctx, b)
	l.batches.Store(p, b)
	return p, err
}

func (l *interrupted) AppendPrepared(ctx context.Context, p *eventstore.Prepared) (eventstore.Account, error) {
	l.calls.Add(1)
	known, _ := l.batches.Load(p)
	b := known.(eventstore.Batch)
	if l.before != nil {
		if err := l.before(b); err != nil {
			return eventstore.Account{}, err
		}
	}
	account, err := l.Store.AppendPrepared(ctx, p)
	if err == nil && l.after != nil {
		err = l.after(b)
	}
	if err != nil {
		return eventstore.Account{}, err
	}
	return account, nil
}

// run runs an ingester until stop is called, or the test ends.
func run(t testing.TB, b *ingest.Broker, log ingest.Log, cfg ingest.IngesterConfig) (i *ingest.Ingester, stop func()) {
	t.Helper()
	return runReceiving(t, b, ingest.SubscriberConfig{}, log, cfg)
}

// runReceiving is run with a subscriber that isn't the usual one.
func runReceiving(t testing.TB, b *ingest.Broker, receive ingest.SubscriberConfig, log ingest.Log, cfg ingest.IngesterConfig) (i *ingest.Ingester, stop func()) {
	t.Helper()
	cfg.Broker = b
	if receive.Prefetch == 0 {
		receive.Prefetch = cfg.BatchEvents
	}
	if receive.MaxInFlight == 0 {
		receive.MaxInFlight = 4 * cfg.BatchEvents
	}
	return runFrom(t, ingest.NewSubscriber(b, receive), log, cfg)
}

func runFrom(t testing.TB, from message.Subscriber, log ingest.Log, cfg ingest.IngesterConfig) (i *ingest.Ingester, stop func()) {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	i, err := ingest.NewIngester(from, log, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := i.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return i, stop
}

// backlog is what the broker holds for ingest, waiting or not acknowledged.
func backlog(t testing.TB, b *ingest.Broker) uint64 {
	t.Helper()
	var s ingest.BrokerStatus
	eventually.Holds(t, "the broker answers", func() bool {
		s = b.Status(t.Context())
		return s.Err == nil
	})
	return s.Backlog
}

// counted is the value of a counter or a gauge, summed over its labels but for
// those of one outcome where that is given.
func counted(t testing.TB, r *prometheus.Registry, name, outcome string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			if outcome != "" && m.GetLabel()[0].GetValue() != outcome {
				continue
			}
			found = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if !found {
		t.Fatalf("there is no metric %s with the outcome %q", name, outcome)
	}
	return sum
}
