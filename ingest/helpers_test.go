// This file is what the tests of ingest share.

package ingest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/wire"
)

// patience is how long a test waits for what must come about.
const patience = 90 * time.Second

// quiet is for parts that are made to fail: what they log is expected.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// startEmbedded starts a server in a directory of the test's, listening on a
// free port, and ends it with the test.
func startEmbedded(t testing.TB, authorize func(string) (ingest.Grant, bool)) *ingest.Embedded {
	t.Helper()
	e, err := ingest.StartEmbedded(ingest.EmbeddedConfig{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Authorize: authorize, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// connect connects and closes with the test.
func connect(t testing.TB, cfg ingest.Config) *ingest.Broker {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	b, err := ingest.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// brokers runs a test on both kinds of server, each with the stream set up.
func brokers(t *testing.T, test func(t *testing.T, b *ingest.Broker)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})))
	})
	t.Run("process", func(t *testing.T) {
		server := natstest.Start(t, natstest.Options{})
		test(t, withStream(t, connect(t, ingest.Config{URL: server.URL(), MonitorURLs: []string{server.MonitorURL()}})))
	})
}

func withStream(t testing.TB, b *ingest.Broker) *ingest.Broker {
	t.Helper()
	report, err := b.EnsureStream(t.Context(), ingest.StreamConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 {
		t.Fatalf("problems with a new stream: %q", report.Problems)
	}
	return b
}

// stored is how many messages the stream holds.
func stored(t testing.TB, b *ingest.Broker) uint64 {
	t.Helper()
	stream, err := b.JetStream().Stream(t.Context(), wire.Stream)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// progress is a good event of a viewing session.
func progress(n int) wire.Message {
	return wire.Message{
		Subject: wire.Subject(domain.PlaybackProgressed),
		Data: fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/player","type":"playback.progressed",`+
			`"subject":"user-%d","time":"2026-01-01T00:00:00Z","data":{"session_id":"s%d","content_id":"c1","play_time_s":%d}}`,
			n, n%97, n%97, n),
	}
}

// progresses are n good events, numbered from first.
func progresses(first, n int) []wire.Message {
	out := make([]wire.Message, n)
	for i := range out {
		out[i] = progress(first + i)
	}
	return out
}

// publish publishes, and fails the test where that fails.
func publish(t testing.TB, b *ingest.Broker, messages ...wire.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := ingest.NewPublisher(b).PublishBatch(ctx, messages); err != nil {
		t.Fatal(err)
	}
}
