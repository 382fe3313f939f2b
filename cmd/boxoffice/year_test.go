//go:build year

// This file takes a year of a simulated platform through both installations,
// embedded and on PostgreSQL with a NATS server of its own, and holds every
// answer of both against those of a plain count.

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"boxoffice/ingest/natstest"
	"boxoffice/internal/oracle"
	"boxoffice/internal/platform"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

const (
	// yearEvents is how many events there are at least.
	yearEvents = 100_000
)

func TestYear(t *testing.T) {
	events := yearOf(t)
	zone, err := time.LoadLocation(historyZone)
	if err != nil {
		t.Fatal(err)
	}
	model := oracle.New(oracle.Options{Zone: zone, RenewalGrace: historyGrace})
	for _, event := range events {
		if _, err := model.Add(event); err != nil {
			t.Fatal(err)
		}
	}
	binary := buildProgram(t)

	embedded := prepareInstallation(t, binary, "embedded", nil)
	embedded.serve(t)
	nats := natstest.Start(t, natstest.Options{Config: "max_payload: 8MB"})
	onServers := prepareInstallation(t, binary, "servers", map[string]string{
		"BOXOFFICE_DATABASE_URL":     sqltest.URL(t, sqldb.Postgres),
		"BOXOFFICE_MASTER_KEY":       filepath.Join(t.TempDir(), "master-key.json"),
		"BOXOFFICE_NATS_URL":         nats.URL(),
		"BOXOFFICE_NATS_MONITOR_URL": nats.MonitorURL(),
	})
	onServers.serve(t)

	inOrder := writeYear(t, "year.ndjson.zst", events)
	mixed := writeYear(t, "mixed.ndjson", shuffledAndDoubled(events))
	t.Run("publish", func(t *testing.T) {
		t.Run("embedded", func(t *testing.T) { t.Parallel(); publishYear(t, embedded, mixed, model.Position()) })
		t.Run("servers", func(t *testing.T) { t.Parallel(); publishYear(t, onServers, inOrder, model.Position()) })
	})
	questions := yearQuestions(model)
	t.Logf("%d events, %d questions", len(events), len(questions))
	for _, on := range []*installation{embedded, onServers} {
		t.Run(on.name, func(t *testing.T) { t.Parallel(); compareAnswers(t, on, questions) })
	}
}

// yearOf returns the events of the simulated year.
func yearOf(t *testing.T) [][]byte {
	t.Helper()
	var events [][]byte
	for event := range platform.New(platform.Options{Seed: 11, Until: yearEnd, Viewing: 0.3}).History() {
		events = append(events, event)
	}
	if len(events) < yearEvents {
		t.Fatalf("the year has %d events; want at least %d", len(events), yearEvents)
	}
	return events
}

// shuffledAndDoubled returns the events in an arbitrary order, a tenth of them twice.
func shuffledAndDoubled(events [][]byte) [][]byte {
	random := rand.New(rand.NewPCG(3, 5))
	mixed := append([][]byte{}, events...)
	for range len(events) / 10 {
		mixed = append(mixed, events[random.IntN(len(events))])
	}
	random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed
}

func writeYear(t *testing.T, name string, events [][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buffered := bufio.NewWriter(f)
	if filepath.Ext(name) == ".zst" {
		compressed, err := zstd.NewWriter(f)
		if err != nil {
			t.Fatal(err)
		}
		defer compressed.Close()
		buffered.Reset(compressed)
	}
	for _, event := range events {
		buffered.Write(event)
		buffered.WriteByte('\n')
	}
	if err := buffered.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// publishYear publishes the file and waits until the read models have it.
func publishYear(t *testing.T, on *installation, file string, position int) {
	started := time.Now()
	on.command(t, "publish", "--json", "--key", "admin-key", file) // retractions are an admin's, or of a key that names them
	published := time.Now()
	on.await(t, fmt.Sprintf(`"position":%d`, position), "/v1/users?limit=1")
	t.Logf("%s: published in %.1f s, in the read models %.1f s after that", on.name, published.Sub(started).Seconds(), time.Since(published).Seconds())
}
