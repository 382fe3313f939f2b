// This file is the read models' and the API's part of the service, and what
// /readyz asks of each part.

package main

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/api"
	"boxoffice/ingest"
	"boxoffice/projections"
)

// prepareProjecting makes the runner that keeps the read models.
func (s *service) prepareProjecting(context.Context) (err error) {
	s.runner, err = projections.NewRunner(s.models, s.store, projections.Config{
		TimeZone:     s.config.TimeZone,
		RenewalGrace: s.config.RenewalGrace,
		Logger:       s.log,
		Registerer:   s.metrics,
	})
	if err != nil {
		return err
	}
	return registerScrubMetrics(s.metrics, s.store, s.log)
}

// A front answers requests with what it was given last.
type front struct{ atomic.Pointer[http.Handler] }

// ServeHTTP answers a request.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*f.Load()).ServeHTTP(w, r) }

// listen takes the addresses. What answers until the service is open says what
// it waits for.
func (s *service) listen() error {
	tls, err := loadTLS(s.config)
	if err != nil {
		return err
	}
	health := api.NewHealth(s.checks)
	if s.config.MetricsAddr != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
		mux.Handle("GET /healthz", health)
		mux.Handle("GET /readyz", health)
		addProfiles(mux)
		if s.observed, err = listen("metrics", "BOXOFFICE_METRICS_ADDR", s.config.MetricsAddr, tls, mux, plainHeaders, s.log); err != nil {
			return err
		}
		s.onClose(s.observed.close)
	}
	if !s.does(roleAPI) {
		return nil
	}
	s.apiFront = &front{}
	s.apiFront.Store(&health)
	if s.api, err = listen("the API", "BOXOFFICE_HTTP_ADDR", s.config.HTTPAddr, tls, s.apiFront, eventHeaders, s.log); err != nil {
		return err
	}
	s.onClose(s.api.close)
	return nil
}

// prepareAPI makes the API and the pages, and lets them answer.
func (s *service) prepareAPI(context.Context) error {
	people, err := accounts.New(accounts.Config{
		Reader: s.reader, Log: s.store, Publisher: s.publisher, Locks: s.database, Zone: s.zone, Logger: s.log,
	})
	if err != nil {
		return err
	}
	handler, err := api.New(api.Config{
		Reader:    s.reader,
		Log:       s.store,
		Publisher: s.publisher,
		Accounts:  people,
		Gate:      access.NewGate(access.Bearer(s.guard, s.browser), 0),
		Trail:     s.trail,
		Zone:      s.zone,
		Trials:    s.config.Trials,

		Front: s.config.front(),

		Checks:    s.parts(),
		CursorKey: s.store.SharedKey("api cursors"),
		Logger:    s.log,
		Metrics:   s.metrics,
	})
	if err != nil {
		return err
	}
	if !s.config.NoConsole {
		pages, err := s.newConsole(people)
		if err != nil {
			return err
		}
		handler = withConsole(handler, pages)
	}
	s.apiFront.Store(&handler)
	return nil
}

// checks are what /readyz asks, at any time.
func (s *service) checks() []api.Check {
	select {
	case <-s.opening.done:
		return s.parts()
	default:
		return append(s.opening.checks(), api.Check{Name: "workers", Run: s.checkWorkers})
	}
}

// parts are what /readyz asks once the service is open.
func (s *service) parts() []api.Check {
	return []api.Check{
		{Name: "database", Run: s.checkDatabase},
		{Name: "broker", Run: s.checkBroker},
		{Name: "ingest", Run: s.checkIngest},
		{Name: "projections", Run: s.checkProjections},
		{Name: "erasure", Run: s.checkErasures},
		{Name: "workers", Run: s.checkWorkers},
	}
}

// checkWorkers tells what each worker of this process is about.
func (s *service) checkWorkers(context.Context) api.CheckResult {
	result := api.CheckResult{Ready: true, Values: map[string]any{}}
	for _, w := range s.supervisor.workers() {
		result.Values[w.name] = w.state
		if w.state == workerFailed {
			result.Values[w.name] = "failed since " + w.since.UTC().Format(time.RFC3339)
			result.Ready, result.Detail = false, "a worker has failed, and is started again; the service's log says why"
		}
	}
	return result
}

func (s *service) checkDatabase(ctx context.Context) api.CheckResult {
	head, err := s.store.Head(ctx)
	if err != nil {
		return api.CheckResult{Detail: "the database doesn't answer"}
	}
	return api.CheckResult{Ready: true, Values: map[string]any{"position": head.Position}}
}

func (s *service) checkBroker(ctx context.Context) api.CheckResult {
	status := s.broker.Status(ctx)
	result := brokerHealth(status, s.config.Retention)
	result.Values = map[string]any{"sync_interval": string(status.Sync)}
	if status.Err == nil && status.Connected {
		result.Values["backlog_events"] = status.Backlog
		result.Values["backlog_seconds"] = status.OldestAge.Seconds()
		result.Values["bytes"] = status.Fill.Bytes
		if status.Fill.Limit > 0 {
			result.Values["limit_bytes"] = status.Fill.Limit
		}
	}
	if s.does(roleIngest) {
		result.Values["purged_early_events"] = status.Early.Events
	}
	return result
}

// brokerHealth says whether the broker takes events, and what there is to say
// of it, the most important first.
func brokerHealth(status ingest.BrokerStatus, retention time.Duration) api.CheckResult {
	switch {
	case !status.Connected:
		return api.CheckResult{Detail: "not connected"}
	case status.Err != nil:
		return api.CheckResult{Detail: "the stream doesn't answer"}
	case status.Problem != "":
		return api.CheckResult{Detail: "the broker reports that something is wrong with it; the service's log says what"}
	case status.Fill.Full():
		return api.CheckResult{Detail: "the broker has reached its limit of bytes and answers publishers with errors; " +
			"what it holds is kept until it is in the log: see ingest and database, or raise BOXOFFICE_BROKER_MAX_BYTES"}
	}
	var notes []string
	if status.Sync != ingest.SyncAlways {
		notes = append(notes, "acknowledged events may not survive a power failure: sync_interval is not known to be always")
	}
	if status.Early.Events > 0 && time.Since(status.Early.Last) < retention {
		notes = append(notes, "events that are in the log left the broker before BOXOFFICE_RETENTION was over, the last at "+
			status.Early.Last.UTC().Format("2006-01-02T15:04:05Z")+", since more than nine tenths of its limit of bytes were taken")
	}
	return api.CheckResult{Ready: true, Detail: strings.Join(notes, "; ")}
}

// checkIngest tells whether appending works, in a process that does it.
func (s *service) checkIngest(context.Context) api.CheckResult {
	if !s.does(roleIngest) {
		return api.CheckResult{Ready: true, Detail: "done by another process"}
	}
	if status := s.ingester.Status(); status.Err != nil {
		return api.CheckResult{Detail: "appending to the log fails since " + status.FailingSince.UTC().Format("2006-01-02T15:04:05Z") + "; events wait at the broker"}
	}
	return api.CheckResult{Ready: true}
}

// checkProjections tells how far the read models are behind the log, whichever
// process keeps them.
func (s *service) checkProjections(ctx context.Context) api.CheckResult {
	head, err := s.store.Head(ctx)
	if err != nil {
		return api.CheckResult{Detail: "the database doesn't answer"}
	}
	live, err := s.reader.Status(ctx)
	if err != nil {
		return api.CheckResult{Detail: "the read models don't answer, or have not been built yet"}
	}
	values := map[string]any{"position": live.Position, "behind_events": max(int64(head.Position-live.Position), 0)}
	if s.does(roleProject) {
		status := s.runner.Status()
		values["behind_seconds"] = status.Lag.Seconds()
		if status.Problem != nil {
			return api.CheckResult{Detail: "projecting is interrupted; it goes on by itself when the cause is gone", Values: values}
		}
	}
	return api.CheckResult{Ready: true, Values: values}
}
