package projections_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
)

// A log is projected into read models, which are asked. A history is kept of
// where the log stood before its last event.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "example-")
	must(err)
	defer os.RemoveAll(dir)

	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(dir, "boxoffice.db")))
	must(err)
	defer db.Close()
	must(eventstore.Migrate(ctx, db))
	store, err := eventstore.Open(ctx, db, vault.FileMasterKey(filepath.Join(dir, "master.json"), true), nil)
	must(err)
	defer store.Close()
	models, err := projections.Open(ctx, db)
	must(err)
	defer models.Close()
	must(projections.Migrate(ctx, db))

	// In the service, the runner is a worker that runs as long as the process.
	runner, err := projections.NewRunner(models, store, projections.Config{TimeZone: "Europe/Paris"})
	must(err)
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()

	appendEvents(ctx, store, "ana", "ben")
	history, err := runner.AddHistory(ctx, "before ben", 1)
	must(err)
	must(runner.Build(ctx, history.Number))
	for status := runner.Status(); !status.Live || status.Position < 2; status = runner.Status() {
		time.Sleep(time.Millisecond)
	}

	reader := projections.NewReader(models, 30*time.Minute)
	at := domain.InstantOf(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	for _, from := range []*projections.Reader{reader, reader.History("before ben")} {
		counts, err := from.UserCounts(ctx, at)
		must(err)
		fmt.Println("registered at position", counts.Position, "are", counts.Registered)
	}
	cancel()
	must(<-done)

	// Output:
	// registered at position 2 are 2
	// registered at position 1 are 1
}

// appendEvents records that users have registered, as ingest does.
func appendEvents(ctx context.Context, store *eventstore.Store, users ...string) {
	received := domain.InstantOf(time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC))
	batch := eventstore.Batch{Stream: "example"}
	for i, user := range users {
		body := fmt.Sprintf(`{"specversion": "1.0", "type": "user.registered", "source": "/example", "id": "%d",
			"subject": %q, "time": %q, "data": {"email": "%s@example.org"}}`, i, user, received, user)
		event, refusal := domain.Decode(&domain.Message{Body: []byte(body)}, received)
		if refusal != nil {
			log.Fatal(refusal)
		}
		batch.Messages = append(batch.Messages, eventstore.Incoming{
			Sequence: uint64(i + 1), Event: event, Raw: []byte(body), ReceivedAt: received,
		})
	}
	_, err := store.Append(ctx, batch)
	must(err)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
