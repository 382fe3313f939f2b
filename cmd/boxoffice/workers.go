// This file supervises what a process does: a list of named workers, each of
// which is started, started again after a failure, and stopped, and whose state
// is there for /readyz and Prometheus.

package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"boxoffice/internal/pause"
)

// A worker is one thing that a process does, beside others and until it stops.
type worker struct {
	// name is what it is called in /readyz, metrics and the log.
	name string
	// role is the role that it belongs to; empty is every process.
	role role
	// early says that it works while the service is still being opened; all
	// others wait for that.
	early bool
	// final says that it can't be started again: its failure ends the process.
	final bool
	// run works until ctx ends, and returns nil then. What it returns before is
	// a failure, and it is called again after a while; nil before says that
	// there is nothing left to do.
	run func(ctx context.Context) error
}

// A workerState is what a worker is about, and since when.
type workerState struct {
	name, state string
	since       time.Time
}

// The states of a worker.
const (
	workerWaiting = "waiting" // for the service to be open
	workerRunning = "running"
	workerFailed  = "failed" // it is started again and again, and hasn't lasted yet
	workerStopped = "stopped"
)

// A worker that has failed is started again after minRestart, and after
// longer each time up to maxRestart. One that then works for as long as that
// counts as mended.
const (
	minRestart = 100 * time.Millisecond
	maxRestart = 10 * time.Second
)

// A supervisor runs the workers of a process. It is safe for concurrent use.
type supervisor struct {
	log      *slog.Logger
	restarts *prometheus.CounterVec

	mu   sync.Mutex
	jobs []*job
}

// A job is a worker under supervision.
type job struct {
	worker
	phase string    // waiting, running (also while it waits to be started again) or stopped
	since time.Time // when that began, or the worker was last started or has failed
	// pausing says that the worker waits to be started again.
	pausing bool
	// failing is when it failed first of those times that followed one another;
	// zero where it works.
	failing time.Time
}

// state is what the job says of its worker.
func (j *job) state() workerState {
	if j.phase == workerRunning && !j.failing.IsZero() && (j.pausing || time.Since(j.since) < maxRestart) {
		return workerState{j.name, workerFailed, j.failing}
	}
	return workerState{j.name, j.phase, j.since}
}

// newSupervisor makes a supervisor and registers its metrics.
func newSupervisor(log *slog.Logger, metrics prometheus.Registerer) *supervisor {
	s := &supervisor{log: log, restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "boxoffice_worker_restarts_total",
		Help: "How often a worker of the process was started again after it had failed.",
	}, []string{"worker"})}
	metrics.MustRegister(s.restarts, s)
	return s
}

// add puts workers on the list, to be run.
func (s *supervisor) add(workers ...worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range workers {
		s.jobs = append(s.jobs, &job{worker: w, phase: workerWaiting, since: time.Now()})
		s.restarts.WithLabelValues(w.name)
	}
}

// run runs the workers until ctx ends or one of them fails for good, and waits
// for all. Those that aren't early begin when opened is closed.
func (s *supervisor) run(ctx context.Context, opened <-chan struct{}) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, j := range s.jobs {
		group.Go(func() error {
			defer s.update(func() { j.phase, j.since = workerStopped, time.Now() })
			if !j.early {
				select {
				case <-opened:
				case <-ctx.Done():
					return nil
				}
			}
			return s.supervise(ctx, j)
		})
	}
	return group.Wait()
}

// supervise runs one worker again and again.
func (s *supervisor) supervise(ctx context.Context, j *job) error {
	pauses := pause.New(minRestart, maxRestart)
	for {
		began := time.Now()
		s.update(func() { j.phase, j.since, j.pausing = workerRunning, began, false })
		err := j.run(ctx)
		switch {
		case ctx.Err() != nil || err == nil:
			return nil
		case j.final:
			return fmt.Errorf("%s: %w", j.name, err)
		}
		lasted := time.Since(began) >= maxRestart
		s.update(func() {
			if lasted || j.failing.IsZero() {
				j.failing = time.Now()
			}
			j.since, j.pausing = time.Now(), true
		})
		if lasted {
			pauses.Reset()
		}
		next := pauses.NextBackOff()
		s.log.Error("a worker has failed and is started again", "worker", j.name, "error", err, "pause_s", next.Seconds())
		if pause.Wait(ctx, next) != nil {
			return nil
		}
		s.restarts.WithLabelValues(j.name).Inc()
	}
}

func (s *supervisor) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// workers are the states of all workers at this moment.
func (s *supervisor) workers() []workerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]workerState, len(s.jobs))
	for i, j := range s.jobs {
		states[i] = j.state()
	}
	return states
}

var workerUp = prometheus.NewDesc("boxoffice_worker_up", "1 while the worker works, and 0 while it waits, has failed or has stopped.", []string{"worker"}, nil)

// Describe says which metric tells the workers' states.
func (s *supervisor) Describe(to chan<- *prometheus.Desc) { to <- workerUp }

// Collect tells the workers' states to Prometheus.
func (s *supervisor) Collect(to chan<- prometheus.Metric) {
	for _, w := range s.workers() {
		up := 0.0
		if w.state == workerRunning {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(workerUp, prometheus.GaugeValue, up, w.name)
	}
}
