// This file puts events on brokers of the bench, and takes them off.

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
)

// A broker is an embedded server, as the service has it, and the service's
// connection to it.
type broker struct {
	*ingest.Broker
	server *ingest.Embedded
}

// quiet is the log of what is measured: it has what goes wrong.
var quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

func openBroker(ctx context.Context, dir string) (*broker, error) {
	server, err := ingest.StartEmbedded(ingest.EmbeddedConfig{Dir: dir, Logger: quiet})
	if err != nil {
		return nil, err
	}
	b := &broker{server: server}
	if b.Broker, err = ingest.Connect(ctx, ingest.Config{Embedded: server, Logger: quiet}); err != nil {
		server.Close()
		return nil, err
	}
	if _, err := b.EnsureStream(ctx, ingest.StreamConfig{}); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *broker) close() {
	b.Broker.Close()
	b.server.Close()
}

// fillBatch is how many events are published at once.
const fillBatch = 5000

// fill makes a broker's directory with the mix's events from the first on.
func (b *Bench) fill(ctx context.Context, first, n int64) (dir string, err error) {
	if dir, err = os.MkdirTemp(b.dir, "broker-"); err != nil {
		return "", err
	}
	server, err := openBroker(ctx, dir)
	if err != nil {
		return "", err
	}
	defer server.close()
	publisher := ingest.NewPublisher(server.Broker)
	events := mix{b.Seed}
	for done := int64(0); done < n; {
		b.progress("putting events on the broker", done, n)
		batch := make([]ingest.Outgoing, min(fillBatch, n-done))
		for i := range batch {
			batch[i] = events.event(first + done + int64(i))
		}
		if err := publisher.PublishBatch(ctx, batch); err != nil {
			return "", err
		}
		done += int64(len(batch))
	}
	return dir, nil
}

// awaitAcked waits until a consumer has acknowledged all of the stream, and
// says how many messages that are.
func (b *broker) awaitAcked(ctx context.Context, durable string) (int64, error) {
	stream, err := b.JetStream().Stream(ctx, ingest.StreamName)
	if err != nil {
		return 0, err
	}
	last := stream.CachedInfo().State.LastSeq
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		consumer, err := stream.Consumer(ctx, durable)
		if err != nil {
			return 0, fmt.Errorf("looking for the consumer %s: %w", durable, err)
		}
		if info := consumer.CachedInfo(); acked(info) >= last {
			return int64(acked(info)), nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// acked is how many messages are acknowledged with all before them.
func acked(info *jetstream.ConsumerInfo) uint64 { return info.AckFloor.Stream }
