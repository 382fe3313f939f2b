// This file tests what an operator sees of a broker that comes to its limit.

package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"boxoffice/internal/eventually"
)

// A broker at its limit is told by /readyz and the metrics while publishers get
// errors. Once the log takes events again, what is in it makes room for others
// without waiting for the retention, which both tell as well. Nothing that was
// accepted is lost.
func TestABrokerAtItsLimit(t *testing.T) {
	on := prepareInstallation(t, buildProgram(t), "limited", map[string]string{
		"BOXOFFICE_BROKER_MAX_BYTES": "1MiB", "BOXOFFICE_RETENTION": "72h",
	})
	on.serve(t)
	if status, body, err := on.get("/readyz"); err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(`"limit_bytes":1048576`)) {
		t.Fatalf("at the start /readyz answers %d %s %v", status, body, err)
	}
	unlock := on.lockDatabase(t)
	accepted := 0
	for on.publishLarge(t, accepted) {
		accepted++
	}
	if accepted < 20 || accepted > 60 {
		t.Fatalf("%d events of 20 kB are in a broker of 1 MiB", accepted)
	}
	on.await(t, "the broker has reached its limit of bytes", "/readyz")
	if status, _, err := on.get("/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d %v", status, err)
	}
	eventually.Holds(t, "the metric says that it is full", func() bool { return on.metric(t, "boxoffice_broker_full") == 1 })
	if n := on.metric(t, "boxoffice_broker_purged_early_events_total"); n != 0 {
		t.Errorf("%g events were purged that are not in the log", n)
	}
	unlock()
	for want := 4 * accepted; accepted < want; accepted++ {
		eventually.Holds(t, "there is room again", func() bool { return on.publishLarge(t, accepted) })
	}
	on.await(t, "left the broker before BOXOFFICE_RETENTION was over", "/readyz")
	on.await(t, `"status":"ready","parts"`, "/readyz")
	eventually.Holds(t, "the metrics say that it made room", func() bool {
		return on.metric(t, "boxoffice_broker_full") == 0 && on.metric(t, "boxoffice_broker_purged_early_events_total") > 0
	})
	on.await(t, fmt.Sprintf(`"position":%d}`, accepted), "/readyz")
}

// publishLarge publishes an event of 20 kB, and says whether it was accepted or
// there was no room for it.
func (on *installation) publishLarge(t *testing.T, n int) bool {
	t.Helper()
	event := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/limited","type":"user.registered","subject":"u%d","time":%q,"data":{"custom":{"filler":%q}}}`,
		n, n, time.Now().UTC().Format(time.RFC3339), strings.Repeat("x", 20_000))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, on.url+"/v1/events", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer admin-key")
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := on.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("publishing is answered with %d", resp.StatusCode)
	}
	return resp.StatusCode == http.StatusAccepted
}

// lockDatabase keeps the service from writing to the log until what it returns is called.
func (on *installation) lockDatabase(t *testing.T) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(on.dir, "boxoffice-log.db")+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// metric is the value of a metric without labels.
func (on *installation) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, body, err := on.fetch(on.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+" "); found {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
