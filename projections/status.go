// This file is what a runner says of itself: to /readyz, and to Prometheus.

package projections

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/eventstore"
)

// A RunnerStatus says how projecting goes in this process.
type RunnerStatus struct {
	// Projecting says that this process holds the lease; where it doesn't and
	// there is no Problem, another process is projecting.
	Projecting bool
	// Generation is the number of the generation that is projected into or
	// waited for, 0 where there is none yet. Live says that answers come from it.
	Generation int
	Live       bool
	// Position is the last event that is in the read models, Head the last one
	// that was seen in the log. They are this process's own only while it is
	// Projecting.
	Position eventstore.Position
	Head     eventstore.Position
	// Filling says that the generation is being filled in bulk, and Filled which
	// share of that is done, from 0 to 1. Position stays 0 until all is.
	Filling bool
	Filled  float64
	// Lag is for how long the oldest event that isn't in the read models yet
	// has been in the log; 0 where there is none.
	Lag time.Duration
	// Problem is why projecting was last interrupted, nil while it goes on.
	Problem error
}

// Behind is how many events are not in the read models yet.
func (s RunnerStatus) Behind() int64 { return int64(s.Head - s.Position) }

// Status says how projecting goes. It asks no database.
func (r *Runner) Status() RunnerStatus { return r.status.status() }

// A statusBoard is where a follower notes what it does.
type statusBoard struct {
	mu      sync.Mutex
	current RunnerStatus
	oldest  time.Time // when the oldest event that is pending was recorded; zero: none
	count   int64     // batches saved
}

func (b *statusBoard) status() RunnerStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.current
	if !b.oldest.IsZero() {
		s.Lag = max(time.Since(b.oldest), 0)
	}
	return s
}

func (b *statusBoard) change(f func(*RunnerStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.current)
}

func (b *statusBoard) standsBy(generation int) {
	b.change(func(s *RunnerStatus) { *s = RunnerStatus{Generation: generation} })
}

func (b *statusBoard) holds(generation int, position eventstore.Position, live bool) {
	b.change(func(s *RunnerStatus) {
		*s = RunnerStatus{
			Projecting: true, Generation: generation, Live: live, Position: position, Head: max(position, s.Head),
		}
	})
}

func (b *statusBoard) isLive() {
	b.change(func(s *RunnerStatus) { s.Live = true })
}

// reads notes that a batch is about to be saved.
func (b *statusBoard) reads(batch *batch) {
	b.change(func(s *RunnerStatus) {
		s.Head = max(s.Head, batch.head)
		b.oldest = batch.firstAt.Time()
	})
}

func (b *statusBoard) saved(batch *batch) {
	b.change(func(s *RunnerStatus) {
		s.Position = batch.last
		s.Head = max(s.Head, batch.head)
		b.count++
	})
}

// fills notes that the events up to target are being filled in, the first of
// which was recorded at an instant.
func (b *statusBoard) fills(target eventstore.Position, first time.Time) {
	b.change(func(s *RunnerStatus) {
		s.Filling, s.Filled = true, 0
		s.Head = max(s.Head, target)
		b.oldest = first
	})
}

func (b *statusBoard) fillsOn(share float64) {
	b.change(func(s *RunnerStatus) { s.Filled = max(s.Filled, share) })
}

func (b *statusBoard) filled(target eventstore.Position) {
	b.change(func(s *RunnerStatus) {
		s.Filling, s.Filled = false, 0
		s.Position = target
		b.count++
	})
}

func (b *statusBoard) caughtUp() {
	b.change(func(s *RunnerStatus) {
		s.Head = s.Position
		b.oldest = time.Time{}
	})
}

func (b *statusBoard) failed(err error) {
	b.change(func(s *RunnerStatus) { s.Projecting, s.Filling, s.Problem = false, false, err })
}

func (b *statusBoard) stopped() {
	b.change(func(s *RunnerStatus) { s.Projecting, s.Filling = false, false })
}

// saves returns how many batches have been saved.
func (b *statusBoard) saves() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// metrics are what Prometheus sees of a runner.
type metrics struct {
	events   prometheus.Counter
	batches  prometheus.Histogram
	seconds  prometheus.Histogram
	failures prometheus.Counter
}

// newMetrics makes the metrics and registers them, where there is something to
// register them with.
func newMetrics(registerer prometheus.Registerer, status func() RunnerStatus) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "boxoffice_projection_events_total", Help: "Events projected into the read models."}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "boxoffice_projection_batch_events", Help: "Events projected in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9)}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "boxoffice_projection_batch_seconds", Help: "Time that one transaction of projecting took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "boxoffice_projection_failures_total", Help: "Times that projecting was interrupted."}),
	}
	if registerer == nil {
		return m, nil
	}
	collectors := append(statusGauges(status), m.events, m.batches, m.seconds, m.failures)
	for _, c := range collectors {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func statusGauges(status func() RunnerStatus) []prometheus.Collector {
	gauge := func(name, help string, value func(RunnerStatus) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "boxoffice_projection_" + name, Help: help},
			func() float64 { return value(status()) })
	}
	return []prometheus.Collector{
		gauge("leading", "1 where this process projects, 0 where it stands by.", func(s RunnerStatus) float64 {
			if s.Projecting {
				return 1
			}
			return 0
		}),
		gauge("filled_ratio", "Share that is done of filling read models in bulk, 0 where that isn't being done.",
			func(s RunnerStatus) float64 { return s.Filled }),
		gauge("position", "Position in the log that the read models have reached, where this process projects.",
			func(s RunnerStatus) float64 { return float64(s.Position) }),
		gauge("lag_events", "Events of the log that the read models don't have yet, where this process projects.",
			func(s RunnerStatus) float64 { return float64(s.Behind()) }),
		gauge("lag_seconds", "For how long the oldest of them has been in the log.",
			func(s RunnerStatus) float64 { return s.Lag.Seconds() }),
	}
}

func (m *metrics) saved(b *batch, took time.Duration) {
	m.events.Add(float64(b.events))
	m.batches.Observe(float64(b.events))
	m.seconds.Observe(took.Seconds())
}
