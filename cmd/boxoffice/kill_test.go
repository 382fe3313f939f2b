// This file kills the real program, and the servers that it works with, at
// random moments while events are published, and holds what is there afterwards
// against what was acknowledged to the publisher.

package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

const (
	// killsVariable says how often each installation is killed, by default
	// defaultKills times.
	killsVariable = "BOXOFFICE_TEST_KILLS"
	defaultKills  = 8
	// restartVariable is a shell command that stops the PostgreSQL server of
	// the tests at once and starts it again. Without it the server stays, and
	// ends all connections of the installation.
	restartVariable = "BOXOFFICE_TEST_POSTGRES_RESTART"
	// killWithin is how long a process runs at most before something is killed.
	killWithin = 2500 * time.Millisecond
)

func killsWanted(t *testing.T) int {
	text := os.Getenv(killsVariable)
	if text == "" && testing.Short() {
		return 1
	}
	if text == "" {
		return defaultKills
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a number from 1", killsVariable)
	}
	return n
}

// Whatever dies at whatever moment, an event that the broker acknowledged is in
// the log exactly once, positions have no hole, the accounts say what became of
// every message, and the read models have what follows from the log.
func TestKill(t *testing.T) {
	t.Parallel()
	binary, kills := buildProgram(t), killsWanted(t)
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		on := prepareInstallation(t, binary, "embedded", nil)
		k := &killing{on: on, broker: on.nats, database: sqldb.SQLiteURL(filepath.Join(on.dir, "boxoffice.db")), schema: "log"}
		serve := k.process(t, "serve")
		k.victims = []victim{{"serve", serve.kill, serve.start}}
		k.run(t, kills)
	})
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		nats := natstest.Start(t, natstest.Options{})
		database := sqltest.URL(t, sqldb.Postgres)
		on := prepareInstallation(t, binary, "servers", map[string]string{
			"BOXOFFICE_DATABASE_URL":     database,
			"BOXOFFICE_MASTER_KEY":       filepath.Join(t.TempDir(), "master-key.json"),
			"BOXOFFICE_NATS_URL":         nats.URL(),
			"BOXOFFICE_NATS_MONITOR_URL": nats.MonitorURL(),
		})
		on.command(t, "migrate")
		k := &killing{on: on, broker: nats.URL(), database: database, schema: "boxoffice_log"}
		for _, role := range []string{"ingest", "ingest", "project", "project", "api"} {
			p := k.process(t, "serve", "--migrate=false", "--roles", role, "--metrics-addr", "")
			k.victims = append(k.victims, victim{role, p.kill, p.start})
		}
		k.victims = append(k.victims,
			victim{"nats-server", func(*testing.T) { nats.Kill() }, func(*testing.T) { nats.Start() }},
			victim{"PostgreSQL", k.breakDatabase, func(*testing.T) {}})
		k.run(t, kills)
	})
}

// A killing is an installation of which something is killed again and again.
type killing struct {
	on               *installation
	broker           string
	database, schema string
	victims          []victim
}

// A victim is something that is killed and started again.
type victim struct {
	name        string
	kill, start func(*testing.T)
}

func (k *killing) run(t *testing.T, kills int) {
	for _, v := range k.victims {
		if v.name != "nats-server" { // it has been started
			v.start(t)
		}
	}
	k.on.await(t, `"status":"ready","parts"`, "/readyz")
	p := startPublishing(t, k.broker, kills)
	killed := map[string]int{}
	for range kills {
		time.Sleep(rand.N(killWithin))
		v := k.victims[rand.IntN(len(k.victims))]
		v.kill(t)
		killed[v.name]++
		k.checkLog(t)
		v.start(t)
	}
	k.awaitReady(t)
	published := p.stop(t)
	t.Logf("killed %v; %s", killed, published)

	k.on.await(t, fmt.Sprintf(`"position":%d}`, len(published.events)), "/v1/kpis/2026-01")
	k.checkLog(t)
	k.checkEvents(t, published)
	k.checkAccounts(t, published)
	k.checkAnswers(t, published)
}

// awaitReady waits for the service to be whole again, and starts again what
// stopped because a server was away.
func (k *killing) awaitReady(t *testing.T) {
	t.Helper()
	eventually.Succeeds(t, "the service is ready after all that was killed", func() error {
		if _, body, err := k.on.get("/readyz"); err != nil || !bytes.Contains(body, []byte(`"status":"ready","parts"`)) {
			return fmt.Errorf("it answers %s, %w", body, err)
		}
		return nil
	})
}

// A process is one of the program that is killed and started again.
type process struct {
	killing *killing
	args    []string
	cancel  context.CancelFunc // nil while it doesn't run
	done    chan error
}

func (k *killing) process(t *testing.T, args ...string) *process {
	p := &process{killing: k, args: args}
	t.Cleanup(func() { p.kill(t) })
	return p
}

// start starts the process.
func (p *process) start(*testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.done = cancel, make(chan error, 1)
	go func() { p.done <- p.run(ctx) }()
}

// run runs the process until ctx ends, which kills it (SIGKILL). It never ends by
// itself: what is away is waited for.
func (p *process) run(ctx context.Context) error {
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, p.killing.on.binary, p.args...)
	cmd.Env, cmd.Stderr = p.killing.on.env, &log
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("%v ended by itself: %v\n%s", p.args, err, tail(log.String(), 4000))
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if p.cancel == nil {
		return
	}
	p.cancel()
	p.cancel = nil
	if err := <-p.done; err != nil {
		t.Fatal(err)
	}
}

// breakDatabase stops the PostgreSQL server at once and starts it again, or has
// it end all connections of the installation.
func (k *killing) breakDatabase(t *testing.T) {
	if restart := os.Getenv(restartVariable); restart != "" {
		if out, err := exec.Command("sh", "-c", restart).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", restartVariable, err, out)
		}
		return
	}
	k.query(t, "", "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
		func(rows *sql.Rows) error { return nil })
}

// query reads rows of the database, past the service.
func (k *killing) query(t *testing.T, schema, text string, row func(*sql.Rows) error) {
	t.Helper()
	eventually.Succeeds(t, "the database answers", func() error { return k.tryQuery(t.Context(), schema, text, row) })
}

func (k *killing) tryQuery(ctx context.Context, schema, text string, row func(*sql.Rows) error) error {
	db, err := sqldb.Open(ctx, k.database)
	if err != nil {
		return err
	}
	defer db.Close()
	if schema != "" {
		part, err := db.Schema(ctx, schema)
		if err != nil {
			return err
		}
		defer part.Close()
		db = part
	}
	rows, err := db.SQL().QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
