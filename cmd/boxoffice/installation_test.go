// This file runs an installation of the real program, for the tests that take a
// platform's history through it.

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"boxoffice/internal/eventually"
	"boxoffice/internal/freeport"
)

// historyZone is the time zone of the platforms whose history it is, and
// historyGrace their renewal grace: some are charged within it, some later.
const (
	historyZone  = "Europe/Paris"
	historyGrace = 30 * time.Hour
)

// programVariable names the environment variable with the path of the program,
// where it has been built already.
const programVariable = "BOXOFFICE_TEST_PROGRAM"

// buildProgram builds the program as it is shipped, once for all tests.
func buildProgram(t *testing.T) string {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// builtDir is the directory of the program that was built for the tests; empty
// where there is none.
var builtDir string

var builtProgram = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(programVariable); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "boxoffice-program-")
	if err != nil {
		return "", err
	}
	builtDir = dir
	path := filepath.Join(dir, "boxoffice")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// An installation is a running service with everything that it stores.
type installation struct {
	name   string
	binary string
	env    []string
	dir    string // its data directory
	url    string // of the API
	nats   string // of its own broker
	// metrics is where its metrics are.
	metrics string
	client  http.Client
}

// prepareInstallation makes what an installation needs, and starts nothing.
func prepareInstallation(t *testing.T, binary, name string, settings map[string]string) *installation {
	t.Helper()
	dir := t.TempDir()
	on := &installation{name: name, binary: binary, env: os.Environ()}
	set := func(key, value string) { on.env = append(on.env, key+"="+value) }
	for _, listens := range []string{"HTTP", "NATS", "METRICS"} {
		addr, err := freeport.Addr()
		if err != nil {
			t.Fatal(err)
		}
		set("BOXOFFICE_"+listens+"_ADDR", addr)
		switch listens {
		case "HTTP":
			on.url = "http://" + addr
		case "NATS":
			on.nats = "nats://" + addr
		case "METRICS":
			on.metrics = "http://" + addr
		}
	}
	on.dir = dir
	set("BOXOFFICE_DATA_DIR", dir)
	set("BOXOFFICE_API_KEYS", scriptKeys)
	set("BOXOFFICE_TIME_ZONE", historyZone)
	set("BOXOFFICE_RENEWAL_GRACE", "1d6h")
	set("XDG_CACHE_HOME", dir)
	for key, value := range settings {
		set(key, value)
		if key == "BOXOFFICE_MASTER_KEY" {
			on.command(t, "keys", "new-master", value)
		}
	}
	return on
}

// serve starts the service and stops it at the end of the test.
func (on *installation) serve(t *testing.T) {
	t.Helper()
	serve := exec.Command(on.binary, "serve")
	serve.Env = on.env
	var log bytes.Buffer
	serve.Stderr = &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(syscall.SIGTERM) // it may have ended, which Wait says
		if err := serve.Wait(); err != nil || t.Failed() {
			t.Logf("%s: serve ended with %v; the end of its log:\n%s", on.name, err, tail(log.String(), 4000))
		}
	})
	on.await(t, `"status":"ready","parts"`, "/readyz")
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// command runs another command of the program.
func (on *installation) command(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(on.binary, args...)
	cmd.Env = on.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: boxoffice %s: %v\n%s", on.name, strings.Join(args, " "), err, out)
	}
}

// get asks the API as an administrator.
func (on *installation) get(path string) (int, []byte, error) { return on.fetch(on.url + path) }

// fetch asks for an address as an administrator.
func (on *installation) fetch(address string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer admin-key")
	resp, err := on.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// await asks until the answer has the text in it.
func (on *installation) await(t *testing.T, text, path string) {
	t.Helper()
	eventually.Succeeds(t, fmt.Sprintf("%s has %q at %s", on.name, text, path), func() error {
		status, body, err := on.get(path)
		if err == nil && !bytes.Contains(body, []byte(text)) {
			err = fmt.Errorf("%d %s", status, tail(string(body), 500))
		}
		return err
	})
}
