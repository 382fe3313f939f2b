package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"boxoffice/internal/pause"
)

func states(s *supervisor) string {
	var all []string
	for _, w := range s.workers() {
		all = append(all, w.name+" "+w.state)
	}
	return strings.Join(all, ", ")
}

// gather reads metrics with one label.
func gather(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			values[family.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

func untilStopped(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// A worker is started again after each failure, and the others don't notice.
// It is failed until it has worked for a while.
func TestSupervisorStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		metrics := prometheus.NewRegistry()
		s := newSupervisor(slog.New(slog.DiscardHandler), metrics)
		s.add(worker{name: "shaky", run: func(ctx context.Context) error {
			if tries++; tries <= 3 {
				return errors.New("broken")
			}
			return untilStopped(ctx)
		}}, worker{name: "steady", run: untilStopped}, worker{name: "short", run: func(context.Context) error { return nil }})
		ctx, stop := context.WithCancel(t.Context())
		opened := make(chan struct{})
		ended := make(chan error)
		go func() { ended <- s.run(ctx, opened) }()

		synctest.Wait()
		if got := states(s); got != "shaky waiting, steady waiting, short waiting" || tries != 0 {
			t.Errorf("before the service is open: %s", got)
		}
		began := time.Now()
		close(opened)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := states(s); got != "shaky failed, steady running, short stopped" || tries != 4 {
			t.Errorf("after 3 failures: %s, %d tries", got, tries)
		}
		if since := s.workers()[0].since; !since.Equal(began) {
			t.Errorf("it failed first at %s, and says %s", began, since)
		}
		time.Sleep(maxRestart)
		if got := states(s); got != "shaky running, steady running, short stopped" {
			t.Errorf("a while later: %s", got)
		}
		want := map[string]float64{
			"boxoffice_worker_restarts_total shaky": 3, "boxoffice_worker_restarts_total steady": 0, "boxoffice_worker_restarts_total short": 0,
			"boxoffice_worker_up shaky": 1, "boxoffice_worker_up steady": 1, "boxoffice_worker_up short": 0,
		}
		if diff := cmp.Diff(want, gather(t, metrics)); diff != "" {
			t.Error(diff)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("a stop that was asked for ended with %v", err)
		}
		if got := states(s); got != "shaky stopped, steady stopped, short stopped" {
			t.Errorf("at the end: %s", got)
		}
	})
}

// The pauses grow, and never beyond a bound. A worker that fails again and again is failed
// all the time, however long it waits to be started again.
func TestSupervisorBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		s := newSupervisor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		s.add(worker{name: "broken", early: true, run: func(context.Context) error {
			tries = append(tries, time.Now())
			return errors.New("broken")
		}})
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		go func() {
			for pause.Wait(ctx, 1001*time.Millisecond) == nil {
				if got := states(s); got != "broken failed" {
					t.Errorf("while it fails: %s", got)
				}
			}
		}()
		if err := s.run(ctx, nil); err != nil {
			t.Error(err)
		}
		if len(tries) < 25 || len(tries) > 70 {
			t.Errorf("%d tries in 5 minutes", len(tries))
		}
		for i := 1; i < len(tries); i++ {
			if pause := tries[i].Sub(tries[i-1]); pause < minRestart/2 || pause > 3*maxRestart/2 {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
	})
}

// What can't be started again ends the process, and the others stop first.
func TestSupervisorEndsWithAFinalFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		othersStopped := false
		s := newSupervisor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		s.add(worker{name: "final", early: true, final: true, run: func(ctx context.Context) error {
			return errors.Join(pause.Wait(ctx, time.Second), broken)
		}}, worker{name: "other", run: func(ctx context.Context) error {
			defer func() { othersStopped = true }()
			return untilStopped(ctx)
		}})
		opened := make(chan struct{})
		close(opened)
		err := s.run(t.Context(), opened)
		if !errors.Is(err, broken) || !strings.HasPrefix(fmt.Sprint(err), "final: ") || !othersStopped {
			t.Errorf("it ended with %v; others stopped: %v", err, othersStopped)
		}
	})
}
