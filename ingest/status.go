// This file says how the broker and ingest are, for /readyz and for whoever
// looks.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/wire"
)

// A BrokerStatus says how the broker is.
type BrokerStatus struct {
	// Connected says whether there is a connection.
	Connected bool
	// Server is the name and version of the server, empty without a connection.
	Server string
	// Sync says whether the broker syncs before it acknowledges, and SyncDetail
	// where that is known from, or why it can't be told.
	Sync       Sync
	SyncDetail string
	// Problem is what the servers themselves say is wrong with them, such as a
	// stream that can't be written; empty where they say nothing. Of servers
	// that aren't embedded it is known by their monitoring addresses only.
	Problem string
	// Backlog counts the events that wait for ingest or that it hasn't
	// acknowledged, and OldestAge is the age of the oldest; zero without one.
	Backlog   uint64
	OldestAge time.Duration
	// Fill is how close the broker is to its limit.
	Fill Fill
	// Early is what this process has removed from the broker before its retention
	// was over, to make room.
	Early Early
	// Err is why the backlog and the fill aren't known, nil where they are.
	Err error
}

// Status asks the broker how it is, for no longer than ctx allows.
func (b *Broker) Status(ctx context.Context) BrokerStatus {
	s := BrokerStatus{Connected: b.Connected()}
	s.Sync, s.SyncDetail = b.sync(ctx)
	s.Problem = b.problem(ctx)
	if !s.Connected {
		s.Err = ErrUnavailable
		return s
	}
	s.Server = b.conn.ConnectedServerName() + " " + b.conn.ConnectedServerVersion()
	s.Early = b.early.get()
	stream, err := b.js.Stream(ctx, wire.Stream)
	if err != nil {
		s.Err = fmt.Errorf("looking for the stream %s: %w", wire.Stream, err)
		return s
	}
	s.Fill = b.fill(ctx, stream)
	s.Backlog, s.OldestAge, s.Err = backlog(ctx, stream, ConsumerName)
	return s
}

// backlog counts what the consumer has not acknowledged.
func backlog(ctx context.Context, stream jetstream.Stream, durable string) (uint64, time.Duration, error) {
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		// Nothing has ever been taken.
		state := stream.CachedInfo().State
		return state.Msgs, age(state.FirstTime, state.Msgs), nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("looking for the consumer %s: %w", durable, err)
	}
	info := consumer.CachedInfo()
	state := stream.CachedInfo().State
	waiting := info.NumPending + uint64(max(info.NumAckPending, 0))
	if waiting == 0 && info.Delivered.Stream >= state.LastSeq {
		return 0, 0, nil
	}
	oldest, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(wire.Subjects))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return waiting, 0, nil
	}
	if err != nil {
		return waiting, 0, fmt.Errorf("reading the oldest event of the backlog: %w", err)
	}
	if waiting == 0 {
		// A consumer that has just been made hasn't counted yet.
		waiting = state.LastSeq - info.Delivered.Stream
	}
	return waiting, age(oldest.Time, waiting), nil
}

func age(t time.Time, of uint64) time.Duration {
	if of == 0 {
		return 0
	}
	return max(time.Since(t), 0)
}

// A Status says how an Ingester is.
type Status struct {
	// Err is why the last try to append failed, nil where it went well, and
	// FailingSince is when the first of a row of failures was.
	Err          error
	FailingSince time.Time
	// LastAppend is when a batch was committed last, zero for never.
	LastAppend time.Time
}

// Status says how appending goes. It asks nobody and is safe for concurrent use.
func (i *Ingester) Status() Status { return i.state.get() }

// state keeps the status up to date.
type state struct {
	mu  sync.Mutex
	now Status
}

func (s *state) get() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *state) appended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.now = Status{LastAppend: time.Now()}
		return
	}
	s.now.Err = err
	if s.now.FailingSince.IsZero() {
		s.now.FailingSince = time.Now()
	}
}

// observeEvery is how often the backlog is measured for the metrics.
const observeEvery = 5 * time.Second

// observe measures the broker for the metrics until ctx ends.
func (i *Ingester) observe(ctx context.Context) {
	if i.cfg.Broker == nil {
		return
	}
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	for {
		within, cancel := context.WithTimeout(ctx, observeEvery)
		i.metrics.broker(i.cfg.Broker.Status(within))
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
