// This file runs what the README and the docs tell people to type.

package main

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"boxoffice/eventstore"
)

// fence matches a block of code in Markdown.
var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// snippets gives the blocks of a language in a document, those with the text.
func snippets(t *testing.T, file, language, with string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range fence.FindAllStringSubmatch(string(text), -1) {
		if match[1] == language && strings.Contains(match[2], with) {
			found = append(found, match[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s with %q", file, language, with)
	}
	return found
}

// runningService starts the service as `boxoffice serve` does and stops it at
// the end of the test.
func runningService(t *testing.T) *service {
	t.Helper()
	cmd := &cobra.Command{Use: "serve"}
	c := addSettings(cmd, databaseSettings, brokerSettings, serviceSettings)
	args := []string{"--data-dir", t.TempDir(), "--api-keys", "admin:the-key",
		"--http-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := c.load(func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := startService(ctx, c, roles{ingest: true, project: true, api: true}, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	return s
}

// here puts the addresses of a running service in place of the usual ones.
func here(s *service, text string) string {
	return strings.NewReplacer("127.0.0.1:8080", s.api.addr(), "127.0.0.1:4222", s.embedded.Addr().String(),
		"export BOXOFFICE_KEY=bxo_…", "true").Replace(text)
}

// What the docs say about importing comes to what they say.
func TestImportingAsTheDocsSay(t *testing.T) {
	s := runningService(t)
	awaitPosition(t, s, 0)
	want := snippets(t, "docs/importing.md", "", `{"rows":`)[0]
	if got := runSnippet(t, "sh", "-ec", here(s, snippets(t, "docs/importing.md", "sh", "curl")[0])); got != want {
		t.Errorf("it answered\n%s\nand not\n%s", got, want)
	}
}

func awaitPosition(t *testing.T, s *service, position eventstore.Position) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		status, err := s.reader.Status(t.Context())
		if err == nil && status.Position >= position {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the read models are at %d (%v); want %d", status.Position, err, position)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func runSnippet(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "BOXOFFICE_KEY=the-key")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

// What the docs say with curl, with the nats command and in Go is accepted.
func TestPublishingAsTheDocsSay(t *testing.T) {
	s := runningService(t)
	for _, script := range append(snippets(t, "docs/publishing.md", "sh", "curl"), snippets(t, "README.md", "sh", "curl")...) {
		if out := runSnippet(t, "sh", "-ec", here(s, script)); !strings.Contains(out, `{"accepted":1,"refused":[]}`) {
			t.Errorf("it answered %s\n%s", out, script)
		}
	}
	for _, program := range snippets(t, "docs/publishing.md", "go", "package main") {
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(here(s, program)), 0o600); err != nil {
			t.Fatal(err)
		}
		runSnippet(t, "go", "run", file)
	}
	// The nats command is a request with the payload that it is given.
	request := regexp.MustCompile(`(?s)request (\S+) '(.*?)'`).FindStringSubmatch(snippets(t, "docs/publishing.md", "sh", "nats --server")[0])
	conn, err := nats.Connect("nats://"+s.embedded.Addr().String(), nats.Token("the-key"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := conn.Request(request[1], []byte(request[2]), 10*time.Second)
	if err != nil || !strings.Contains(string(answer.Data), `"stream":"BOXOFFICE"`) {
		t.Fatalf("the broker answered %v, %v", answer, err)
	}
	awaitPosition(t, s, 4)
	refused, _, err := s.store.Refused(t.Context(), eventstore.RefusedQuery{Limit: 10})
	if err != nil || len(refused) > 0 {
		t.Errorf("%d are refused, %v", len(refused), err)
	}
}
