// This file tests publishing: what an answer stands for, and what each failure
// says.

package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"boxoffice/ingest"
	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/wire"
)

// contents are the bodies of the stream's messages in their order.
func contents(t *testing.T, b *ingest.Broker) [][]byte {
	t.Helper()
	consumer, err := b.JetStream().OrderedConsumer(t.Context(), wire.Stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for n := stored(t, b); uint64(len(all)) < n; {
		m, err := consumer.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Data())
	}
	return all
}

func TestPublishKeepsTheOrderAndEverything(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		want := progresses(0, 5307)
		for sent, n := 0, 0; sent < len(want); sent += n {
			n = min([]int{1, 2, 999, 1000, 1001, 2500}[rand.N(6)], len(want)-sent)
			publish(t, b, want[sent:sent+n]...)
		}
		got := contents(t, b)
		if len(got) != len(want) {
			t.Fatalf("%d messages are stored, want %d", len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i].Data) {
				t.Fatalf("message %d is %s, want %s", i, got[i], want[i].Data)
			}
		}
	})
}

// TestPublishOneByOne is a stream without atomic batches, as a server before
// 2.12 has it.
func TestPublishOneByOne(t *testing.T) {
	b := connect(t, ingest.Config{Embedded: startEmbedded(t, nil)})
	if _, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{
		Name: wire.Stream, Subjects: []string{wire.Subjects},
	}); err != nil {
		t.Fatal(err)
	}
	publisher := ingest.NewPublisher(b)
	for from := 0; from < 3000; from += 1500 {
		if err := publisher.PublishBatch(t.Context(), progresses(from, 1500)); err != nil {
			t.Fatal(err)
		}
	}
	for i, body := range contents(t, b) {
		if !bytes.Equal(body, progress(i).Data) {
			t.Fatalf("message %d is %s", i, body)
		}
	}
}

// TestPublishLargeMessages: what a batch may hold in bytes is not what a
// message may have.
func TestPublishLargeMessages(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	var messages []wire.Message
	for n := range 9 {
		m := progress(n)
		m.Data = bytes.Repeat([]byte{'x'}, n<<20)
		if n < 8 {
			messages = append(messages, m)
		} else if err := ingest.NewPublisher(b).PublishBatch(t.Context(), []wire.Message{m}); !errors.Is(err, ingest.ErrTooLarge) {
			t.Errorf("more than a message may have: got %v, want ErrTooLarge", err)
		}
	}
	publish(t, b, messages...)
	if n := stored(t, b); n != 8 {
		t.Errorf("%d messages are stored, want 8", n)
	}
}

// TestPublishManyAtOnce has more batches under way than a server takes. A machine
// with other work may be too slow for one of them, which says so and is published
// again, as whoever publishes does.
func TestPublishManyAtOnce(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	var publishers sync.WaitGroup
	for n := range 100 {
		publishers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := ingest.ErrUnavailable
			for errors.Is(err, ingest.ErrUnavailable) && ctx.Err() == nil {
				err = ingest.NewPublisher(b).PublishBatch(ctx, progresses(10*n, 10))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	publishers.Wait()
	different := map[string]bool{}
	for _, body := range contents(t, b) {
		different[string(body)] = true
	}
	if len(different) != 1000 {
		t.Errorf("%d messages are stored, want 1000", len(different))
	}
}

// TestPublishAgain: a message that was received may be published again, and
// what was asked of the broker for the first isn't asked for the second.
func TestPublishAgain(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		first := progress(1)
		first.Header = map[string][]string{wire.HeaderMessageID: {"1"}, "Nats-Expected-Last-Sequence": {"0"}, "Mine": {"kept"}}
		publish(t, b, first)
		subscriber := ingest.NewSubscriber(b, ingest.SubscriberConfig{})
		messages, err := subscriber.Subscribe(t.Context(), wire.Subjects)
		if err != nil {
			t.Fatal(err)
		}
		received := <-messages
		if err := ingest.NewPublisher(b).Publish(first.Subject, received); err != nil {
			t.Fatal(err)
		}
		received.Ack()
		again := <-messages
		again.Ack()
		if again.UUID != received.UUID || again.Metadata["Mine"] != "kept" || !bytes.Equal(again.Payload, first.Data) {
			t.Errorf("published again it is %v %s", again.Metadata, again.Payload)
		}
		for _, name := range []string{wire.HeaderMessageID, "Nats-Expected-Last-Sequence"} {
			if received.Metadata[name] == "" || again.Metadata[name] != "" {
				t.Errorf("%s was %q, and is %q", name, received.Metadata[name], again.Metadata[name])
			}
		}
		if err := subscriber.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAFullBrokerSaysSoAndDropsNothing, whichever way is published.
func TestAFullBrokerSaysSoAndDropsNothing(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		if _, err := b.EnsureStream(t.Context(), ingest.StreamConfig{MaxBytes: 100_000}); err != nil {
			t.Fatal(err)
		}
		publisher := ingest.NewPublisher(b)
		var taken []wire.Message
		for _, size := range []int{100, 10, 1} {
			for {
				messages := progresses(len(taken), size)
				err := publisher.PublishBatch(t.Context(), messages)
				if err != nil {
					if !errors.Is(err, ingest.ErrFull) {
						t.Fatalf("%d at once: got %v, want ErrFull", size, err)
					}
					break
				}
				taken = append(taken, messages...)
			}
		}
		got := contents(t, b)
		if len(got) != len(taken) {
			t.Fatalf("%d messages are stored, and %d were acknowledged", len(got), len(taken))
		}
		for i := range got {
			if !bytes.Equal(got[i], taken[i].Data) {
				t.Fatalf("message %d is %s", i, got[i])
			}
		}
		if _, err := b.EnsureStream(t.Context(), ingest.StreamConfig{MaxBytes: 200_000}); err != nil {
			t.Fatal(err)
		}
		publish(t, b, progresses(len(taken), 10)...)
	})
}

// TestPublishWithoutABroker fails soon, and works again by itself.
func TestPublishWithoutABroker(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	publisher := ingest.NewPublisher(b)
	server.Kill()
	for _, n := range []int{1, 2, 2000} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := publisher.PublishBatch(ctx, progresses(0, n)); !errors.Is(err, ingest.ErrUnavailable) {
			t.Errorf("%d at once: got %v, want ErrUnavailable", n, err)
		}
		cancel()
	}
	server.Start()
	eventually.Holds(t, "publishing works again", func() bool {
		return publisher.PublishBatch(t.Context(), progresses(0, 2000)) == nil
	})
}

// TestPublishIsDurable kills the server at random points while events are
// published: what was acknowledged is there.
func TestPublishIsDurable(t *testing.T) {
	server := natstest.Start(t, natstest.Options{})
	b := withStream(t, connect(t, ingest.Config{URL: server.URL()}))
	publisher := ingest.NewPublisher(b)
	var acknowledged []string
	for round := range 4 {
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			time.Sleep(rand.N(200 * time.Millisecond))
			server.Kill()
		}()
		for n := 0; ; n++ {
			messages := progresses(0, 1+rand.N(1200))
			for i := range messages {
				messages[i].Data = fmt.Appendf(nil, "%d-%d-%d", round, n, i)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			err := publisher.PublishBatch(ctx, messages)
			cancel()
			if err != nil {
				break
			}
			for _, m := range messages {
				acknowledged = append(acknowledged, string(m.Data))
			}
		}
		<-killed
		server.Start()
		eventually.Holds(t, "the connection is there again", b.Connected)
	}
	have := make(map[string]bool)
	for _, body := range contents(t, b) {
		have[string(body)] = true
	}
	for _, body := range acknowledged {
		if !have[body] {
			t.Fatalf("%s was acknowledged and isn't stored", body)
		}
	}
	t.Logf("%d acknowledged, %d stored", len(acknowledged), len(have))
}

// TestSinglesAtOnce: many that publish one message each at the same time have
// each theirs stored, once, and one that the broker doesn't take fails alone.
func TestSinglesAtOnce(t *testing.T) {
	brokers(t, func(t *testing.T, b *ingest.Broker) {
		publisher := ingest.NewPublisher(b)
		const n = 500
		errs := make([]error, n)
		var publishing sync.WaitGroup
		for i := range n {
			publishing.Go(func() {
				message := progress(i)
				if i%100 == 50 {
					message.Data = make([]byte, 64<<20)
				}
				errs[i] = publisher.PublishBatch(t.Context(), []wire.Message{message})
			})
		}
		publishing.Wait()
		for i, err := range errs {
			if large := i%100 == 50; large != errors.Is(err, ingest.ErrTooLarge) || !large && err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		}
		seen := map[string]int{}
		for _, body := range contents(t, b) {
			seen[string(body)]++
		}
		for i := range n {
			if want := progress(i); i%100 != 50 && seen[string(want.Data)] != 1 {
				t.Errorf("message %d is stored %d times", i, seen[string(want.Data)])
			}
		}
	})
}

// TestWhoStopsWaiting: one whose context ends doesn't take those with them who
// publish at the same time.
func TestWhoStopsWaiting(t *testing.T) {
	b := withStream(t, connect(t, ingest.Config{Embedded: startEmbedded(t, nil)}))
	publisher := ingest.NewPublisher(b)
	var publishing sync.WaitGroup
	for i := range 200 {
		publishing.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				time.AfterFunc(rand.N(2*time.Millisecond), cancel)
			}
			err := publisher.PublishBatch(ctx, []wire.Message{progress(i)})
			if i%2 == 1 && err != nil || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("message %d: %v", i, err)
			}
		})
	}
	publishing.Wait()
}
