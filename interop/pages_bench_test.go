// This file measures the pages with much in them: the demo's year, and a million
// users on each engine. browser/numbers.test.js asks, prints and judges.
//
//	go test -run - -bench Pages -benchtime 1x -timeout 90m .

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// usersVariable says with how many users it is measured, where not a million.
const usersVariable = "BOXOFFICE_BENCH_USERS"

func BenchmarkPages(b *testing.B) {
	b.Run("demo", func(b *testing.B) {
		for b.Loop() {
			addr, key := demo(b)
			numbers(b, addr, key)
		}
	})
	users := 1_000_000
	if text := os.Getenv(usersVariable); text != "" {
		var err error
		if users, err = strconv.Atoi(text); err != nil {
			b.Fatal(usersVariable, err)
		}
	}
	engines := []sqldb.Engine{sqldb.SQLite}
	if os.Getenv(sqltest.URLVariable) != "" {
		engines = append(engines, sqldb.Postgres)
	}
	for _, engine := range engines {
		b.Run(fmt.Sprintf("%s/%d", engine, users), func(b *testing.B) {
			for b.Loop() {
				s := populated(b, engine, users)
				numbers(b, s.httpAddr, adminKey)
				s.stop()
			}
		})
	}
}

// numbers measures the pages of a service, and judges all of it.
func numbers(b *testing.B, addr, key string) {
	b.Helper()
	browse(b, addr, map[string]string{"admin": key}, []string{"JUDGE=1"}, "numbers.test.js")
}

// shown is what the demo prints last, with its key.
var shown = regexp.MustCompile(`Authorization: Bearer (\S+)'`)

// demo runs `boxoffice demo` until the benchmark ends, and returns where it is
// and its admin's key, once its year is there.
func demo(b *testing.B) (addr, key string) {
	b.Helper()
	path, err := program()
	if err != nil {
		b.Fatal(err)
	}
	addr = freeAddr(b)
	cmd := exec.Command(path, "demo", "--http-addr", addr, "--nats-addr", freeAddr(b), "--metrics-addr=", "--time-zone", "Europe/Paris")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := shown.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return addr, found[1]
		}
	}
	b.Fatal("the demo ended before it was ready")
	return "", ""
}

// populated starts a service on a database that has been filled with users.
func populated(b *testing.B, engine sqldb.Engine, users int) *service {
	b.Helper()
	s := installed(b)
	s.env = append(s.env, "BOXOFFICE_TIME_ZONE=UTC")
	database, key := sqldb.SQLiteURL(filepath.Join(s.dir, "boxoffice.db")), filepath.Join(s.dir, "master-key.json")
	if engine == sqldb.Postgres {
		database = sqltest.URL(b, engine)
		s.env = append(s.env, "BOXOFFICE_DATABASE_URL="+database, "BOXOFFICE_MASTER_KEY="+key)
	}
	started := time.Now()
	fill(b, map[string]any{"Side": "populate", "Engine": engine, "URL": database, "MasterKey": key, "Users": users})
	b.Logf("%d users were there after %.0f s", users, time.Since(started).Seconds())
	s.start(b)
	return s
}

// fill lets the program's bench fill a database.
func fill(b *testing.B, spec map[string]any) {
	b.Helper()
	path, err := program()
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), path, "bench", "side")
	in, err := cmd.StdinPipe() // stays open for as long as the result is wanted
	if err != nil {
		b.Fatal(err)
	}
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Write(text); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), `"result"`) {
		b.Fatalf("filling the database: %v\n%s", err, complaints.String())
	}
}
