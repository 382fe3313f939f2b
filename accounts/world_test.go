// This file is what the tests share: a service over the real parts, or over a
// platform in memory, and short ways to ask it.

package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/accounts/accountstest"
	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
	"boxoffice/wire"
)

// A caller asks a service, and fails the test where that can't be done.
type caller struct {
	t       testing.TB
	service *Service
}

// A world is a service over the real parts.
type world struct {
	*accountstest.Platform
	caller
	broker *broker
}

// A broker has what is published in the log at once, or does what a test says.
type broker struct {
	take func(context.Context, []wire.Message) error
	log  bytes.Buffer
}

func (b *broker) PublishBatch(ctx context.Context, messages []wire.Message) error {
	return b.take(ctx, messages)
}

// eachWorld runs a test over the real parts, on each engine.
func eachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) { f(t, newWorld(t, open())) })
}

func newWorld(t testing.TB, db *sqldb.DB) *world {
	t.Helper()
	return newWorldIn(t, db, accountstest.TimeZone)
}

func newWorldIn(t testing.TB, db *sqldb.DB, zone string) *world {
	t.Helper()
	w := &world{Platform: accountstest.NewIn(t, db, zone, 0), caller: caller{t: t}, broker: &broker{}}
	w.broker.take = w.Platform.PublishBatch
	w.exchange(nil)
	return w
}

// exchange makes the service again, with other parts than it has by itself.
func (w *world) exchange(change func(*Config)) {
	w.t.Helper()
	c := Config{Reader: w.Reader, Log: w.Store, Publisher: w.broker, Locks: w.DB, Zone: w.Zone, Clock: clock,
		Logger: slog.New(slog.NewTextHandler(&w.broker.log, nil))}
	if change != nil {
		change(&c)
	}
	w.service = mustNew(w.t, c)
}

// patience is how long a call waits for the log's verdict.
func (w *world) patience(within time.Duration) { w.service.config.VerdictWithin = within }

func clock() time.Time { return accountstest.Now }

func mustNew(t testing.TB, c Config) *Service {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func happened(at, user, eventType, data string) string {
	return accountstest.Event(at, user, eventType, data)
}

// fields are the members of a JSON object.
func fields(t testing.TB, object string) (all []Field) {
	t.Helper()
	d := jsontext.NewDecoder(strings.NewReader(object))
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.ReadToken()
	must(err)
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		must(err)
		f := Field{Name: name.String()}
		value, err := d.ReadValue()
		must(err)
		f.Value = value.Clone()
		all = append(all, f)
	}
	return all
}

// create makes a user of a JSON object, which may have an id.
func (c caller) create(object string) (projections.UserDetail, error) {
	c.t.Helper()
	id := NewUserID()
	rest := fields(c.t, object)
	if len(rest) > 0 && rest[0].Name == "id" {
		if err := json.Unmarshal(rest[0].Value, &id); err != nil {
			c.t.Fatal(err)
		}
		rest = rest[1:]
	}
	p, err := ReadProfile(rest)
	if err != nil {
		return projections.UserDetail{}, err
	}
	return c.service.Create(c.t.Context(), id, p)
}

func (c caller) edit(id, object string) (projections.UserDetail, error) {
	c.t.Helper()
	p, err := ReadProfile(fields(c.t, object))
	if err != nil {
		return projections.UserDetail{}, err
	}
	return c.service.Edit(c.t.Context(), id, p)
}

// user is a user as they are now.
func (c caller) user(id string) (projections.UserDetail, bool) {
	c.t.Helper()
	u, ok, err := c.service.config.Reader.User(c.t.Context(), id, domain.InstantOf(accountstest.Now))
	if err != nil {
		c.t.Fatal(err)
	}
	return u, ok
}

// mustCreate makes a user of a JSON object.
func (c caller) mustCreate(object string) {
	c.t.Helper()
	if _, err := c.create(object); err != nil {
		c.t.Fatal(err)
	}
}

// mustUser is a user who is there.
func (c caller) mustUser(id string) projections.UserDetail {
	c.t.Helper()
	u, ok := c.user(id)
	if !ok {
		c.t.Fatalf("there is no user %s", id)
	}
	return u
}

// allUsers are the users as they are now.
func (w *world) allUsers() []projections.User {
	w.t.Helper()
	page, err := w.Reader.Users(w.t.Context(), projections.UsersQuery{Sort: "registered_at", At: w.service.now(), Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Users
}

// users are the profiles of all users as lines, sorted.
func (w *world) users() []string {
	w.t.Helper()
	var lines []string
	for _, u := range w.allUsers() {
		line := u.ID
		if len(u.ID) == 36 {
			line = "made up"
		}
		p := u.Profile
		for _, value := range []any{p.Email, p.FirstName, p.LastName, p.Locale, p.Country, p.Platform, p.Custom} {
			text, err := json.Marshal(value)
			if err != nil {
				w.t.Fatal(err)
			}
			line += " " + string(text)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// tryImport imports a file.
func (c caller) tryImport(file io.Reader, o ImportOptions) (ImportResult, error) {
	c.t.Helper()
	m, err := c.service.OpenImport(c.t.Context(), file, o)
	if err != nil {
		return ImportResult{}, err
	}
	defer m.Close(c.t.Context())
	return m.Run(c.t.Context())
}

// imported is what becomes of the rows of a file.
func (c caller) imported(file string, dryRun bool) ImportResult {
	c.t.Helper()
	result, err := c.tryImport(strings.NewReader(file), ImportOptions{DryRun: dryRun})
	if err != nil {
		c.t.Fatal(err)
	}
	return result
}

// inALine is what became of the rows: the counts, and the rows that were refused.
func inALine(r ImportResult) string {
	parts := []string{fmt.Sprintf("%d rows: %d created, %d updated, %d unchanged", r.Rows, r.Created, r.Updated, r.Unchanged)}
	for refused := range r.Refused.All() {
		parts = append(parts, fmt.Sprintf("%d: %s", refused.Row, refused.Reason))
	}
	return strings.Join(parts, "; ")
}

// comesTo imports a file and holds what becomes of its rows.
func (c caller) comesTo(file string, dryRun bool, want string) {
	c.t.Helper()
	if got := inALine(c.imported(file, dryRun)); got != want {
		c.t.Errorf("it came to\n%s\nand not\n%s", got, want)
	}
}

// unavailable holds an error to be one that says to ask again, and returns it.
func (c caller) unavailable(err error) *UnavailableError {
	c.t.Helper()
	u, ok := errors.AsType[*UnavailableError](err)
	if !ok {
		c.t.Fatalf("%v (%T) is no UnavailableError", err, err)
	}
	return u
}

var errBroken = errors.New("secret://user:password@host/path is broken")

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
