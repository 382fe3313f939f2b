// This file puts the rooms together into a running service: what is opened in
// which order, what runs, and how it ends.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"boxoffice/access"
	"boxoffice/access/apikeys"
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
	roles   roles
	log     *slog.Logger
	metrics *prometheus.Registry
	zone    *time.Location

	database  *sqldb.DB
	store     *eventstore.Store
	models    *projections.Models
	reader    *projections.Reader
	runner    *projections.Runner
	keys      *access.Keyring
	madeKeys  *apikeys.Store
	trail     *trail.Trail
	embedded  *ingest.Embedded
	broker    *ingest.Broker
	publisher *ingest.Publisher
	ingester  *ingest.Ingester

	api      *listener
	observed *listener // metrics

	// firstKey is the admin key that was made at this start; empty for none.
	firstKey string
	closers  []func() error
}

// startService opens everything, in the order of the way of an event turned
// around, so that nothing is taken in before there is where it goes. What was
// opened is closed again where a later part can't be.
func startService(ctx context.Context, c *config, r roles, migrate bool, log *slog.Logger) (_ *service, err error) {
	s := &service{config: c, roles: r, log: log, metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.zone, err = time.LoadLocation(c.TimeZone); err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{
		s.lockDataDir,
		func(ctx context.Context) error { return s.openDatabase(ctx, migrate) },
		s.openKeys,
		s.openTrail,
		s.openBroker,
		s.prepareIngest,
		s.prepareProjecting,
		s.prepareAPI,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// onClose remembers what has to be closed at the end, in reverse order.
func (s *service) onClose(f func() error) { s.closers = append(s.closers, f) }

func (s *service) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// lockDataDir keeps a second process off the directory: neither the embedded
// broker nor the embedded database can be shared.
func (s *service) lockDataDir(context.Context) error {
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

// openDatabase opens the log and the read models.
func (s *service) openDatabase(ctx context.Context, migrate bool) (err error) {
	if s.database, err = openDatabase(ctx, s.config); err != nil {
		return err
	}
	s.onClose(s.database.Close)
	if migrate {
		if err := migrateAll(ctx, s.database); err != nil {
			return err
		}
	}
	if s.store, err = eventstore.Open(ctx, s.database, s.config.masterKey(), eventstore.Options{NoMigration: true}); err != nil {
		return nameMasterKey(err)
	}
	s.onClose(s.store.Close)
	if s.models, err = projections.Open(ctx, s.database); err != nil {
		return err
	}
	s.onClose(s.models.Close)
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

// run does what the roles say until the context ends or a part fails for good,
// and closes everything.
func (s *service) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if s.ingester != nil {
		group.Go(func() error { return s.ingester.Run(ctx) })
		group.Go(func() error { s.broker.Retain(ctx, s.config.Retention, s.store); return nil })
	}
	s.watchAccess(ctx, group)
	if s.runner != nil {
		group.Go(func() error { return s.runner.Run(ctx) })
		group.Go(func() error { s.scrubDaily(ctx); return nil })
	}
	for _, l := range []*listener{s.api, s.observed} {
		if l != nil {
			group.Go(func() error { return l.serve(ctx) })
		}
	}
	err := group.Wait()
	return errors.Join(err, s.close())
}

// greet says where the service is to be found, for people.
func (s *service) greet(w io.Writer) {
	if s.firstKey != "" {
		fmt.Fprintf(w, "The first start made an admin key. It is shown this once:\n\n  %s\n\n", s.firstKey)
	}
	if s.api != nil {
		fmt.Fprintf(w, "API     %s (read and try it at %s/docs)\n", s.config.url(s.api), s.config.url(s.api))
	}
	if s.embedded != nil && s.embedded.Addr() != nil {
		fmt.Fprintf(w, "NATS    nats://%s, stream %s, token: an API key of a publisher or admin\n", s.embedded.Addr(), wire.Stream)
	}
	if s.observed != nil {
		fmt.Fprintf(w, "metrics %s/metrics\n", s.config.url(s.observed))
	}
}

// url is the address of a listener for a browser.
func (c *config) url(l *listener) string {
	if c.TLSCert != "" {
		return "https://" + l.addr()
	}
	return "http://" + l.addr()
}
