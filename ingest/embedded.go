// This file is the NATS server within the process: how it stores, where it
// listens, and how it ends.

package ingest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// MaxPayload is the largest message that the embedded server takes, in
	// bytes. It is far above what an event may have, so that one that is too
	// large reaches ingest and is kept as refused; a publisher of more than
	// this is disconnected.
	MaxPayload = 8 << 20

	readyWithin   = 30 * time.Second
	unlimited     = 1 << 60
	serviceName   = "BOXOFFICE"
	publisherName = "PUBLISHERS"
)

// accounts keeps publishers apart from the service. They are in an account of
// their own, which has no JetStream and knows one thing of the service's: the
// subjects that events are published to. So neither a subscription nor a reply
// subject that a publisher chooses reaches anything else, whatever the
// permissions within the account are.
const accounts = `
accounts {
  BOXOFFICE: {
    jetstream: enabled
    exports: [ { service: "boxoffice.events.>", response_type: singleton, accounts: [PUBLISHERS] } ]
  }
  PUBLISHERS: {
    imports: [ { service: { account: BOXOFFICE, subject: "boxoffice.events.>" } } ]
  }
}
`

// An EmbeddedConfig says where the embedded server stores and listens.
type EmbeddedConfig struct {
	// Dir is the directory of the streams. One server at a time may use it.
	Dir string
	// Addr is the host and port to listen on for publishers; port 0 takes a
	// free one. Empty: only this process reaches the server.
	Addr string
	// Authorize says what a publisher may do who connects with the token; false
	// turns them away. Nil turns everybody away. It is called concurrently.
	Authorize func(token string) (Grant, bool)
	// Attempts, where set, bounds attempts with tokens that are no good.
	Attempts Attempts
	// TLS makes the listener speak TLS; nil is plain text.
	TLS *tls.Config
	// Logger gets the server's notices, warnings and errors; nil is slog.Default().
	Logger *slog.Logger
}

// Attempts bounds how often somebody may guess a token. It is used concurrently.
// from is the address of the client, with a port.
type Attempts interface {
	// Allowed says whether a client at the address may try the token now.
	Allowed(from, token string) bool
	// Failed and Succeeded say what came of it.
	Failed(from, token string)
	Succeeded(token string)
}

// Embedded is a running NATS server. It syncs every message to the disk before
// it acknowledges it. It is safe for concurrent use.
type Embedded struct {
	server *server.Server
	gate   *gate
	log    *slog.Logger
	dir    string
	// config is how JetStream was started.
	config server.JetStreamConfig

	once    sync.Once
	closing chan struct{}
	healed  chan struct{}
}

// StartEmbedded starts a server and waits until it takes connections.
func StartEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	opts, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	gate := newGate(cfg.Authorize)
	gate.attempts = cfg.Attempts
	opts.CustomClientAuthentication = gate
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	log := newServerLog(cfg.Logger)
	srv.SetLoggerV2(log, false, false, false)
	gate.server = srv
	e := &Embedded{
		server: srv, gate: gate, log: log.log, dir: cfg.Dir,
		closing: make(chan struct{}), healed: make(chan struct{}),
	}
	srv.Start()
	if err := e.ready(log, cfg.Addr != ""); err != nil {
		e.stop()
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	e.config = *srv.JetStreamConfig()
	// It is the directory above what it says, when it is given again.
	e.config.StoreDir = cfg.Dir
	go e.heal()
	return e, nil
}

// ready waits until the server is up, or has said why it can't be.
func (e *Embedded) ready(log *serverLog, listens bool) error {
	deadline := time.Now().Add(readyWithin)
	for !e.server.ReadyForConnections(10 * time.Millisecond) {
		if err := log.fatal(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("it isn't ready after " + readyWithin.String())
		}
	}
	if err := log.fatal(); err != nil {
		return err
	}
	if !e.server.JetStreamEnabled() {
		return errors.New("JetStream could not be started")
	}
	if listens && e.server.Addr() == nil {
		return errors.New("it doesn't listen")
	}
	return nil
}

func (cfg EmbeddedConfig) options() (*server.Options, error) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(accounts); err != nil {
		return nil, err
	}
	if err := cfg.listen(opts); err != nil {
		return nil, err
	}
	opts.ServerName = "boxoffice"
	opts.NoSigs = true
	opts.MaxPayload = MaxPayload
	opts.AuthTimeout = 5
	opts.JetStream = true
	opts.StoreDir = cfg.Dir
	// Accepted is durable: an acknowledgement stands for bytes on the disk.
	opts.SyncAlways = true
	// The limit is the stream's. The server's own guess is a part of the space
	// that is free when it starts, which takes no account of what it stores.
	opts.JetStreamMaxStore = unlimited
	opts.DisableJetStreamBanner = true
	return opts, nil
}

func (cfg EmbeddedConfig) listen(opts *server.Options) error {
	if cfg.Addr == "" {
		opts.DontListen = true
		return nil
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return fmt.Errorf("address to listen on: %w", err)
	}
	if opts.Port, err = strconv.Atoi(port); err != nil || opts.Port < 0 || opts.Port > 65535 {
		return errors.New("address to listen on: the port is not a number from 0 to 65535")
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	opts.Host = host
	if cfg.TLS != nil {
		opts.TLS = true
		opts.TLSConfig = cfg.TLS
		opts.TLSTimeout = 5
	}
	return nil
}

// Addr is the address that the server listens on, nil where it doesn't.
func (e *Embedded) Addr() net.Addr { return e.server.Addr() }

// Reauthorize asks Authorize again about every connected publisher, and
// disconnects those whose token isn't good any more or whose rights changed. They may
// connect again with what they have.
func (e *Embedded) Reauthorize() { e.gate.reauthorize() }

// Close stops the server and waits until everything is on the disk. Connect's
// connections to it must be closed before.
func (e *Embedded) Close() {
	e.once.Do(func() {
		close(e.closing)
		<-e.healed
		e.stop()
	})
}

func (e *Embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// connectOptions are what the service's own connection needs: it goes through
// memory, with a secret that nobody else has.
func (e *Embedded) connectOptions() []nats.Option {
	return []nats.Option{
		nats.InProcessServer(e.server),
		nats.UserInfo(serviceName, e.gate.secret),
	}
}
