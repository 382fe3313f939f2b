// This file is the service's HTTP servers: where they listen, with TLS or
// without, and how they end.

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"boxoffice/domain"
)

// shutdownTime is how long requests that are under way get to end.
const shutdownTime = 10 * time.Second

// An event in binary mode may be in its headers nearly whole, and one that is
// too large has to reach the API to be refused; nothing else has large headers.
const (
	eventHeaders = 2 * domain.MaxEventBytes
	plainHeaders = 64 << 10
)

// A listener is an HTTP server that has its address already.
type listener struct {
	name   string
	server *http.Server
	socket net.Listener
}

// listen takes an address, so that one that is taken already stops the start.
func listen(name, env, addr string, tlsConfig *tls.Config, handler http.Handler, maxHeader int, log *slog.Logger) (*listener, error) {
	socket, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", env, err)
	}
	if tlsConfig != nil {
		socket = tls.NewListener(socket, tlsConfig)
	}
	return &listener{
		name:   name,
		socket: socket,
		server: &http.Server{
			Handler: handler,
			// A body of 16 MiB may take its time on a slow line, and a stream
			// lasts as long as its reader does: those are bounded where they
			// are handled. What is bounded here is doing nothing.
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    maxHeader,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
	}, nil
}

// addr is where it listens.
func (l *listener) addr() string { return l.socket.Addr().String() }

// close releases the address, where serve hasn't done so.
func (l *listener) close() error {
	if err := l.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// serve answers until the context ends; then it lets requests that are under
// way end, and ends streams.
func (l *listener) serve(ctx context.Context) error {
	requests, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	l.server.BaseContext = func(net.Listener) context.Context { return requests }
	failed := make(chan error, 1)
	go func() { failed <- l.server.Serve(l.socket) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving %s: %w", l.name, err)
	case <-ctx.Done():
	}
	// A live stream never ends by itself; ordinary requests get a moment first.
	timer := time.AfterFunc(time.Second, endStreams)
	defer timer.Stop()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := l.server.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("ending %s: %w", l.name, err)
	}
	return l.server.Close()
}

// loadTLS reads the certificate that the configuration names; nil for none.
func loadTLS(c *config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("BOXOFFICE_TLS_CERT, BOXOFFICE_TLS_KEY: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}
