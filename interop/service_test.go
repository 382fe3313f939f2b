// This file runs the program: built as it is shipped, with a data directory and
// ports of its own.

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"boxoffice/internal/freeport"
)

const (
	adminKey     = "interop-admin-key"
	publisherKey = "interop-publisher-key"
	// patience is how long anything may take.
	patience = 2 * time.Minute
)

// program builds boxoffice from the module above, where scripts/test hasn't done
// so, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("BOXOFFICE_TEST_PROGRAM"); path != "" {
		return path, nil
	}
	return build("boxoffice", "..", "./cmd/boxoffice")
})

// natsCommand builds the nats command at the version that go.mod has.
var natsCommand = sync.OnceValues(func() (string, error) {
	return build("nats", ".", "github.com/nats-io/natscli/nats")
})

// oapiCodegen builds the generator of clients in Go at the version that go.mod has.
var oapiCodegen = sync.OnceValues(func() (string, error) {
	return build("oapi-codegen", ".", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen")
})

// built is the directory of what is built, which TestMain removes.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "boxoffice-interop-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(status)
}

func build(name, dir, pkg string) (string, error) {
	path := filepath.Join(built, name)
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// A service is a running `boxoffice serve`.
type service struct {
	dir      string
	httpAddr string
	natsAddr string
	env      []string
	stop     func()
}

// serve starts a service with settings, environment variables, beside those that
// every test has. It is stopped at the end of the test.
func serve(t testing.TB, settings ...string) *service {
	t.Helper()
	s := installed(t, settings...)
	s.start(t)
	return s
}

// installed returns a service that isn't started yet.
func installed(t testing.TB, settings ...string) *service {
	t.Helper()
	s := &service{dir: t.TempDir(), httpAddr: freeAddr(t), natsAddr: freeAddr(t)}
	s.env = append(os.Environ(),
		"BOXOFFICE_DATA_DIR="+s.dir,
		"BOXOFFICE_HTTP_ADDR="+s.httpAddr,
		"BOXOFFICE_NATS_ADDR="+s.natsAddr,
		"BOXOFFICE_API_KEYS=admin:"+adminKey+",publisher:"+publisherKey,
		"XDG_CACHE_HOME="+s.dir,
	)
	s.env = append(s.env, settings...)
	return s
}

func freeAddr(t testing.TB) string {
	t.Helper()
	addr, err := freeport.Addr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// start starts the service, on what it has stored before.
func (s *service) start(t testing.TB) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	// Its metrics would stand at an address that others may have.
	cmd := exec.Command(path, "serve", "--metrics-addr=")
	cmd.Env = s.env
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("the service ended with %v; the end of its log:\n%s", err, endOf(log.String()))
		}
	})
	t.Cleanup(s.stop)
	await(t, "the service is ready", func() (bool, error) {
		status, _, err := s.ask("/readyz")
		return status == http.StatusOK, err
	})
}

// endOf returns the last lines of a service's log, without those about requests.
func endOf(log string) string {
	lines := slices.DeleteFunc(strings.SplitAfter(log, "\n"), func(line string) bool {
		return strings.Contains(line, `"msg":"request"`)
	})
	return strings.Join(lines[max(0, len(lines)-20):], "")
}

// run runs another command of the program, with the service's settings.
func (s *service) run(t *testing.T, stdin io.Reader, args ...string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdin = s.env, stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("boxoffice %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// ask asks the API as an administrator.
func (s *service) ask(path string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.httpAddr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// get asks the API as an administrator and reads the answer into a T.
func get[T any](t *testing.T, s *service, path string) T {
	t.Helper()
	var answer T
	status, body, err := s.ask(path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v\n%s", path, status, err, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, body)
	}
	return answer
}

// publish publishes events, one a line, and waits until the read models have them.
func (s *service) publish(t *testing.T, lines string) {
	t.Helper()
	before := s.position(t)
	s.run(t, strings.NewReader(lines), "publish", "--key", adminKey, "-")
	s.awaitPosition(t, before+strings.Count(lines, "\n"))
}

// position is the position of the log that the read models have reached.
func (s *service) position(t *testing.T) int {
	t.Helper()
	return get[struct{ Position int }](t, s, "/v1/users?limit=1").Position
}

func (s *service) awaitPosition(t *testing.T, position int) {
	t.Helper()
	await(t, fmt.Sprintf("the read models are at %d", position), func() (bool, error) {
		return s.position(t) >= position, nil
	})
}

// await asks again and again until something is so.
func await(t testing.TB, what string, ask func() (bool, error)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, err := ask()
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not so: %s (%v)", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// nodeModules installs the packages of package-lock.json and returns the
// directory that holds them.
var nodeModules = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w (Node.js 20 or later has to be installed)\n%s", err, out)
	}
	return filepath.Abs("node_modules")
})

// nodeDir returns a directory in which programs find the packages of npm.
func nodeDir(t *testing.T) string {
	t.Helper()
	modules, err := nodeModules()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// command runs a program in a directory, with environment variables beside its
// own, and returns what it prints.
func command(t testing.TB, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
