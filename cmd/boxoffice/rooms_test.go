// This file holds the table of rooms in docs/design.md: who may import whom.
// The document's table is the only one: what it says is what is checked here.

package main

import (
	"errors"
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A room is a row of the table: what its program code may import besides
// itself. A package below a room belongs to it unless it has a row of its own.
type room struct {
	everything bool
	imports    []string // rooms
	pure       bool     // no I/O, and of foreign modules only the libraries
	libraries  []string
}

// The last column of a row: which rooms, and whether the room is pure.
var (
	cellForm = regexp.MustCompile("^(everything|nothing|`[^`]+`(?:, `[^`]+`)*)(; pure(?:, with (`[^`]+`(?:, `[^`]+`)*))?)?$")
	nameForm = regexp.MustCompile("^`([a-z][a-z0-9/]*)`$")
)

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	rooms := readRooms(t)
	used := map[[2]string]bool{} // room and what it imports
	for path, imports := range packagesOf(t, filepath.Join("..", "..")) {
		name := roomOf(rooms, path)
		if name == "" {
			t.Errorf("%s is in no room: add it to the table of docs/design.md", path)
			continue
		}
		used[[2]string{name, ""}] = true
		for _, imported := range imports {
			used[[2]string{name, checkImport(t, rooms, name, imported)}] = true
		}
	}
	for name, r := range rooms {
		if !used[[2]string{name, ""}] {
			t.Errorf("%s is in the table of docs/design.md and has no package", name)
		}
		for _, allowed := range slices.Concat(r.imports, r.libraries) {
			if !used[[2]string{name, allowed}] {
				t.Errorf("%s may import %s and doesn't: take it out of the table of docs/design.md", name, allowed)
			}
		}
	}
}

// TestEveryFileSaysWhatItIsAbout holds docs/contributing.md: program code does so
// at the top of each file.
func TestEveryFileSaysWhatItIsAbout(t *testing.T) {
	root := filepath.Join("..", "..")
	for path := range packagesOf(t, root) {
		files, err := filepath.Glob(filepath.Join(root, path, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(string(text), "// ") {
				t.Errorf("%s doesn't begin with what it is about", file)
			}
		}
	}
}

// checkImport returns the entry of the table that allows the import; empty
// where none has to, or none does.
func checkImport(t *testing.T, rooms map[string]room, name, imported string) string {
	t.Helper()
	r := rooms[name]
	path, ours := strings.CutPrefix(imported, "boxoffice/")
	other := roomOf(rooms, path)
	foreign := strings.Contains(strings.Split(imported, "/")[0], ".")
	library := slices.IndexFunc(r.libraries, func(l string) bool { return imported == l || strings.HasPrefix(imported, l+"/") })
	switch {
	case ours && (r.everything || other == name):
	case ours && slices.Contains(r.imports, other):
		return other
	case ours:
		t.Errorf("%s imports %s, which the table of docs/design.md doesn't allow", name, path)
	case library >= 0:
		return r.libraries[library]
	case foreign && r.pure:
		t.Errorf("%s imports %s: it takes the standard library and the libraries that the table of docs/design.md names", name, imported)
	case r.pure && slices.Contains([]string{"os", "net", "net/http", "database/sql", "context"}, imported):
		t.Errorf("%s imports %s: it has no I/O", name, imported)
	}
	return ""
}

// roomOf returns the longest room that the package's path lies in; empty where
// there is none.
func roomOf(rooms map[string]room, path string) string {
	for ; path != "."; path = filepath.ToSlash(filepath.Dir(path)) {
		if _, ok := rooms[path]; ok {
			return path
		}
	}
	return ""
}

// readRooms reads the table under the heading "Rooms".
func readRooms(t *testing.T) map[string]room {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Rooms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rooms := map[string]room{}
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| room |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		name, r := readRow(t, line)
		if _, twice := rooms[name]; twice {
			t.Errorf("%s is in the table of docs/design.md twice", name)
		}
		rooms[name] = r
	}
	for name, r := range rooms {
		for _, allowed := range r.imports {
			if _, ok := rooms[allowed]; !ok {
				t.Errorf("%s may import %s, which isn't in the table of docs/design.md", name, allowed)
			}
		}
	}
	if len(rooms) < 5 {
		t.Fatalf("found %d rooms, which can't be all: %v", len(rooms), slices.Sorted(maps.Keys(rooms)))
	}
	return rooms
}

func readRow(t *testing.T, line string) (string, room) {
	t.Helper()
	cells := strings.Split(strings.Trim(line, "|"), "|")
	if len(cells) != 3 {
		t.Fatalf("a row of the table of docs/design.md has %d columns: %s", len(cells), line)
	}
	name := nameForm.FindStringSubmatch(strings.TrimSpace(cells[0]))
	cell := cellForm.FindStringSubmatch(strings.TrimSpace(cells[2]))
	if name == nil || cell == nil {
		t.Fatalf("a row of the table of docs/design.md can't be read: a room is `a/b`, what it may import is "+
			"everything, nothing or `a`, `b`, and then perhaps \"; pure\" or \"; pure, with `a library`\": %s", line)
	}
	return name[1], room{everything: cell[1] == "everything", imports: quoted(cell[1]), pure: cell[2] != "", libraries: quoted(cell[3])}
}

// quoted returns what stands in backquotes.
func quoted(cell string) []string {
	var names []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			names = append(names, part)
		}
	}
	return names
}

// packagesOf returns, by its path in the module, what each package's program
// code imports. It reads the files itself, so that go test's cache knows what
// the result depends on.
func packagesOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if dir != root && isOutside(dir, entry.Name()) {
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		path, _ := filepath.Rel(root, dir)
		if pkg.Name != "" && len(pkg.GoFiles) > 0 {
			found[filepath.ToSlash(path)] = pkg.Imports
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isOutside says whether a directory isn't part of the module: it is one of its
// own, or go doesn't look into it.
func isOutside(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}
