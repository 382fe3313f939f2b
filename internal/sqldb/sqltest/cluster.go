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

// Cluster starts a PostgreSQL server for one test, with nothing in it, and gives
// the URL of a superuser and the directory with everything that it writes. It
// needs PostgreSQL's binaries on this machine.
func Cluster(t testing.TB) (url, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "boxoffice-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	owner := clusterOwner(t, dir)
	bin := postgresBinaries(t)
	run := func(command string, args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, command), args...)
		cmd.Dir, cmd.SysProcAttr = dir, owner
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run("initdb", "-D", data, "-U", "boxoffice", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	port := freePort(t)
	log := filepath.Join(dir, "server.log")
	start := exec.Command(filepath.Join(bin, "pg_ctl"), "-D", data, "-w", "-l", log, "-o",
		fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c fsync=off", port, dir), "start")
	start.Dir, start.SysProcAttr = dir, owner
	// The server inherits what it writes to, so a pipe would never end.
	if err := start.Run(); err != nil {
		text, _ := os.ReadFile(log)
		t.Fatalf("start PostgreSQL: %v\n%s", err, text)
	}
	t.Cleanup(func() { run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop") })
	return fmt.Sprintf("postgres://boxoffice@127.0.0.1:%d/postgres?sslmode=disable", port), dir
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
