// This file puts events on brokers of the bench, and takes them off.

package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
	"boxoffice/wire"
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

// newBroker makes a broker's directory with the mix's events from the first on.
func (b *Bench) newBroker(ctx context.Context, first, n int64) (dir string, err error) {
	if dir, err = os.MkdirTemp(b.dir, "broker-"); err != nil {
		return "", err
	}
	return dir, b.fill(ctx, dir, first, n)
}

// fill puts the mix's events from the first on onto the broker of a directory.
func (b *Bench) fill(ctx context.Context, dir string, first, n int64) error {
	server, err := openBroker(ctx, dir)
	if err != nil {
		return err
	}
	defer server.close()
	publisher := ingest.NewPublisher(server.Broker)
	events := mix{b.Seed}
	for done := int64(0); done < n; {
		b.progress("putting events on the broker", done, n)
		batch := make([]wire.Message, min(fillBatch, n-done))
		for i := range batch {
			batch[i] = events.event(first + done + int64(i))
		}
		if err := publisher.PublishBatch(ctx, batch); err != nil {
			return err
		}
		done += int64(len(batch))
	}
	return nil
}

// awaitAcked waits until a consumer has acknowledged all of the stream, and
// says how many messages that are.
func (b *broker) awaitAcked(ctx context.Context, durable string) (int64, error) {
	stream, err := b.JetStream().Stream(ctx, wire.Stream)
	if err != nil {
		return 0, err
	}
	last := stream.CachedInfo().State.LastSeq
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		info, err := consumerInfo(ctx, stream, durable)
		if err != nil {
			return 0, fmt.Errorf("looking for the consumer %s: %w", durable, err)
		}
		if acked := info.AckFloor.Stream; acked >= last {
			return int64(acked), nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// consumerInfo asks about a consumer, which of a rival may be one that the server
// pushes to.
func consumerInfo(ctx context.Context, stream jetstream.Stream, durable string) (*jetstream.ConsumerInfo, error) {
	pull, err := stream.Consumer(ctx, durable)
	if err == nil {
		return pull.CachedInfo(), nil
	}
	if !errors.Is(err, jetstream.ErrNotPullConsumer) {
		return nil, err
	}
	push, err := stream.PushConsumer(ctx, durable)
	if err != nil {
		return nil, err
	}
	return push.CachedInfo(), nil
}
