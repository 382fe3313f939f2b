// This file is the API over the real parts: the log, the vault, the read models
// and their projector, on each engine. Events come in over HTTP; only the way
// through the broker is shortened, to appending what was published.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A world is an API with everything behind it.
type world struct {
	*harness
	store  *eventstore.Store
	reader *projections.Reader
	master vault.MasterKey
	zone   *time.Location

	sequence uint64
}

// eachWorld runs a test over the real parts, on each engine.
func eachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) { f(t, newWorld(t, open())) })
}

func newWorld(t *testing.T, db *sqldb.DB) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	clock := func() domain.Instant { return domain.InstantOf(testNow) }
	w := &world{master: vault.FileMasterKey(filepath.Join(t.TempDir(), "master"), true)}
	var err error
	if w.store, err = eventstore.Open(ctx, db, w.master, eventstore.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	models, err := projections.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	w.reader = projections.NewReader(models, 30*time.Minute)
	runner, err := projections.NewRunner(models, w.store, projections.Config{TimeZone: "Europe/Paris", Now: clock, Tick: 50 * time.Millisecond})
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
		w.store.Close()
	})
	if w.zone, err = time.LoadLocation("Europe/Paris"); err != nil {
		t.Fatal(err)
	}
	w.harness = newHarness(t, func(c *Config) { c.Reader, c.Log, c.Zone = w.reader, w.store, w.zone })
	w.broker.take = w.append
	w.caughtUp()
	return w
}

// beside gives another service over the same log, as another process has it on a
// handle of its own.
func (w *world) beside(db *sqldb.DB) *harness {
	w.t.Helper()
	clock := func() domain.Instant { return domain.InstantOf(testNow) }
	store, err := eventstore.Open(context.Background(), db, w.master, eventstore.Options{Now: clock})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { store.Close() })
	other := newHarness(w.t, func(c *Config) { c.Reader, c.Log, c.Zone = w.reader, store, w.zone })
	other.broker.take = w.append
	return other
}

// append does what ingest does with what was published.
func (w *world) append(ctx context.Context, messages []wire.Message) error {
	b := eventstore.Batch{Stream: "test"}
	for _, m := range messages {
		w.sequence++
		a := received(m)
		in := eventstore.Incoming{Sequence: w.sequence, ReceivedAt: domain.InstantOf(testNow),
			Event: a.Event, Refusal: a.Refusal, MustBeNew: a.MustBeNew, Raw: a.Kept()}
		b.Messages = append(b.Messages, in)
	}
	_, err := w.store.Append(ctx, b)
	return err
}

// happen publishes events, and waits until the read models show them.
func (w *world) happen(events ...string) {
	w.t.Helper()
	w.publish("admin", wire.BatchType, "["+strings.Join(events, ",")+"]", nil).ok(http.StatusAccepted)
	w.caughtUp()
}

// caughtUp waits until the read models have come to the end of the log.
func (w *world) caughtUp() {
	w.t.Helper()
	ctx := context.Background()
	head, err := w.store.Head(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	eventually.Succeeds(w.t, "the read models have caught up", func() error {
		counts, err := w.reader.UserCounts(ctx, domain.InstantOf(testNow))
		if err == nil && counts.Position >= head.Position {
			return nil
		}
		return fmt.Errorf("they are at %d, the log at %d: %w", counts.Position, head.Position, err)
	})
}

// shows holds the answer to a request of a role to be a JSON text.
func (w *world) shows(role Role, path, want string) {
	w.t.Helper()
	got := w.get(role, path).ok(http.StatusOK).Body.String()
	if diff := cmp.Diff(tidy(w.t, want), tidy(w.t, got)); diff != "" {
		w.t.Errorf("%s as %s (-want +got)\n%s", path, role, diff)
	}
}

// tidy gives a JSON text with sorted keys and a line for each value.
func tidy(t *testing.T, text string) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	tidied, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(tidied)
}

// happened writes an event of a user at a time.
func happened(at, user, eventType, data string) string {
	text, err := json.Marshal(map[string]any{
		"specversion": "1.0", "source": "/test", "id": at + " " + user + " " + eventType,
		"type": eventType, "subject": user, "time": at, "data": json.RawMessage(data),
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}
