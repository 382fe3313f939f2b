// This file runs the scripts of testdata/script against the real program: what
// somebody does at a shell, and what they see.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"boxoffice/ingest/natstest"
	"boxoffice/internal/eventually"
	"boxoffice/internal/freeport"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

func TestMain(m *testing.M) {
	testscript.Main(allTests{m}, map[string]func(){
		"boxoffice": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// allTests runs the tests, and removes what was built for them.
type allTests struct{ *testing.M }

func (all allTests) Run() int {
	defer func() { os.RemoveAll(builtDir) }()
	return all.M.Run()
}

// scriptKeys are keys that scripts have at hand, one of each role.
const scriptKeys = "admin:admin-key,publisher:publisher-key,viewer:viewer-key,support:support-key,auditor:auditor-key"

func TestScripts(t *testing.T) {
	servers := &scriptServers{t: t}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"HTTP", "NATS", "METRICS"} {
				addr, err := freeport.Addr()
				if err != nil {
					return err
				}
				env.Setenv("BOXOFFICE_"+name+"_ADDR", addr)
			}
			env.Setenv("BOXOFFICE_DATA_DIR", filepath.Join(env.WorkDir, "data"))
			env.Setenv("BOXOFFICE_API_KEYS", scriptKeys)
			env.Setenv("BOXOFFICE_LOG_FORMAT", "json")
			env.Setenv("WHO", whoAmI(t))
			env.Setenv("URL", "http://"+env.Getenv("BOXOFFICE_HTTP_ADDR"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			if strings.Contains(filepath.Base(env.WorkDir), "postgres") && !testing.Short() {
				env.Setenv("BOXOFFICE_DATABASE_URL", sqltest.URL(t, sqldb.Postgres))
				nats := natstest.Start(t, natstest.Options{Config: "max_payload: 8MB"})
				env.Setenv("BOXOFFICE_NATS_URL", nats.URL())
				env.Setenv("BOXOFFICE_NATS_MONITOR_URL", nats.MonitorURL())
				env.Setenv("BOXOFFICE_MASTER_KEY", filepath.Join(env.WorkDir, "master-key.json"))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"http":      scriptHTTP,
			"await":     scriptAwait,
			"largeline": scriptLargeLine,
			"keyfrom":   scriptKeyFrom,
			"textfrom":  scriptTextFrom,
			"postgres":  servers.postgres,
			"nats":      servers.nats,
		},
	})
}

// scriptHTTP is: http KEY METHOD PATH [TYPE FILE]. It prints the status and the
// body; with "!" the status has to be 400 or more.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	status, body, err := call(ts, args)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n", status, body)
	if neg != (status >= 400) {
		ts.Fatalf("status %d: %s", status, body)
	}
}

// matches says whether a body has a text in it, or something that a pattern
// matches.
func matches(body, text string) bool {
	pattern, err := regexp.Compile(text)
	return strings.Contains(body, text) || err == nil && pattern.MatchString(body)
}

// scriptAwait is: await TEXT KEY METHOD PATH. It asks until the answer has the
// text, or what matches it as a pattern, in it.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	eventually.Succeeds(scriptTB{ts}, fmt.Sprintf("%q is in the answer", args[0]), func() error {
		status, body, err := call(ts, args[1:])
		if err == nil && !matches(body, args[0]) {
			err = fmt.Errorf("%d %s", status, body)
		}
		if err == nil {
			fmt.Fprintf(ts.Stdout(), "%d\n%s\n", status, body)
		}
		return err
	})
}

// A scriptTB is a script as the test that it is.
type scriptTB struct{ *testscript.TestScript }

func (scriptTB) Helper() {}

func call(ts *testscript.TestScript, args []string) (int, string, error) {
	if len(args) != 3 && len(args) != 5 {
		ts.Fatalf("usage: http KEY METHOD PATH [TYPE FILE]")
	}
	var body io.Reader
	if len(args) == 5 {
		body = strings.NewReader(ts.ReadFile(args[4]))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, args[1], ts.Getenv("URL")+args[2], body)
	ts.Check(err)
	if args[0] != "-" {
		req.Header.Set("Authorization", "Bearer "+args[0])
	}
	if len(args) == 5 {
		req.Header.Set("Content-Type", args[3])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// scriptKeyFrom is: keyfrom stdout NAME. It sets the variable to the key that
// was printed.
func scriptKeyFrom(ts *testscript.TestScript, _ bool, args []string) {
	key := regexp.MustCompile(`bxo_[\w-]+`).FindString(ts.ReadFile(args[0]))
	if key == "" {
		ts.Fatalf("no key was printed")
	}
	ts.Setenv(args[1], key)
}

// scriptTextFrom is: textfrom FILE PATTERN NAME. It sets the variable to what the
// pattern's first group matches.
func scriptTextFrom(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(args[0]))
	if len(found) < 2 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[2], found[1])
}

// whoAmI is the user who runs the tests, and the host, as the system's own
// commands have them.
func whoAmI(t *testing.T) string {
	var said []string
	for _, args := range [][]string{{"id", "-un"}, {"uname", "-n"}} {
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, strings.TrimSpace(string(out)))
	}
	return strings.Join(said, "@")
}

// scriptLargeLine is: largeline FILE USER. It writes an event about the user
// that is larger than an event may be.
func scriptLargeLine(ts *testscript.TestScript, _ bool, args []string) {
	event := fmt.Sprintf(`{"specversion":"1.0","id":"large","source":"/t","type":"user.updated","subject":%q,`+
		`"time":"2026-01-06T10:00:00Z","data":{"email":"e","x":"%s"}}`, args[1], strings.Repeat("y", 300_000))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(event+"\n"), 0o600))
}
