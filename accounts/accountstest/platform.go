// Package accountstest is what tests do things to people on: the log, the vault,
// the read models and their projector over a database, and a broker that has what
// is published in the log at once.
package accountstest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
	"boxoffice/wire"
)

// Now is the present of a [Platform], which stands still.
var Now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TimeZone is the time zone of a [Platform], unless it is made in another.
const TimeZone = "Europe/Paris"

// A Platform is the real parts over a database.
type Platform struct {
	DB     *sqldb.DB
	Store  *eventstore.Store
	Reader *projections.Reader
	// Zone is the platform's time zone.
	Zone *time.Location

	t        testing.TB
	master   vault.MasterKey
	mu       sync.Mutex
	sequence uint64
}

// New makes a platform over an empty database, which goes with the test.
func New(t testing.TB, db *sqldb.DB) *Platform {
	t.Helper()
	return NewIn(t, db, TimeZone, 0)
}

// NewIn makes a platform in a time zone, with a renewal grace.
func NewIn(t testing.TB, db *sqldb.DB, zone string, renewalGrace time.Duration) *Platform {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Platform{DB: db, t: t, master: vault.FileMasterKey(filepath.Join(t.TempDir(), "master"), true)}
	var err error
	if p.Zone, err = time.LoadLocation(zone); err != nil {
		t.Fatal(err)
	}
	if err := eventstore.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	if p.Store, err = eventstore.Open(ctx, db, p.master, now); err != nil {
		t.Fatal(err)
	}
	models, err := projections.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if err := projections.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	p.Reader = projections.NewReader(models, 30*time.Minute)
	runner, err := projections.NewRunner(models, p.Store, projections.Config{TimeZone: zone, RenewalGrace: renewalGrace, Now: now, Tick: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		models.Close()
		p.Store.Close()
	})
	p.CaughtUp()
	return p
}

func now() domain.Instant { return domain.InstantOf(Now) }

// Beside opens the log once more, as another process has it on a handle of its
// own.
func (p *Platform) Beside(db *sqldb.DB) *eventstore.Store {
	p.t.Helper()
	store, err := eventstore.Open(context.Background(), db, p.master, now)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { store.Close() })
	return store
}

// PublishBatch has the events in the log, or refused, when it returns: what the
// broker and ingest do with them.
func (p *Platform) PublishBatch(ctx context.Context, messages []wire.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := eventstore.Batch{Stream: "test"}
	for _, m := range messages {
		p.sequence++
		a := Received(m)
		b.Messages = append(b.Messages, eventstore.Incoming{Sequence: p.sequence, ReceivedAt: now(),
			Event: a.Event, Refusal: a.Refusal, MustBeNew: a.MustBeNew, Raw: a.Kept()})
	}
	_, err := p.Store.Append(ctx, b)
	return err
}

// Received reads a message of the broker as ingest does, and some time later, so
// that only what it says of when the service had the event can count.
func Received(m wire.Message) wire.Arrival {
	return wire.Receive(m.Subject, m.Header, m.Data, domain.InstantOf(Now.AddDate(1, 0, 0)))
}

// Happen publishes events, and waits until the read models show them.
func (p *Platform) Happen(events ...string) {
	p.t.Helper()
	if err := p.PublishBatch(context.Background(), Messages(events...)); err != nil {
		p.t.Fatal(err)
	}
	p.CaughtUp()
}

// Messages are events as a publisher sends them.
func Messages(events ...string) []wire.Message {
	messages := make([]wire.Message, len(events))
	for i, event := range events {
		a := wire.Judge(&domain.Message{Body: []byte(event)}, now())
		messages[i] = a.Forward(wire.ReceivedAt(now()))
	}
	return messages
}

// CaughtUp waits until the read models have come to the end of the log.
func (p *Platform) CaughtUp() {
	p.t.Helper()
	ctx := context.Background()
	head, err := p.Store.Head(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	eventually.Succeeds(p.t, "the read models have caught up", func() error {
		status, err := p.Reader.Status(ctx)
		if err == nil && status.Position >= head.Position {
			return nil
		}
		return fmt.Errorf("they are at %d, the log at %d: %w", status.Position, head.Position, err)
	})
}

// Event is an event of a user at a time, as JSON. Time, user and type are its
// identity.
func Event(at, user, eventType, data string) string {
	text, err := json.Marshal(map[string]any{
		"specversion": "1.0", "source": "/test", "id": at + " " + user + " " + eventType,
		"type": eventType, "subject": user, "time": at, "data": json.RawMessage(data),
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}
