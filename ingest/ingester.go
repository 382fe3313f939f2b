// This file is the consumer of the broker that fills the log: a pipeline of
// gathering, decoding and preparing, and appending.

package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// A Log is what the Ingester needs of the log. Prepare does what can be done for
// a batch while another is being appended, and changes nothing in the log.
// AppendPrepared appends it in one transaction. It returns without an error only
// if that is committed; after an error it may be committed or not, and appending
// the same batch again is safe.
type Log interface {
	Prepare(ctx context.Context, batch eventstore.Batch) (*eventstore.Prepared, error)
	AppendPrepared(ctx context.Context, batch *eventstore.Prepared) (eventstore.Account, error)
}

// An IngesterConfig says how an Ingester works. Its zero value is ready.
type IngesterConfig struct {
	// BatchEvents is the most that are appended at once; zero is 5,000.
	BatchEvents int
	// BatchBytes is the size above which no more are added to a batch, in
	// bytes; zero is 8 MiB.
	BatchBytes int
	// BatchWait is how long a batch that isn't full waits for more; zero is 5
	// milliseconds. While the batch before it is being appended, it goes on
	// filling.
	BatchWait time.Duration
	// Decoders is how many events are decoded at once; zero is the number of
	// processors.
	Decoders int
	// Grace is how long an append that is under way may go on when Run is told
	// to stop; zero is 10 seconds.
	Grace time.Duration
	// Now is the clock; nil is the computer's.
	Now func() domain.Instant
	// Registerer gets the metrics; nil for none.
	Registerer prometheus.Registerer
	// Broker is whose state the metrics show; nil for nobody's.
	Broker *Broker
	// Logger gets what goes wrong; nil is slog.Default().
	Logger *slog.Logger
}

func (c IngesterConfig) withDefaults() IngesterConfig {
	c.BatchEvents = cmp.Or(max(c.BatchEvents, 0), 5_000)
	c.BatchBytes = cmp.Or(max(c.BatchBytes, 0), 8<<20)
	c.BatchWait = cmp.Or(max(c.BatchWait, 0), 5*time.Millisecond)
	c.Decoders = cmp.Or(max(c.Decoders, 0), runtime.GOMAXPROCS(0))
	c.Grace = cmp.Or(max(c.Grace, 0), 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = func() domain.Instant { return domain.InstantOf(time.Now()) }
	}
	return c
}

// An Ingester takes events from the broker to the log. Several processes may
// run one each on the same broker and log. One Ingester runs once.
type Ingester struct {
	from    message.Subscriber
	log     Log
	cfg     IngesterConfig
	metrics *metrics
	state   state
}

// NewIngester makes an Ingester to log, from a subscriber whose messages have
// MetadataStream, MetadataSequence and MetadataSubject, as a Subscriber's have. A
// few batches of them should be in flight, and what isn't acknowledged should come
// again. It fails where the metrics are registered already.
func NewIngester(from message.Subscriber, log Log, cfg IngesterConfig) (*Ingester, error) {
	i := &Ingester{from: from, log: log, cfg: cfg.withDefaults(), metrics: newMetrics(cfg.Broker)}
	if err := i.metrics.register(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("registering the metrics of ingest: %w", err)
	}
	return i, nil
}

// Run works until ctx ends, whatever becomes of the broker and the log, and
// then returns nil: the batch that is being appended is finished and
// acknowledged first, if Grace is enough for that. It closes the subscriber. It is
// an error where the messages aren't of such a subscriber.
func (i *Ingester) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, i.from.Close()) }()
	working, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	messages, err := receive(working, i.from, wire.Subjects, fail)
	if err != nil {
		return err
	}
	gathered, prepared := make(chan []*arrival), make(chan *batch)
	var stages sync.WaitGroup
	stages.Go(func() { i.observe(working) })
	stages.Go(func() {
		defer close(gathered)
		i.gather(working, messages, gathered)
	})
	stages.Go(func() {
		defer close(prepared)
		for group := range gathered {
			b := i.decode(group)
			i.prepare(working, b)
			select {
			case prepared <- b:
			case <-working.Done():
			}
		}
	})
	i.appendAll(working, prepared)
	stages.Wait()
	if cause := context.Cause(working); errors.Is(cause, errNoSequence) {
		return cause
	}
	return nil
}
