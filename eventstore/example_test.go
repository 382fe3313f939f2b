package eventstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// exampleLog opens a log in a directory of its own.
func exampleLog(ctx context.Context) (s *eventstore.Store, done func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(dir, "boxoffice.db")))
	if err != nil {
		log.Fatal(err)
	}
	if err := eventstore.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	s, err = eventstore.Open(ctx, db, vault.FileMasterKey(filepath.Join(dir, "master.json"), true), nil)
	if err != nil {
		log.Fatal(err)
	}
	return s, func() {
		s.Close()
		db.Close()
		os.RemoveAll(dir)
	}
}

// exampleMessage is a message of the broker's, as ingest hands it over: decoded, or
// refused with the reason.
func exampleMessage(sequence uint64, id, kind, user, data string) eventstore.Incoming {
	text := fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/platform","type":%q,"subject":%q,"time":"2026-11-01T10:00:00Z","data":%s}`,
		id, kind, user, data)
	now := domain.Instant(1795435200000000)
	event, refusal := domain.Decode(&domain.Message{Body: text}, now)
	return eventstore.Incoming{Sequence: sequence, Event: event, Refusal: refusal, Raw: text, ReceivedAt: now}
}

// A batch is appended in one transaction, and each of its messages ends as
// appended, as a duplicate or as refused.
func ExampleStore_Append() {
	ctx := context.Background()
	s, done := exampleLog(ctx)
	defer done()
	account, err := s.Append(ctx, eventstore.Batch{Stream: "BOXOFFICE created 2026-11-01", Messages: []eventstore.Incoming{
		exampleMessage(1, "a", "user.registered", "ana", `{"email":"ana@example.org"}`),
		exampleMessage(2, "a", "user.registered", "ana", `{"email":"ana@example.org"}`),
		exampleMessage(3, "b", "user.registered", "bo", `{"email":7}`),
		exampleMessage(4, "c", "playback.started", "ana", `{"session_id":"s","content_id":"film"}`),
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("positions %d to %d: %d appended, %d duplicate, %d refused\n",
		account.First, account.Last, account.Appended, account.Duplicates, account.Refused)
	// Output: positions 1 to 2: 2 appended, 1 duplicate, 1 refused
}

// A reader follows the log from a position of its own.
func ExampleStore_Read() {
	ctx := context.Background()
	s, done := exampleLog(ctx)
	defer done()
	if _, err := s.Append(ctx, eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{
		exampleMessage(1, "a", "user.registered", "ana", `{"email":"ana@example.org"}`),
		exampleMessage(2, "b", "user.updated", "ana", `{"first_name":"Ana"}`),
	}}); err != nil {
		log.Fatal(err)
	}
	for after := eventstore.Position(0); after < 2; {
		if err := s.Wait(ctx, after); err != nil {
			log.Fatal(err)
		}
		records, err := s.Read(ctx, after, 1000)
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range records {
			fmt.Println(r.Position, r.Event.Type, r.Event.Subject)
			after = r.Position
		}
	}
	// Output:
	// 1 user.registered ana
	// 2 user.updated ana
}

// One user's events are read by the id that the user has on the platform.
func ExampleStore_UserEvents() {
	ctx := context.Background()
	s, done := exampleLog(ctx)
	defer done()
	if _, err := s.Append(ctx, eventstore.Batch{Stream: "s", Messages: []eventstore.Incoming{
		exampleMessage(1, "a", "user.registered", "ana", `{"email":"ana@example.org"}`),
		exampleMessage(2, "b", "user.registered", "bo", `{"email":"bo@example.org"}`),
		exampleMessage(3, "c", "user.updated", "ana", `{"first_name":"Ana"}`),
	}}); err != nil {
		log.Fatal(err)
	}
	// Whoever runs the service compacts all the time; without, there is only more
	// to look at.
	if err := s.Compact(ctx); err != nil {
		log.Fatal(err)
	}
	for r, err := range s.UserEvents(ctx, "ana") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Position, r.Event.Type)
	}
	// Output:
	// 1 user.registered
	// 3 user.updated
}
