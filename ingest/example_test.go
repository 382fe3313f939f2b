package ingest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/ingest"
	"boxoffice/internal/sqldb"
	"boxoffice/wire"
)

// A broker within the process, an event that is published to it, and the ingester
// that takes it to the log.
func Example() {
	dir, err := os.MkdirTemp("", "ingest-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(dir, "log.db")))
	if err != nil {
		log.Fatal(err)
	}
	if err := eventstore.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	store, err := eventstore.Open(ctx, db, vault.FileMasterKey(filepath.Join(dir, "master.json"), true), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	server, err := ingest.StartEmbedded(ingest.EmbeddedConfig{Dir: filepath.Join(dir, "nats"), Logger: logger})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	broker, err := ingest.Connect(ctx, ingest.Config{Embedded: server, Logger: logger})
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	if _, err := broker.EnsureStream(ctx, ingest.StreamConfig{}); err != nil {
		log.Fatal(err)
	}

	event := wire.Judge(&domain.Message{Body: []byte(`{"specversion": "1.0", "id": "1", "source": "/accounts", "type": "user.registered",
		"subject": "ana", "time": "2026-03-01T09:00:00Z", "data": {"country": "PT"}}`)}, domain.InstantOf(time.Now()))
	// Without an error it is on the broker's disk.
	if err := ingest.NewPublisher(broker).PublishBatch(ctx, []wire.Message{event.Outgoing()}); err != nil {
		log.Fatal(err)
	}

	ingester, err := ingest.NewIngester(ingest.NewSubscriber(broker, ingest.SubscriberConfig{}), store, ingest.IngesterConfig{Logger: logger})
	if err != nil {
		log.Fatal(err)
	}
	running, stopIngester := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- ingester.Run(running) }()
	if err := store.Wait(ctx, 0); err != nil { // until the log has more than nothing
		log.Fatal(err)
	}
	stopIngester()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	records, err := store.Read(ctx, 0, 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(records[0].Position, records[0].Event.Type, records[0].Event.Subject)
	// Output: 1 user.registered ana
}
