// This file publishes with clients that aren't ours, as docs/publishing.md
// shows: every snippet is run, and what they published is read from the log.

package interop

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/published.ndjson")

const publishingDoc = "../docs/publishing.md"

// fence matches a block of code in Markdown.
var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// snippets returns the blocks of a language in a document.
func snippets(t *testing.T, file, language string) []string {
	t.Helper()
	var found []string
	for _, match := range fence.FindAllStringSubmatch(read(t, file), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return found
}

// here puts the service's addresses in place of the usual ones.
func (s *service) here(text string) string {
	return strings.NewReplacer("127.0.0.1:8080", s.httpAddr, "127.0.0.1:4222", s.natsAddr).Replace(text)
}

// The programs are the docs', and are compiled and checked as the rest is.
func TestTheDocsShowThePrograms(t *testing.T) {
	files, err := filepath.Glob("programs/*/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	blocks := append(snippets(t, publishingDoc, "go"), snippets(t, publishingDoc, "js")...)
	for _, file := range files {
		if !slices.Contains(blocks, read(t, file)) {
			t.Errorf("%s doesn't have %s word for word", publishingDoc, file)
		}
	}
}

// Whatever the docs say to type is accepted, and is in the log as it was meant.
func TestPublishingAsTheDocsSay(t *testing.T) {
	s := serve(t)
	nats, err := natsCommand()
	if err != nil {
		t.Fatal(err)
	}
	key := "BOXOFFICE_KEY=" + publisherKey
	path := "PATH=" + filepath.Dir(nats) + string(os.PathListSeparator) + os.Getenv("PATH")
	for _, script := range snippets(t, publishingDoc, "sh") {
		if strings.Contains(script, "boxoffice publish") {
			continue // of files; the program's own tests have it
		}
		// A context of the user's own would say where the nats command connects.
		out := command(t, t.TempDir(), []string{key, path, "XDG_CONFIG_HOME=" + s.dir}, "sh", "-ec", s.here(script))
		published := strings.Count(script, "curl ") + strings.Count(script, "\nnats ")
		if n := strings.Count(out, `{"accepted":1,"refused":[]}`) + strings.Count(out, "BOXOFFICE"); n != published {
			t.Errorf("%d of %d were acknowledged:\n%s%s", n, published, script, out)
		}
	}
	for _, program := range snippets(t, publishingDoc, "go") {
		file := filepath.Join(t.TempDir(), "main.go")
		write(t, file, s.here(program))
		command(t, ".", []string{key}, "go", "run", file)
	}
	node := nodeDir(t)
	for i, program := range snippets(t, publishingDoc, "js") {
		name := fmt.Sprintf("%d.mjs", i)
		write(t, filepath.Join(node, name), s.here(program))
		command(t, node, []string{key}, "node", name)
	}
	s.recorded(t, "testdata/published.ndjson")

	// The read models follow.
	user := get[struct {
		Locale        string
		Subscriptions []struct{ Status string }
		Viewing       struct {
			DurationS float64 `json:"duration_s"`
		}
	}](t, s, "/v1/users/bruno")
	if user.Locale != "pt-PT" || len(user.Subscriptions) != 1 || user.Subscriptions[0].Status != "active" || user.Viewing.DurationS != 595 {
		t.Errorf("bruno is %+v", user)
	}
}

// recorded compares the log with a golden file, in which an event is a line,
// sorted, once all of it is there. Nothing may have been refused.
func (s *service) recorded(t *testing.T, golden string) {
	t.Helper()
	var want string
	if !*update {
		want = read(t, golden)
		s.awaitPosition(t, strings.Count(want, "\n"))
	}
	var lines []string
	log := get[struct {
		Events []struct{ Event map[string]any }
	}](t, s, "/v1/events?limit=1000")
	for _, recorded := range log.Events {
		line, err := json.Marshal(recorded.Event)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line)+"\n")
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		write(t, golden, got)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log isn't %s; after looking at the difference, go test -update\n%s", golden, diff)
	}
	refused := get[struct{ Refused []any }](t, s, "/v1/refused")
	if len(refused.Refused) > 0 {
		t.Errorf("refused: %v", refused.Refused)
	}
}
