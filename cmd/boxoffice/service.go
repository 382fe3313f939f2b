// This file puts the rooms together into a running service: what is opened in
// which order, what runs, and how it ends.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/browser"
	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/ingest"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A service is one process of boxoffice with everything that it has open.
type service struct {
	config  *config
	roles   []role
	log     *slog.Logger
	metrics *prometheus.Registry
	zone    *time.Location

	database  *sqldb.DB
	store     *eventstore.Store
	models    *projections.Models
	reader    *projections.Reader
	runner    *projections.Runner
	keys      *access.Keyring
	guard     *access.Guard
	madeKeys  *apikeys.Store
	browser   *browser.Browser
	trail     *trail.Trail
	embedded  *ingest.Embedded
	broker    *ingest.Broker
	publisher *ingest.Publisher
	ingester  *ingest.Ingester
	refused   *prometheus.GaugeVec // how many events, by reason

	api      *listener
	apiFront *front    // what answers there
	observed *listener // metrics

	opening    *opening
	supervisor *supervisor
	group      *errgroup.Group

	// firstKey is the admin key that was made at this start; empty for none.
	firstKey string
	closers  []func() error
}

// startService takes the addresses, opens everything, in the order of the way
// of an event turned around, so that nothing is taken in before there is where
// it goes, and starts what the roles say. A database that can't be reached is
// waited for, and /readyz says so meanwhile. The service runs until ctx ends or
// a part fails for good: wait waits for that. Where startService fails,
// everything is closed again.
func startService(ctx context.Context, c *config, roles []role, migrate bool, log *slog.Logger) (*service, error) {
	s := &service{config: c, roles: roles, log: log, metrics: prometheus.NewRegistry()}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.supervisor = newSupervisor(log, s.metrics)
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.opening = newOpening(s.steps(migrate))
	s.supervisor.add(s.workers()...)
	running, stop := context.WithCancel(ctx)
	s.onClose(func() error { stop(); return nil })
	s.group, running = errgroup.WithContext(running)
	s.group.Go(func() error { return s.supervisor.run(running, s.opening.done) })
	if err := s.open(running); err != nil {
		if running.Err() != nil && ctx.Err() == nil {
			err = nil // a worker has failed, and wait says which
		}
		stop()
		return nil, errors.Join(err, s.wait())
	}
	close(s.opening.done)
	return s, nil
}

// prepare does what needs no database and no broker: what is wrong here is
// wrong for good.
func (s *service) prepare() (err error) {
	if s.zone, err = time.LoadLocation(s.config.TimeZone); err != nil {
		return err
	}
	if err := s.lockDataDir(); err != nil {
		return err
	}
	return s.listen()
}

// wait waits until the service has ended, and closes everything.
func (s *service) wait() error { return errors.Join(s.group.Wait(), s.close()) }

// does says whether a role is one of this process's; every process has the
// empty one.
func (s *service) does(r role) bool { return r == "" || slices.Contains(s.roles, r) }

// workers are what this process does.
func (s *service) workers() []worker {
	embedded := s.config.NATSURL == ""
	var here []worker
	for _, w := range []struct {
		wanted bool
		worker
	}{
		{true, worker{name: "api", role: roleAPI, early: true, final: true, run: s.api.serve}},
		{s.observed != nil, worker{name: "metrics", early: true, final: true, run: s.observed.serve}},
		// It mends itself; what it returns is a mistake in the program.
		{true, worker{name: "ingest", role: roleIngest, final: true, run: func(ctx context.Context) error { return s.ingester.Run(ctx) }}},
		{true, worker{name: "retention", role: roleIngest, run: s.retain}},
		{true, worker{name: "compaction", role: roleIngest, run: func(ctx context.Context) error { return s.store.RunCompaction(ctx) }}},
		{true, worker{name: "refused-count", role: roleIngest, run: s.countRefusedEvents}},
		{true, worker{name: "projections", role: roleProject, run: func(ctx context.Context) error { return s.runner.Run(ctx) }}},
		{s.config.ScrubEvery > 0, worker{name: "scrub", role: roleProject, run: s.scrubDaily}},
		{true, worker{name: "trail-retention", role: roleAPI, run: s.purgeTrail}},
		{embedded, worker{name: "keys", run: s.watchKeys}},
		{embedded && s.config.OIDCIssuer != "", worker{name: "tokens", run: s.watchTokens}},
	} {
		if w.wanted && s.does(w.role) {
			here = append(here, w.worker)
		}
	}
	return here
}

// onClose remembers what has to be closed at the end, in reverse order.
func (s *service) onClose(f func() error) { s.closers = append(s.closers, f) }

func (s *service) close() error { return s.closeFrom(0) }

// closeFrom closes what was opened after the first n.
func (s *service) closeFrom(n int) error {
	var errs []error
	for i := len(s.closers) - 1; i >= n; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = s.closers[:n]
	return errors.Join(errs...)
}

// lockDataDir keeps a second process off the directory: neither the embedded
// broker nor the embedded database can be shared.
func (s *service) lockDataDir() error {
	if s.config.DatabaseURL != "" && s.config.NATSURL != "" {
		return nil
	}
	if err := os.MkdirAll(s.config.DataDir, 0o700); err != nil {
		return fmt.Errorf("BOXOFFICE_DATA_DIR: %w", err)
	}
	lock := flock.New(filepath.Join(s.config.DataDir, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("BOXOFFICE_DATA_DIR: %w", err)
	}
	if !held {
		return fmt.Errorf("BOXOFFICE_DATA_DIR: another boxoffice is running on %s; stop it, or name another directory", s.config.DataDir)
	}
	s.onClose(lock.Unlock)
	return nil
}

// openDatabase opens the database that the configuration names.
func openDatabase(ctx context.Context, c *config) (*sqldb.DB, error) {
	if c.DatabaseURL != "" {
		db, err := sqldb.Open(ctx, c.DatabaseURL)
		if err != nil {
			return nil, fmt.Errorf("BOXOFFICE_DATABASE_URL: %w", err)
		}
		return db, nil
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("BOXOFFICE_DATA_DIR: %w", err)
	}
	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(c.DataDir, "boxoffice.db")))
	if err != nil {
		return nil, fmt.Errorf("BOXOFFICE_DATA_DIR: %w", err)
	}
	return db, nil
}

// greet says where the service is to be found, for people.
func (s *service) greet(w io.Writer) {
	if s.firstKey != "" {
		fmt.Fprintf(w, "The first start made an admin key. It is shown this once:\n\n  %s\n\n", s.firstKey)
	}
	if s.api != nil {
		if !s.config.NoConsole {
			fmt.Fprintf(w, "pages   %s\n", s.pagesAddress(s.firstKey))
		}
		fmt.Fprintf(w, "API     %s (read and try it at %s/docs)\n", s.config.url(s.api), s.config.url(s.api))
	}
	if s.embedded != nil && s.embedded.Addr() != nil {
		fmt.Fprintf(w, "NATS    nats://%s, stream %s, token: an API key of a publisher or admin\n", reachable(s.embedded.Addr().String()), wire.Stream)
	}
	if s.observed != nil {
		fmt.Fprintf(w, "metrics %s/metrics\n", s.config.url(s.observed))
	}
}

// url is the address of a listener for a browser.
func (c *config) url(l *listener) string {
	if c.TLSCert != "" {
		return "https://" + reachable(l.addr())
	}
	return "http://" + reachable(l.addr())
}

// reachable returns the address at which this machine reaches what listens on
// another: one that stands for all of the machine's can't be opened.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
