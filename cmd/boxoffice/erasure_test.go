// This file erases somebody in a busy service, on both engines and in several
// processes, and then looks for them: by SQL at once, and after a scrub in every
// byte that the service and its database hold.

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/freeport"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// Everything that the person entered, and their id, has the mark in it, and
// nothing else has.
const (
	mark     = "zqx8812"
	personID = "auth0|" + mark + "/id"
)

// history is a quarter in the past, of the person and of others, in which
// nothing changes any more.
func history() []string {
	var events []string
	add := func(at, user, eventType, more, data string) {
		events = append(events, eventOf(at, user, eventType, more, data))
	}
	for _, user := range []string{"ana", personID, "ben"} {
		own := user
		if user == personID {
			own = mark
		}
		add("2025-02-01T10:00:00Z", user, "user.registered", `,"dataschema":"urn:`+own+`","note":"`+own+` extension"`,
			`{"email":"`+own+`@example.org","first_name":"First `+own+`","last_name":"Last `+own+`","locale":"`+own+`","country":"`+own+
				`","platform":"`+own+`","custom":{"`+own+` key":"`+own+` value"},"unnamed":"`+own+` field"}`)
		add("2025-02-02T10:00:00Z", user, "subscription.started", "", `{"subscription_id":"s-`+user[:2]+`","offer_id":"gold","trial_ends_at":"2025-02-10T00:00:00Z"}`)
		add("2025-03-02T10:00:00Z", user, "subscription.canceled", "", `{"subscription_id":"s-`+user[:2]+`","comment":"`+own+` comment"}`)
		for i := range 4 {
			add(fmt.Sprintf("2025-02-%02dT20:00:00Z", 10+i), user, "playback.progressed", "",
				fmt.Sprintf(`{"session_id":"v%d-%s","content_id":"film-%d","title":"Up","content_length_s":100,"played":[[0,%d]],"play_time_s":%[4]d}`, i, user[:2], i, 20*i+5))
		}
		add("2025-03-05T10:00:00Z", user, "user.updated", "", `{"first_name":"Second `+own+`"}`)
		add("2025-03-06T10:00:00Z", user, "user.updated", "", `{"email":["`+own+` isn't text"]}`) // is refused
	}
	return events
}

var eventNumber struct {
	sync.Mutex
	n int
}

// eventOf writes an event with an id of its own.
func eventOf(at, user, eventType, more, data string) string {
	eventNumber.Lock()
	defer eventNumber.Unlock()
	eventNumber.n++
	return fmt.Sprintf(`{"specversion":"1.0","source":"/t","id":"%d","type":"%s","subject":"%s","time":"%s"%s,"data":%s}`,
		eventNumber.n, eventType, user, at, more, data)
}

// A busyService is a whole service: in this process, or where there is a program
// as a process of that.
type busyService struct {
	t       *testing.T
	program string
	env     map[string]string
	url     string
	log     lockedBuffer
	config  *config
	stop    func()
	// others is how many events its traffic has published about others.
	others atomic.Int64
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start starts the service with what env says.
func (s *busyService) start() {
	s.t.Helper()
	for _, name := range []string{"HTTP", "NATS", "METRICS"} {
		addr, err := freeport.Addr()
		if err != nil {
			s.t.Fatal(err)
		}
		s.env["BOXOFFICE_"+name+"_ADDR"] = addr
	}
	s.url = "http://" + s.env["BOXOFFICE_HTTP_ADDR"]
	s.config = addSettings(&cobra.Command{}, databaseSettings, brokerSettings, serviceSettings)
	if err := s.config.load(func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }); err != nil {
		s.t.Fatal(err)
	}
	if s.program == "" {
		s.stop = s.runHere()
	} else {
		s.stop = s.runProgram()
	}
	s.t.Cleanup(s.stop)
	s.eventually("the service is ready", func() bool {
		status, body := s.call(http.MethodGet, "/readyz", "", "")
		return status == http.StatusOK && strings.Contains(body, `"behind_events":0`)
	})
}

func (s *busyService) runHere() (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	running, err := startService(ctx, s.config, allRoles, true, slog.New(slog.NewJSONHandler(&s.log, nil)))
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- running.wait() }()
	return sync.OnceFunc(func() {
		cancel()
		if err := ignoreStop(ctx, <-ended); err != nil {
			s.t.Error(err)
		}
	})
}

func (s *busyService) runProgram() (stop func()) {
	s.t.Helper()
	cmd := exec.Command(s.program, "serve")
	cmd.Env, cmd.Stderr = os.Environ(), &s.log
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which Wait says
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("serve: %v; the end of its log:\n%s", err, endOf(s.log.String()))
		}
	})
}

func (s *busyService) call(method, path, contentType, body string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Authorization", "Bearer admin-key")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

func (s *busyService) get(path string) string {
	s.t.Helper()
	status, body := s.call(http.MethodGet, path, "", "")
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, status, body)
	}
	return body
}

func (s *busyService) publish(events ...string) {
	s.t.Helper()
	if status, body := s.call(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", "["+strings.Join(events, ",")+"]"); status != http.StatusAccepted {
		s.t.Errorf("publish: %d %s", status, body)
	}
}

func (s *busyService) eventually(what string, holds func() bool) {
	s.t.Helper()
	eventually.Succeeds(s.t, what, func() error {
		if !holds() {
			return fmt.Errorf("the end of the log is:\n%s", endOf(s.log.String()))
		}
		return nil
	})
}

// person is what the service answers about the person.
func (s *busyService) person() string {
	_, answer := s.call(http.MethodGet, "/v1/users/"+url.PathEscape(personID), "", "")
	return answer
}

// erase erases the person, and asks again where that takes longer.
func (s *busyService) erase() {
	s.t.Helper()
	s.eventually("the person is erased", func() bool {
		status, body := s.call(http.MethodDelete, "/v1/users/"+url.PathEscape(personID), "", "")
		if status != http.StatusNoContent && status != http.StatusServiceUnavailable {
			s.t.Fatalf("erase: %d %s", status, body)
		}
		return status == http.StatusNoContent
	})
}

var changing = regexp.MustCompile(`"(position|time_zone|user_id|next_cursor)":("[^"]*"|\d+|null)`)

// figures returns every figure and every session of the quarter, without what
// says who and how far.
func (s *busyService) figures() string {
	s.t.Helper()
	var all strings.Builder
	for _, path := range []string{
		"/v1/kpis?from=2025-01&to=2025-04&as_of=2025-04-15T00:00:00Z",
		"/v1/kpis/2025-02?as_of=2025-02-05T00:00:00Z",
		"/v1/contents?from=2025-01-01&to=2025-05-01",
		"/v1/sessions?from=2025-01-01&to=2025-05-01",
	} {
		all.WriteString(changing.ReplaceAllString(s.get(path), `"$1":0`) + "\n")
	}
	return all.String()
}

// traffic publishes events about others, more and more of them, and about the
// person, one batch after another, until stopped. What the person's say has the
// mark.
func (s *busyService) traffic() (stop func()) {
	done := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			now := time.Now().UTC().Format(time.RFC3339Nano)
			other := fmt.Sprintf("other-%d", s.others.Load()/5)
			s.publish(eventOf(now, other, "user.updated", "", `{"first_name":"Somebody"}`),
				eventOf(now, personID, "user.updated", "", `{"first_name":"Third `+mark+`"}`),
				eventOf(now, other, "playback.progressed", "", `{"session_id":"now","content_id":"film-now","played":[[0,7]]}`),
				eventOf("2025-03-01T00:00:00Z", personID, "user.updated", "", `{"last_name":"late `+mark+`"}`),
				eventOf(now, personID, "user.updated", "", `{"email":7,"x":"`+mark+`"}`))
			s.others.Add(1)
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		working.Wait()
	})
}

// trafficOf starts each service's traffic, and returns what stops it all.
func trafficOf(services []*busyService) (stop func()) {
	var stops []func()
	for _, s := range services {
		stops = append(stops, s.traffic())
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// readable counts how often the text is in what can be read of the log.
func (s *busyService) readable(text string) (n int64) {
	s.t.Helper()
	for after := int64(0); ; {
		body := s.get(fmt.Sprintf("/v1/events?limit=1000&after=%d", after))
		n += int64(strings.Count(body, text))
		var page struct {
			NextAfter *int64 `json:"next_after"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(err)
		}
		if page.NextAfter == nil {
			return n
		}
		after = *page.NextAfter
	}
}

func TestErasureHoldsInEveryByte(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := erasureService(t)
		eraseAmongOthers(t, []*busyService{s}, []string{s.env["BOXOFFICE_DATA_DIR"]})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := sqltest.StartServer(t)
		s := erasureService(t)
		onPostgres(t, server.URL, s)
		eraseAmongOthers(t, []*busyService{s}, []string{s.env["BOXOFFICE_DATA_DIR"], server.Dir})
	})
	// Each process has keys in memory that only the database tells it are gone.
	t.Run("processes on postgres", func(t *testing.T) {
		t.Parallel()
		server := sqltest.StartServer(t)
		nats, program := natstest.Start(t, natstest.Options{}), buildProgram(t)
		services, kept := []*busyService{erasureService(t), erasureService(t)}, []string{server.Dir}
		onPostgres(t, server.URL, services...)
		for _, s := range services {
			s.program, s.env["BOXOFFICE_NATS_URL"] = program, nats.URL()
			kept = append(kept, s.env["BOXOFFICE_DATA_DIR"])
		}
		eraseAmongOthers(t, services, kept)
	})
}

func erasureService(t *testing.T) *busyService {
	return &busyService{t: t, env: map[string]string{
		"BOXOFFICE_DATA_DIR": t.TempDir(), "BOXOFFICE_API_KEYS": scriptKeys, "BOXOFFICE_TIME_ZONE": "UTC", "BOXOFFICE_SCRUB_EVERY": "0",
	}}
}

// onPostgres has services share a database and its master key.
func onPostgres(t *testing.T, databaseURL string, services ...*busyService) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master-key.json")
	if status := run([]string{"keys", "new-master", key}, nil, io.Discard, os.Stderr); status != 0 {
		t.Fatal("no master key")
	}
	for _, s := range services {
		s.env["BOXOFFICE_DATABASE_URL"], s.env["BOXOFFICE_MASTER_KEY"] = databaseURL, key
	}
}

// eraseAmongOthers erases the person over the first of the services, which
// share a database, and looks for them in all.
func eraseAmongOthers(t *testing.T, services []*busyService, kept []string) {
	s, last := services[0], services[len(services)-1]
	for _, each := range services {
		each.start()
	}
	s.publish(history()...)
	s.eventually("the history is there", func() bool {
		return strings.Count(s.figures(), "film-") >= 16 && strings.Count(s.get("/v1/refused"), "invalid_data") >= 3
	})
	before := s.figures()
	stop := trafficOf(services)
	defer func() { stop() }()
	s.eventually("there is traffic", func() bool { return strings.Contains(s.person(), "Third "+mark) })
	analyze(t, s)
	// What looks for the mark finds it while the person is there.
	if len(marked(t, s)) < 5 || len(files(t, kept, []byte(mark))) == 0 {
		t.Fatal("the search finds nothing")
	}
	for _, each := range services {
		if each.readable(mark) == 0 {
			t.Fatal("what the person said can't be read")
		}
	}
	secrets := secretsOf(t, s)

	s.erase()
	held := func(when string) {
		t.Helper()
		if places := marked(t, s); len(places) > 0 {
			t.Errorf("%s, SQL finds the person in %v", when, places)
		}
		for i, each := range services {
			each.heldAnswers(t, fmt.Sprintf("%s, at service %d", when, i+1), before)
		}
	}
	held("right after the erasure")

	// The same id registers again, and is erased again.
	s.publish(eventOf(time.Now().UTC().Add(time.Second).Format(time.RFC3339Nano), personID, "user.registered", "", `{"email":"new-`+mark+`@example.org"}`))
	s.eventually("the id is there again", func() bool { return strings.Contains(s.person(), "new-"+mark) })
	last.erase()
	held("after the second erasure")

	// Another generation is built from the log, with the old one beside it.
	stop()
	for _, each := range services {
		each.stop()
	}
	for _, each := range services {
		each.env["BOXOFFICE_TIME_ZONE"] = "Etc/UTC"
		each.start()
	}
	s.eventually("another generation is live", func() bool { return strings.Contains(s.get("/v1/kpis/2025-02"), "Etc/UTC") })
	held("after a rebuild")

	stop = trafficOf(services)
	scrubAll(t, s)
	lost := func(when string) {
		t.Helper()
		for _, secret := range append(secrets, []byte(mark)) {
			if places := files(t, kept, secret); len(places) > 0 {
				t.Errorf("%s, %q is in %v", when, secret, places)
			}
		}
	}
	lost("after the scrub")
	held("after the scrub")
	stop()
	for _, each := range services {
		each.stop()
	}
	lost("after the scrub and a stop")

	// Nothing was encrypted under a key that the scrub has destroyed.
	last.start()
	var others int64
	for _, each := range services {
		others += each.others.Load()
	}
	last.eventually("all that others said can be read", func() bool { return last.readable(`"first_name":"Somebody"`) == others })
}

// heldAnswers sees that no answer of the service has the person, and that every
// figure is what it was before.
func (s *busyService) heldAnswers(t *testing.T, when, before string) {
	t.Helper()
	for _, path := range []string{"/v1/users?limit=1000", "/v1/refused?limit=1000", "/v1/events?limit=1000", "/v1/kpis/2025-02/registered/users"} {
		if strings.Contains(s.get(path), mark) {
			t.Errorf("%s, %s has the person", when, path)
		}
	}
	if answer := s.person(); !strings.Contains(answer, `"status":404`) {
		t.Errorf("%s, the person is found: %s", when, answer)
	}
	if diff := cmp.Diff(before, s.figures()); diff != "" {
		t.Errorf("%s, figures differ: %s", when, diff)
	}
	if strings.Contains(s.log.String(), mark) {
		t.Errorf("%s, the service's log has the person", when)
	}
}

// The service scrubs by itself where somebody was erased, and says so.
func TestServeScrubs(t *testing.T) {
	t.Parallel()
	s := &busyService{t: t, env: map[string]string{
		"BOXOFFICE_DATA_DIR": t.TempDir(), "BOXOFFICE_API_KEYS": scriptKeys, "BOXOFFICE_SCRUB_EVERY": "1s",
	}}
	s.start()
	s.publish(history()...)
	s.eventually("the person is there", func() bool { return strings.Contains(s.get("/v1/users"), personID) })
	if ready := s.get("/readyz"); strings.Contains(ready, "scrubbed_at") {
		t.Errorf("it has scrubbed with nobody erased: %s", ready)
	}
	s.erase()
	s.eventually("the service has scrubbed", func() bool {
		ready := s.get("/readyz")
		return strings.Contains(ready, `"pending_scrub":0`) && strings.Contains(ready, "scrubbed_at")
	})
	s.stop()
	if places := files(t, []string{s.config.DataDir}, []byte(mark)); len(places) > 0 {
		t.Errorf("after it, %v have the person", places)
	}
}

// scrubAll scrubs beside the service, as another process.
func scrubAll(t *testing.T, s *busyService) {
	t.Helper()
	db, err := openDatabase(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := scrubDatabase(t.Context(), s.config, db, newProgress(io.Discard, ""))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Problems) > 0 || result.Pending != 0 || result.Rewrapped == 0 {
		t.Errorf("the scrub came to %+v", result)
	}
}

// eachTable runs f on every table of every part of the database.
func eachTable(t *testing.T, s *busyService, f func(db *sql.DB, part, table string)) {
	t.Helper()
	db, err := openDatabase(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if db.Dialect().Name == sqldb.Postgres {
		for _, table := range texts(t, db.SQL(), "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')") {
			f(db.SQL(), "", table)
		}
		f(db.SQL(), "", "pg_catalog.pg_stats")
		return
	}
	names, err := filepath.Glob(filepath.Join(s.config.DataDir, "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := sqldb.Open(t.Context(), sqldb.SQLiteURL(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range texts(t, file.SQL(), "SELECT name FROM sqlite_master WHERE type = 'table'") {
			f(file.SQL(), filepath.Base(name)+" ", table)
		}
		file.Close()
	}
}

func texts(t *testing.T, db *sql.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// marked returns the columns of all tables that have the mark.
func marked(t *testing.T, s *busyService) (places []string) {
	t.Helper()
	eachTable(t, s, func(db *sql.DB, part, table string) {
		select_ := "SELECT * FROM " + table
		if table == "pg_catalog.pg_stats" {
			select_ = "SELECT tablename, attname, most_common_vals::text, histogram_bounds::text, most_common_elems::text FROM " + table
		}
		rows, err := db.QueryContext(t.Context(), select_)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		seen := map[string]bool{}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				text := fmt.Sprint(v)
				if b, ok := v.([]byte); ok {
					text = string(b)
				}
				if place := part + table + "." + columns[i]; strings.Contains(text, mark) && !seen[place] {
					seen[place] = true
					places = append(places, place)
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	})
	return places
}

// analyze has PostgreSQL take samples of everything, as its operator may.
func analyze(t *testing.T, s *busyService) {
	t.Helper()
	db, err := openDatabase(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.SQL().ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
}

// secretsOf returns the wrapped keys by which something of the person could be
// read by who has the master key: the wrapping key and the person's own. Which
// of the users' keys is theirs can't be told from outside, so it is all of them.
func secretsOf(t *testing.T, s *busyService) (secrets [][]byte) {
	t.Helper()
	eachTable(t, s, func(db *sql.DB, _, table string) {
		query := map[string]string{
			"boxoffice_log.vault_keys": "SELECT wrapped FROM boxoffice_log.vault_keys WHERE purpose = 'wrapping'",
			"vault_keys":               "SELECT wrapped FROM vault_keys WHERE purpose = 'wrapping'",
			"boxoffice_log.users":      "SELECT wrapped_key FROM boxoffice_log.users",
			"users":                    "SELECT wrapped_key FROM users",
		}[table]
		if query == "" || table == "users" && !has(t, db, "vault_keys") {
			return
		}
		for _, secret := range texts(t, db, query) {
			secrets = append(secrets, []byte(secret))
		}
	})
	if len(secrets) < 3 {
		t.Fatalf("only %d secrets", len(secrets))
	}
	return secrets
}

func has(t *testing.T, db *sql.DB, table string) bool {
	return len(texts(t, db, "SELECT name FROM sqlite_master WHERE name = '"+table+"'")) > 0
}

// files returns the files below directories that hold the bytes. The broker's are
// left out: they keep events for as long as the operator says.
func files(t *testing.T, dirs []string, secret []byte) (places []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if entry != nil && entry.IsDir() && entry.Name() == "nats" {
				return fs.SkipDir
			}
			if err != nil || !entry.Type().IsRegular() {
				return ignoreGone(err)
			}
			content, err := os.ReadFile(path)
			if bytes.Contains(content, secret) {
				at, _ := filepath.Rel(dir, path)
				places = append(places, at)
			}
			return ignoreGone(err)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return places
}

// ignoreGone lets files go while they are looked for.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func endOf(text string) string { return text[max(0, len(text)-3000):] }
