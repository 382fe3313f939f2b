// These tests hold what is asked of an export besides what is in the file.

package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"boxoffice/domain"
	"boxoffice/projections"
)

// manyUsers has n users, made one by one while they are read.
type manyUsers struct {
	n    int
	user func(i int) *projections.User
	fail error // after the last
}

func (m manyUsers) AllUsers(ctx context.Context, _ projections.UsersQuery, f func(*projections.UserList) error) error {
	return f(&projections.UserList{Position: 42, TimeZone: "Europe/Paris",
		CustomKeys: func(int) ([]string, error) { return []string{"plan", "shoe"}, nil },
		Users: func(yield func(*projections.User, error) bool) {
			for i := range m.n {
				if ctx.Err() != nil {
					break
				}
				if !yield(m.user(i), nil) {
					return
				}
			}
			if err := errors.Join(ctx.Err(), m.fail); err != nil {
				yield(nil, err)
			}
		}})
}

func (manyUsers) AllSessions(context.Context, projections.SessionsQuery, func(*projections.SessionList) error) error {
	return projections.ErrNoUser
}

// incompressible returns users each of whom takes some 2 kB in any file.
func incompressible(i int) *projections.User {
	name := randomTexts[i%len(randomTexts)]
	return &projections.User{ID: fmt.Sprint(i), Profile: domain.Profile{FirstName: &name, Custom: []byte(`{"plan":"a","shoe":3}`)}}
}

// randomTexts are so many that no compression sees one twice.
var randomTexts = func() []string {
	random := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, 1000)
	for i := range texts {
		text := make([]byte, 2000)
		for k := range text {
			text[k] = 'A' + byte(random.IntN(58))
		}
		texts[i] = string(text)
	}
	return texts
}()

// However many rows there are, the same memory is enough: here for files of more
// than 150 MB. What counts is what is alive, at moments spread over the work.
func TestMemoryDoesNotGrow(t *testing.T) {
	for _, format := range []Format{XLSX, CSV} {
		before, peak := liveHeap(), int64(0)
		look := func() { peak = max(peak, liveHeap()-before) }
		size := &sizeWriter{every: 8 << 20, look: look}
		_, err := Users(t.Context(), manyUsers{n: 120_000, user: incompressible}, projections.UsersQuery{}, size,
			Options{Format: format, TempDir: t.TempDir(), Progress: func(n int64) {
				if n%10_240 == 0 {
					look()
				}
			}})
		if err != nil || size.n < 150<<20 {
			t.Errorf("%s: the file has %d MB, %v", format, size.n>>20, err)
		}
		t.Logf("%s: %d MB alive for a file of %d MB", format, peak>>20, size.n>>20)
		if peak > 64<<20 {
			t.Errorf("%s: it took %d MB of memory for a file of %d MB", format, peak>>20, size.n>>20)
		}
	}
}

// liveHeap returns how many bytes are in use once the garbage is collected.
func liveHeap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A sizeWriter counts what is written, and looks every so many bytes.
type sizeWriter struct {
	n, every int64
	look     func()
}

func (s *sizeWriter) Write(p []byte) (int, error) {
	before := s.n / s.every
	if s.n += int64(len(p)); s.n/s.every > before {
		s.look()
	}
	return len(p), nil
}

// Whatever ends an export, its error is told and nothing stays behind.
func TestWhatEndsAnExport(t *testing.T) {
	failed, full := errors.New("reading failed"), errors.New("disk full")
	some := manyUsers{n: 5000, user: incompressible}
	for name, c := range map[string]struct {
		reader manyUsers
		writer io.Writer
		want   error
	}{
		"reading fails": {manyUsers{n: 2000, user: incompressible, fail: failed}, io.Discard, failed},
		"writing fails": {some, fullWriter{full}, full},
	} {
		for _, format := range []Format{XLSX, CSV} {
			dir := t.TempDir()
			_, err := Users(t.Context(), c.reader, projections.UsersQuery{}, c.writer, Options{Format: format, TempDir: dir})
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v", name, format, err)
			}
			nothingIn(t, dir)
		}
	}
}

type fullWriter struct{ err error }

func (f fullWriter) Write([]byte) (int, error) { return 0, f.err }

func nothingIn(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// A context that ends stops the reading, and the writing too.
func TestAContextThatEnds(t *testing.T) {
	for _, format := range []Format{XLSX, CSV} {
		ctx, cancel := context.WithCancel(t.Context())
		dir, read := t.TempDir(), 0
		users := manyUsers{n: 1 << 40, user: func(i int) *projections.User {
			if read++; read == 3000 {
				cancel()
			}
			return incompressible(i)
		}}
		_, err := Users(ctx, users, projections.UsersQuery{}, io.Discard, Options{Format: format, TempDir: dir})
		if !errors.Is(err, context.Canceled) || read > 3001 {
			t.Errorf("%s: %v after %d users", format, err, read)
		}
		nothingIn(t, dir)

		ctx, cancel = context.WithCancel(t.Context())
		_, err = Users(ctx, manyUsers{n: 3000, user: incompressible}, projections.UsersQuery{}, writerFunc(func(p []byte) (int, error) {
			cancel()
			return len(p), nil
		}), Options{Format: format, TempDir: dir})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s, ending while it is written: %v", format, err)
		}
		nothingIn(t, dir)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Errors before the first byte leave the writer untouched.
func TestErrorsComeBeforeTheFile(t *testing.T) {
	var file bytes.Buffer
	if _, err := Sessions(t.Context(), manyUsers{}, projections.SessionsQuery{}, &file, Options{}); !errors.Is(err, projections.ErrNoUser) {
		t.Error(err)
	}
	few := manyUsers{n: 10, user: incompressible, fail: errors.New("failed")}
	if _, err := Users(t.Context(), few, projections.UsersQuery{}, &file, Options{TempDir: t.TempDir()}); err == nil {
		t.Error("no error")
	}
	if file.Len() > 0 {
		t.Errorf("%d bytes are written", file.Len())
	}
}

func TestProgressIsTold(t *testing.T) {
	var told []int64
	result, err := Users(t.Context(), manyUsers{n: 600, user: incompressible}, projections.UsersQuery{}, io.Discard,
		Options{Format: CSV, Progress: func(n int64) { told = append(told, n) }})
	if err != nil || result.Rows != 600 || len(told) < 3 || told[len(told)-1] != 600 {
		t.Errorf("%+v, %v, told %v", result, err, told)
	}
}

// About says what was cut, and the filters as text.
func TestAboutSaysWhatWasCut(t *testing.T) {
	long := strings.Repeat("a", 40_000)
	r := &fixedReader{users: []projections.User{{ID: "a", Profile: domain.Profile{Email: &long}}}}
	f, err := excelize.OpenFile(written(t, r, "users.xlsx", Options{Filters: []Filter{{"q", "=1+1"}}}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("About")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(rows)
	for _, want := range []string{"[texts cut 1]", "[q =1+1]", "[Filter Value]", "[rows 1]", "[id The user's id on the platform]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	for i := range rows {
		if formula, err := f.GetCellFormula("About", fmt.Sprint("B", i+1)); err != nil || formula != "" {
			t.Errorf("row %d has the formula %s, %v", i+1, formula, err)
		}
	}
}

// A file without rows has its columns.
func TestAnEmptyList(t *testing.T) {
	for _, format := range []Format{XLSX, CSV} {
		path := written(t, &fixedReader{}, "users."+string(format), Options{Format: format})
		if info, err := os.Stat(path); err != nil || info.Size() < 80 || filepath.Ext(path) != "."+string(format) {
			t.Errorf("%s: %v, %v", format, info, err)
		}
	}
}
