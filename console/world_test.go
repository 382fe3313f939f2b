// This file is the console over the real parts: the log, the vault, the read
// models and their projector, with a small platform in them, and a clock that
// stands still.

package console

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/access/attempts"
	"boxoffice/access/browser"
	"boxoffice/access/sessions"
	"boxoffice/access/trail"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/cursor"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/projections"
	"boxoffice/wire"
)

var update = flag.Bool("update", false, "write the golden files again")

// testNow is the present of all tests.
var testNow = time.Date(2026, 11, 30, 16, 52, 44, 776194000, time.UTC)

// A world is a console with everything behind it.
type world struct {
	t       *testing.T
	handler http.Handler
	server  *server
	store   *eventstore.Store
	reader  *projections.Reader
	trail   *trail.Trail
	browser *browser.Browser
	// cookies are those of a browser that is signed in, by role.
	cookies map[access.Role][]*http.Cookie
	log     *strings.Builder
	keys    *apikeys.Store
	// parts are how the service is.
	parts []Part

	// later is how much later it is for sessions, in nanoseconds.
	later atomic.Int64

	mu       sync.Mutex
	sequence uint64
}

// newWorld makes a console over an empty log.
func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, err := sqldb.Open(ctx, sqldb.SQLiteURL(filepath.Join(t.TempDir(), "boxoffice.db")))
	if err != nil {
		t.Fatal(err)
	}
	now := func() domain.Instant { return domain.InstantOf(testNow) }
	w := &world{t: t, log: &strings.Builder{}, cookies: map[access.Role][]*http.Cookie{}}
	master := vault.FileMasterKey(filepath.Join(t.TempDir(), "master"), true)
	if err := eventstore.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	if w.store, err = eventstore.Open(ctx, db, master, now); err != nil {
		t.Fatal(err)
	}
	models, err := projections.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if err := projections.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	w.reader = projections.NewReader(models, 30*time.Minute)
	runner, err := projections.NewRunner(models, w.store, projections.Config{TimeZone: zone.String(), Now: now, Tick: 50 * time.Millisecond})
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
		db.Close()
	})
	pseudonyms := func(context.Context, []string) (map[string]trail.Subject, error) { return nil, nil }
	if err := trail.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	w.trail, err = trail.Open(ctx, db, trail.Config{Pseudonyms: pseudonyms})
	if err != nil {
		t.Fatal(err)
	}
	doer, err := accounts.New(accounts.Config{
		Reader: w.reader, Log: w.store, Publisher: w, Locks: db, Zone: zone, Clock: func() time.Time { return testNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.browser, w.keys = newBrowser(t, db, func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) })
	cursors, err := cursor.NewSealer(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.server, err = newServer(Config{
		Reader: w.reader, Log: w.store, Accounts: doer, Trail: w.trail, Audit: access.Audit{Trail: w.trail}, Browser: w.browser, Cursors: cursors,
		Keys:   w.keys,
		Health: func(context.Context) []Part { return w.parts },
		Zone:   zone, Trials: true, Clock: func() time.Time { return testNow },
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.handler, err = w.server.handle(); err != nil {
		t.Fatal(err)
	}
	return w
}

// newBrowser makes what signs browsers in, with a key for each role: its name.
// now is the clock that sessions end by.
func newBrowser(t *testing.T, db *sqldb.DB, now func() time.Time) (*browser.Browser, *apikeys.Store) {
	t.Helper()
	ctx := context.Background()
	for _, migrate := range []func(context.Context, *sqldb.DB) error{apikeys.Migrate, sessions.Migrate} {
		if err := migrate(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	made, err := apikeys.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := sessions.Open(ctx, db, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close(); kept.Close() })
	secret := []byte(strings.Repeat("s", 32))
	var keys []access.ConfiguredKey
	for _, role := range access.Roles {
		keys = append(keys, access.ConfiguredKey{Role: role, Key: string(role)})
	}
	ring, err := access.NewKeyring(access.KeyringConfig{Configured: keys, Made: made, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	b, err := browser.New(browser.Config{
		Guard: &access.Guard{Keys: ring, Attempts: attempts.New(time.Now)}, Keyring: ring, Sessions: kept, Secret: secret, CallbackPath: CallbackPath,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, made
}

// platform fills the world with the events of testdata/platform.ndjson.
func (w *world) platform() *world {
	w.t.Helper()
	f, err := os.Open(filepath.Join("testdata", "platform.ndjson"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	var events []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			events = append(events, line)
		}
	}
	w.happen(events...)
	w.server.customFields(w.t.Context())
	<-w.server.fields.found // however slow it is here
	return w
}

// PublishBatch appends messages as ingest does.
func (w *world) PublishBatch(ctx context.Context, messages []wire.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := eventstore.Batch{Stream: "test"}
	for _, m := range messages {
		w.sequence++
		a := wire.Receive(m.Subject, m.Header, m.Data, domain.InstantOf(testNow))
		b.Messages = append(b.Messages, eventstore.Incoming{
			Sequence: w.sequence, ReceivedAt: domain.InstantOf(testNow),
			Event: a.Event, Refusal: a.Refusal, MustBeNew: a.MustBeNew, Raw: a.Kept(),
		})
	}
	_, err := w.store.Append(ctx, b)
	return err
}

// happen publishes events, and waits until the read models show them.
func (w *world) happen(events ...string) {
	w.t.Helper()
	var messages []wire.Message
	for _, text := range events {
		var named struct{ Type string }
		if err := json.Unmarshal([]byte(text), &named); err != nil {
			w.t.Fatalf("%v in %s", err, text)
		}
		messages = append(messages, wire.Message{Subject: wire.Subject(domain.Type(named.Type)), Data: []byte(text)})
	}
	if err := w.PublishBatch(context.Background(), messages); err != nil {
		w.t.Fatal(err)
	}
	head, err := w.store.Head(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	eventually.Succeeds(w.t, "the read models have caught up", func() error {
		status, err := w.reader.Status(context.Background())
		if err == nil && status.Position < head.Position {
			err = fmt.Errorf("they are at %d, the log at %d", status.Position, head.Position)
		}
		return err
	})
}

// get asks for a page with a role.
func (w *world) get(role access.Role, path string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.do(httptest.NewRequest(http.MethodGet, path, nil), role, headers...)
}

// post sends a form with a role.
func (w *world) post(role access.Role, path string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	if !form.Has(browser.FormField) {
		form.Set(browser.FormField, w.token(role))
	}
	return w.do(httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode())), role, "Content-Type", "application/x-www-form-urlencoded")
}

func (w *world) do(r *http.Request, role access.Role, headers ...string) *httptest.ResponseRecorder {
	for _, c := range w.signedIn(role) {
		r.AddCookie(c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// signedIn are the cookies of a browser that is signed in as a role; none for no role.
func (w *world) signedIn(role access.Role) []*http.Cookie {
	w.t.Helper()
	if role == "" || w.cookies[role] != nil {
		return w.cookies[role]
	}
	r := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(url.Values{"key": {string(role)}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusSeeOther {
		w.t.Fatalf("signing in as %s is answered with %d: %s", role, answer.Code, answer.Body)
	}
	w.cookies[role] = answer.Result().Cookies()
	return w.cookies[role]
}

// token is the token of a form of a browser that is signed in as a role.
func (w *world) token(role access.Role) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.signedIn(role) {
		r.AddCookie(c)
	}
	return w.browser.FormToken(r)
}

// Tokens of forms and pseudonyms of users, each of which is another in every test.
var (
	aToken     = regexp.MustCompile(`(name="csrf_token" value=")[^"]*`)
	aPseudonym = regexp.MustCompile(`(<code class="dim">)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// golden holds the main part of a page against testdata/NAME.html.
func golden(t *testing.T, name, page string) {
	t.Helper()
	begin, end := strings.Index(page, "<main"), strings.Index(page, "</main>")
	if begin < 0 || end < 0 {
		t.Fatalf("no main part in %s", page)
	}
	got := aToken.ReplaceAllString(page[begin:end], "${1}TOKEN") + "</main>\n"
	got = aPseudonym.ReplaceAllString(got, "${1}PSEUDONYM")
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i, line := range gotLines {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("%s differs in line %d (go test -update writes it again)\ngot  %s\nwant %s", path, i+1, line, append(wantLines, make([]string, i+1)...)[i])
		}
	}
	t.Fatalf("%s ends differently", path)
}
