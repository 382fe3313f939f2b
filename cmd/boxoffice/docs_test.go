// This file runs what the README and the docs tell people to type.

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"boxoffice/eventstore"
	"boxoffice/internal/eventually"
)

// fence matches a block of code in Markdown.
var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// snippets returns the blocks of a language in a document, those with the text.
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
	return runningServiceWith(t)
}

// runningServiceWith is the same with more flags.
func runningServiceWith(t *testing.T, flags ...string) *service {
	t.Helper()
	cmd := &cobra.Command{Use: "serve"}
	c := addSettings(cmd, databaseSettings, brokerSettings, serviceSettings)
	args := []string{"--data-dir", t.TempDir(), "--api-keys", "admin:the-key",
		"--http-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"}
	args = append(args, flags...)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := c.load(func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := startService(ctx, c, allRoles, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.wait() }()
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
	eventually.Succeeds(t, "the read models have caught up", func() error {
		status, err := s.reader.Status(t.Context())
		if err == nil && status.Position >= position {
			return nil
		}
		return fmt.Errorf("they are at %d (%w), want %d", status.Position, err, position)
	})
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

// What the README says with curl is accepted. The docs for publishers are run by
// the tests of interop, with clients that aren't ours.
func TestPublishingAsTheReadmeSays(t *testing.T) {
	s := runningService(t)
	for _, script := range snippets(t, "README.md", "sh", "curl") {
		if out := runSnippet(t, "sh", "-ec", here(s, script)); !strings.Contains(out, `{"accepted":1,"refused":[]}`) {
			t.Errorf("it answered %s\n%s", out, script)
		}
	}
	awaitPosition(t, s, 1)
	refused, _, err := s.store.Refused(t.Context(), eventstore.RefusedQuery{Limit: 10})
	if err != nil || len(refused) > 0 {
		t.Errorf("%d are refused, %v", len(refused), err)
	}
}

// What docs/access.md tells operators to type does what it says.
func TestAccessAsTheDocsSay(t *testing.T) {
	s := runningService(t)
	awaitPosition(t, s, 0)
	program := filepath.Join(t.TempDir(), "boxoffice")
	runSnippet(t, "go", "build", "-o", program, "./cmd/boxoffice")
	t.Setenv("BOXOFFICE_DATA_DIR", s.config.DataDir)
	t.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	commands := snippets(t, "docs/access.md", "sh", "boxoffice keys make")[0]
	out := runSnippet(t, "sh", "-ec", commands)
	for _, want := range []string{"The key of dashboard, role viewer", "player        publisher  playback.*", "privacy-desk  publisher  user.erased", "revoked player"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	ask(t, s, "the-key", "/v1/users/ana")
	eventually.Succeeds(t, "the trail has the question", func() error {
		out := runSnippet(t, "sh", "-ec", here(s, snippets(t, "docs/access.md", "sh", "/v1/audit/trail")[0]))
		if strings.Contains(out, `"actor":"configured key 1","role":"admin","action":"get-user","status":404`) {
			return nil
		}
		return fmt.Errorf("it is %s", out)
	})
}

// What the docs say with curl gives files with users and sessions.
func TestExportingAsTheDocsSay(t *testing.T) {
	s := runningService(t)
	for _, script := range snippets(t, "docs/publishing.md", "sh", "curl") {
		runSnippet(t, "sh", "-ec", here(s, script))
	}
	awaitPosition(t, s, 1)
	dir := t.TempDir()
	files := strings.NewReplacer("-o users.xlsx", "-o "+dir+"/users.xlsx", "-o november.csv", "-o "+dir+"/november.csv")
	for _, script := range snippets(t, "docs/exports.md", "sh", "curl") {
		runSnippet(t, "sh", "-ec", files.Replace(here(s, script)))
	}
	for name, begins := range map[string]string{"users.xlsx": "PK", "november.csv": "user_id,session_id,"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(text), begins) {
			t.Errorf("%s begins with %.20q, %v", name, text, err)
		}
	}
}
