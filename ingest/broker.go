// This file is the connection to the broker, to the embedded server or to one
// of its own.

package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// privateInbox is where the service gets its deliveries. Publishers may listen
// on the usual _INBOX.>, and would hear them there. A server that restricts the
// service's own user has to let it listen on this.
const privateInbox = "_BOXOFFICE_INBOX"

// A Config says which broker to connect to, and how.
type Config struct {
	// Embedded is the server in this process; then URL, Creds and Token are not
	// looked at.
	Embedded *Embedded
	// URL is one or several addresses of NATS servers, separated by commas.
	URL string
	// Creds is the path of a credentials file, empty for none.
	Creds string
	// Token is the token to authenticate with, empty for none.
	Token string
	// Publisher says that the connection only publishes, with a publisher's
	// rights: it receives replies on _INBOX.>, and nothing of the service's own.
	Publisher bool
	// MonitorURLs are the monitoring addresses of the servers, to learn from
	// whether they sync before they acknowledge. Not needed with Embedded.
	MonitorURLs []string
	// Logger gets what becomes of the connection; nil is slog.Default().
	Logger *slog.Logger
}

// A Broker is a connection to NATS that is kept up for ever. It is safe for
// concurrent use.
type Broker struct {
	cfg     Config
	log     *slog.Logger
	conn    *nats.Conn
	js      jetstream.JetStream
	waiting watchers
	early   early
	// noAccountBefore is until when the account's limits aren't asked for, in
	// nanoseconds since 1970.
	noAccountBefore atomic.Int64
}

// Connect connects to the broker. A server that can't be reached, or that
// doesn't take the credentials, is no error: the connection is tried again for
// ever, and Connected tells. It waits for the first try, but not longer than ctx.
func Connect(ctx context.Context, cfg Config) (*Broker, error) {
	b := &Broker{cfg: cfg, log: cfg.Logger}
	if b.log == nil {
		b.log = slog.Default()
	}
	connected := make(chan struct{})
	var once sync.Once
	opts := append(b.options(), nats.ConnectHandler(func(*nats.Conn) {
		once.Do(func() { close(connected) })
	}))
	conn, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the broker: %w", err)
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(maxPending)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connecting to the broker: %w", err)
	}
	select {
	case <-connected:
	case <-time.After(firstConnect):
		b.log.Warn("the broker can't be reached yet", "error", conn.LastError())
	case <-ctx.Done():
		conn.Close()
		return nil, ctx.Err()
	}
	return b, nil
}

const (
	firstConnect = 5 * time.Second
	// maxPending is how many messages may wait for their acknowledgement where
	// they are published one by one.
	maxPending = 4000
	pingEvery  = 10 * time.Second
)

func (b *Broker) options() []nats.Option {
	opts := []nats.Option{
		nats.Name("boxoffice"),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(2),
		// Without a connection publishing fails at once, so that whoever
		// publishes learns it and can try again.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.waiting.lost(nats.ErrDisconnected)
			if err != nil {
				b.log.Warn("the connection to the broker was lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			b.log.Info("connected to the broker again", "server", c.ConnectedServerName())
		}),
		nats.ErrorHandler(b.asyncError),
	}
	if !b.cfg.Publisher {
		opts = append(opts, nats.CustomInboxPrefix(privateInbox))
	}
	switch {
	case b.cfg.Embedded != nil:
		opts = append(opts, b.cfg.Embedded.connectOptions()...)
	case b.cfg.Creds != "":
		opts = append(opts, nats.UserCredentials(b.cfg.Creds))
	case b.cfg.Token != "":
		opts = append(opts, nats.Token(b.cfg.Token))
	}
	return opts
}

// asyncError hears what the server answers to nobody in particular.
func (b *Broker) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		b.waiting.denied(err)
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	b.log.Warn("the broker reports an error", "error", err, "subject", subject)
}

// Connected says whether there is a connection now.
func (b *Broker) Connected() bool { return b.conn.IsConnected() }

// JetStream returns the connection's JetStream, for what this package doesn't do.
func (b *Broker) JetStream() jetstream.JetStream { return b.js }

// Flush waits until the server has everything that was sent so far.
func (b *Broker) Flush(ctx context.Context) error {
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("flushing the connection to the broker: %w", err)
	}
	return nil
}

// Close ends the connection. What is being published fails, and subscribers
// should be closed before, so that the broker hears what they have settled.
func (b *Broker) Close() { b.conn.Close() }
