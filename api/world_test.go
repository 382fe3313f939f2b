// This file is the API over the real parts: the log, the vault, the read models
// and their projector, on each engine. Events come in over HTTP; only the way
// through the broker is shortened, to appending what was published.

package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/accounts"
	"boxoffice/accounts/accountstest"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A world is an API with everything behind it.
type world struct {
	*harness
	platform *accountstest.Platform
	store    *eventstore.Store
	reader   *projections.Reader
}

// eachWorld runs a test over the real parts, on each engine.
func eachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) { f(t, newWorld(t, open())) })
}

func newWorld(t *testing.T, db *sqldb.DB) *world {
	t.Helper()
	return newWorldOn(t, accountstest.New(t, db))
}

func newWorldOn(t *testing.T, p *accountstest.Platform) *world {
	t.Helper()
	w := &world{platform: p, store: p.Store, reader: p.Reader}
	w.harness = w.serving(t, p.Store, p.DB)
	return w
}

// beside is another service over the same log, as another process has it on a
// handle of its own.
func (w *world) beside(db *sqldb.DB) *harness {
	w.t.Helper()
	return w.serving(w.t, w.platform.Beside(db), db)
}

func (w *world) serving(t *testing.T, log *eventstore.Store, db *sqldb.DB) *harness {
	t.Helper()
	h := newHarness(t, func(c *Config) { c.Reader, c.Log, c.Zone = w.reader, log, w.platform.Zone })
	h.exchange(func(c *accounts.Config) { c.Reader, c.Log, c.Locks, c.Zone = w.reader, log, db, w.platform.Zone })
	h.broker.take = w.platform.PublishBatch
	return h
}

// happen publishes events, and waits until the read models show them.
func (w *world) happen(events ...string) {
	w.t.Helper()
	w.publish("admin", wire.BatchType, "["+strings.Join(events, ",")+"]", nil).ok(http.StatusAccepted)
	w.platform.CaughtUp()
}

// shows holds the answer to a request of a role to be a JSON text.
func (w *world) shows(role Role, path, want string) {
	w.t.Helper()
	got := w.get(role, path).ok(http.StatusOK).Body.String()
	if diff := cmp.Diff(tidy(w.t, want), tidy(w.t, got)); diff != "" {
		w.t.Errorf("%s as %s (-want +got)\n%s", path, role, diff)
	}
}

// tidy returns a JSON text with sorted keys and a line for each value.
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
	return accountstest.Event(at, user, eventType, data)
}
