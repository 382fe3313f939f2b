// Package natstest runs a nats-server as a process of its own, for tests that
// need what a server within the process can't give: to be killed.
//
// The server is the one of the module that go.mod names; it is built once and
// kept in the user's cache.
package natstest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"boxoffice/internal/freeport"
)

// module is the program that is built.
const module = "github.com/nats-io/nats-server/v2"

// startWithin is how long a server may take to answer.
const startWithin = 30 * time.Second

// Options say how a server is started. The zero value syncs before it
// acknowledges and lets everybody in.
type Options struct {
	// SyncInterval is jetstream.sync_interval; empty is "always".
	SyncInterval string
	// Config is more configuration, at its top level.
	Config string
}

// A Server is a nats-server with JetStream, on a port and in a directory that
// stay the same when it is started again. It is stopped at the end of the test.
type Server struct {
	t       testing.TB
	conf    string
	dir     string
	port    int
	monitor int

	mu  sync.Mutex
	cmd *exec.Cmd
	// died is closed when the process that cmd started has ended.
	died   chan struct{}
	output *bytes.Buffer
}

// Start builds the server where it hasn't been, and starts it. -short leaves out
// what needs it.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs a nats-server")
	}
	s := &Server{t: t, dir: t.TempDir(), port: freePort(t), monitor: freePort(t)}
	s.conf = s.configure(opts)
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) configure(opts Options) string {
	s.t.Helper()
	interval := opts.SyncInterval
	if interval == "" {
		interval = "always"
	}
	text := fmt.Sprintf("server_name: natstest\nlisten: 127.0.0.1:%d\nhttp: 127.0.0.1:%d\nmax_payload: 8MB\n"+
		"jetstream { store_dir: %q, sync_interval: %s }\n%s\n",
		s.port, s.monitor, filepath.Join(s.dir, "js"), interval, opts.Config)
	path := filepath.Join(s.dir, "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// URL is the server's address.
func (s *Server) URL() string { return "nats://127.0.0.1:" + strconv.Itoa(s.port) }

// MonitorURL is the address of the server's monitoring.
func (s *Server) MonitorURL() string { return "http://127.0.0.1:" + strconv.Itoa(s.monitor) }

// Start starts the server after it was killed, on what it had stored.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) start() error {
	program, err := build()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output, s.died = new(bytes.Buffer), make(chan struct{})
	s.cmd = exec.Command(program, "-c", s.conf)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting nats-server: %w", err)
	}
	go func(cmd *exec.Cmd, died chan struct{}) {
		// How it ended doesn't matter: it is killed as a rule.
		_ = cmd.Wait()
		close(died)
	}(s.cmd, s.died)
	return s.await()
}

// await waits until the server answers.
func (s *Server) await() error {
	deadline := time.Now().Add(startWithin)
	for time.Now().Before(deadline) {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(s.port), time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.died:
			return fmt.Errorf("nats-server ended at once:\n%s", s.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("nats-server doesn't listen after %s", startWithin)
}

// Kill kills the server (SIGKILL) and waits until it is gone. It does nothing
// to one that isn't running.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd, died := s.cmd, s.died
	s.mu.Unlock()
	// An error says that it has ended already.
	_ = cmd.Process.Kill()
	<-died
}

// Restart kills the server and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Start()
}

// RestartCommand returns a command that does what Restart does, for a suite that
// restarts servers with one. It needs curl.
func (s *Server) RestartCommand() []string {
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.Kill()
		if err := s.start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	s.t.Cleanup(control.Close)
	return []string{"curl", "--fail", "--silent", "--show-error", "--request", "POST", control.URL}
}

// Lose kills the server and removes all it had stored.
func (s *Server) Lose() {
	s.t.Helper()
	s.Kill()
	if err := os.RemoveAll(filepath.Join(s.dir, "js")); err != nil {
		s.t.Fatal(err)
	}
}

// build compiles the server, where that hasn't been done for its version, and
// returns the program's path.
var build = sync.OnceValues(func() (string, error) {
	version, err := output("go", "list", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "boxoffice-natstest")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "nats-server-"+version+exe())
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	// Other test binaries may build it at the same time: each under a name of
	// its own, and the last to finish stays.
	fresh := fmt.Sprintf("%s.%d", program, os.Getpid())
	if _, err := output("go", "build", "-o", fresh, module); err != nil {
		return "", err
	}
	return program, os.Rename(fresh, program)
})

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building nats-server: %w\n%s", err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), nil
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
