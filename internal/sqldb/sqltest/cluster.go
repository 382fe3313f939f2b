// This file is a PostgreSQL server of a test's own, which can be stopped and
// started again.

package sqltest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"boxoffice/internal/freeport"
)

// A Server is a PostgreSQL server of a test's own, on a port and in a directory
// that stay the same when it is started again.
type Server struct {
	// URL is that of a superuser.
	URL string
	// Dir has everything that the server writes.
	Dir string

	t     testing.TB
	bin   string
	owner *syscall.SysProcAttr
	port  int
}

// NewServer makes a PostgreSQL server with nothing in it for one test, and
// doesn't start it. It needs PostgreSQL's binaries on this machine.
func NewServer(t testing.TB) *Server {
	t.Helper()
	needsPostgres(t)
	dir, err := os.MkdirTemp("", "boxoffice-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := freePort(t)
	s := &Server{
		URL: fmt.Sprintf("postgres://boxoffice@127.0.0.1:%d/postgres?sslmode=disable", port),
		Dir: dir, t: t, bin: postgresBinaries(t), owner: clusterOwner(t, dir), port: port,
	}
	s.run("initdb", "-D", s.data(), "-U", "boxoffice", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	return s
}

// StartServer makes a server and starts it; it is stopped when the test ends.
func StartServer(t testing.TB) *Server {
	t.Helper()
	s := NewServer(t)
	s.Start()
	return s
}

// Start starts the server until it is stopped, at the latest when the test ends.
func (s *Server) Start() {
	s.t.Helper()
	log := filepath.Join(s.Dir, "server.log")
	start := exec.Command(filepath.Join(s.bin, "pg_ctl"), "-D", s.data(), "-w", "-l", log, "-o",
		fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c fsync=off", s.port, s.Dir), "start")
	start.Dir, start.SysProcAttr = s.Dir, s.owner
	// The server inherits what it writes to, so a pipe would never end.
	if err := start.Run(); err != nil {
		text, _ := os.ReadFile(log)
		s.t.Fatalf("start PostgreSQL: %v\n%s", err, text)
	}
	s.t.Cleanup(s.Stop)
}

// Stop stops the server at once, as a crash would; it does nothing to one that
// isn't running.
func (s *Server) Stop() {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		s.run("pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop")
	}
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

func (s *Server) run(command string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, command), args...)
	cmd.Dir, cmd.SysProcAttr = s.Dir, s.owner
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// clusterOwner is who the server runs as: it refuses to run as root.
func clusterOwner(t testing.TB, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// postgresBinaries finds the directory with initdb and pg_ctl.
func postgresBinaries(t testing.TB) string {
	t.Helper()
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(found)
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	t.Fatal("PostgreSQL's initdb isn't on this machine: install it (apt install postgresql, brew install postgresql)")
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
