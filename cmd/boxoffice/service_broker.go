// This file is the broker's part of the service: the embedded server or the
// connection to another, and ingest.

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"boxoffice/access/attempts"
	"boxoffice/ingest"
)

// openBroker starts the embedded server, where none is configured, and
// connects. Another server that is down now is no error: what it holds waits,
// and so does the service.
func (s *service) openBroker(ctx context.Context) error {
	cfg := ingest.Config{URL: s.config.NATSURL, Creds: s.config.NATSCreds, MonitorURLs: s.config.monitorURLs(), Logger: s.log}
	if s.config.NATSURL == "" {
		tls, err := loadTLS(s.config)
		if err != nil {
			return err
		}
		s.embedded, err = ingest.StartEmbedded(ingest.EmbeddedConfig{
			Dir:       filepath.Join(s.config.DataDir, "nats"),
			Addr:      s.config.NATSAddr,
			Authorize: s.publishers,
			Attempts:  attempts.ByAddress{Counter: attempts.New(time.Now)},
			TLS:       tls,
			Logger:    s.log,
		})
		if err != nil {
			return fmt.Errorf("BOXOFFICE_NATS_ADDR %s: %w", s.config.NATSAddr, err)
		}
		s.onClose(func() error { s.embedded.Close(); return nil })
		cfg.Embedded = s.embedded
	} else if err := canConnect(cfg); isRefused(err) {
		return fmt.Errorf("BOXOFFICE_NATS_URL: %w", err)
	}
	broker, err := ingest.Connect(ctx, cfg)
	if err != nil {
		return fmt.Errorf("BOXOFFICE_NATS_URL: %w", err)
	}
	s.broker = broker
	s.onClose(func() error { broker.Close(); return nil })
	s.publisher = ingest.NewPublisher(broker)
	s.reportStream(ctx)
	return nil
}

// reportStream sets the stream up and says what isn't as it should be. Ingest
// does the same whenever it begins again, so a broker that is away is no error.
func (s *service) reportStream(ctx context.Context) {
	report, err := s.broker.EnsureStream(ctx, s.config.stream())
	if err != nil {
		s.log.Warn("the stream can't be set up yet", "error", err)
		return
	}
	for _, problem := range report.Problems {
		s.log.Warn("the stream is not as it should be", "problem", problem)
	}
	if status := s.broker.Status(ctx); status.Sync != ingest.SyncAlways {
		s.log.Warn("acknowledged events may not survive a power failure", "sync_interval", string(status.Sync), "detail", status.SyncDetail)
	}
}

func (c *config) stream() ingest.StreamConfig { return ingest.StreamConfig{MaxBytes: c.BrokerMaxBytes} }

func (c *config) monitorURLs() []string {
	return strings.FieldsFunc(c.NATSMonitorURL, func(r rune) bool { return r == ',' || r == ' ' })
}

// prepareIngest makes the consumer that fills the log.
func (s *service) prepareIngest(context.Context) (err error) {
	subscriber := ingest.NewSubscriber(s.broker, ingest.SubscriberConfig{Stream: s.config.stream()})
	s.ingester, err = ingest.NewIngester(subscriber, s.store, ingest.IngesterConfig{
		Registerer: s.metrics,
		Broker:     s.broker,
		Logger:     s.log,
	})
	if err != nil {
		return err
	}
	s.refused = newRefusedGauge()
	return s.metrics.Register(s.refused)
}

// retain purges what neither the broker nor the log needs to keep.
func (s *service) retain(ctx context.Context) error {
	s.broker.Retain(ctx, s.config.Retention, s.store)
	return nil
}

// connectAsPublisher connects as a publisher outside the service does.
func connectAsPublisher(ctx context.Context, c *config) (*ingest.Broker, error) {
	cfg := ingest.Config{Publisher: true, URL: c.NATSURL, Creds: c.NATSCreds}
	if c.NATSURL == "" {
		cfg.URL, cfg.Token = "nats://"+c.NATSAddr, ownKey(c)
	} else {
		cfg.Token = c.Key
	}
	if err := canConnect(cfg); err != nil {
		return nil, fmt.Errorf("the broker at %s: %w", c.brokerName(), err)
	}
	return ingest.Connect(ctx, cfg)
}

// canConnect tries once, so that a wrong address or key is an error at the
// start and not a connection that is tried for ever.
func canConnect(cfg ingest.Config) error {
	options := []nats.Option{nats.Token(cfg.Token)}
	if cfg.Creds != "" {
		options = []nats.Option{nats.UserCredentials(cfg.Creds)}
	}
	if cfg.Token == "" && cfg.Creds == "" {
		options = nil
	}
	conn, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		return err
	}
	conn.Close()
	return nil
}

// isRefused says that a broker doesn't take the credentials, which waiting
// doesn't mend.
func isRefused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked)
}

// brokerName names the broker without what is secret in its address.
func (c *config) brokerName() string {
	if c.NATSURL == "" {
		return c.NATSAddr
	}
	_, address, found := strings.Cut(c.NATSURL, "@")
	if found {
		return address
	}
	return strings.TrimPrefix(c.NATSURL, "nats://")
}
