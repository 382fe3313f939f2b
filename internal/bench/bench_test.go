// This file runs every measure small, and holds that the sides did the work
// that they are measured by.

package bench

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestMain is also the program that the tests start as their sides.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], SideCommand) {
		if err := RunSide(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// eachEngine runs f with a small bench on each engine.
func eachEngine(t *testing.T, f func(t *testing.T, b *Bench, engine sqldb.Engine)) {
	for _, engine := range sqltest.Engines() {
		t.Run(string(engine), func(t *testing.T) { f(t, smallBench(t, engine), engine) })
	}
}

// smallBench makes a bench, and holds at the end of the test that nothing of it
// is left.
func smallBench(t *testing.T, engine sqldb.Engine) *Bench {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Engines: []sqldb.Engine{engine}, Dir: t.TempDir(), Program: []string{program}, Rounds: 2, Events: 1200, Warm: 100,
		Users: []int64{1000, 2000}, Samples: 5, Rate: 50, Duration: time.Second, BacklogEvents: 3000, Rows: 1}
	if engine == sqldb.Postgres {
		o.DatabaseURL = sqltest.URL(t, engine)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeWhole(t, b) })
	return b
}

// closeWhole closes a bench and looks for what it left.
func closeWhole(t *testing.T, b *Bench) {
	t.Helper()
	names := slices.Clone(b.made)
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	err := filepath.WalkDir(b.Dir, func(path string, _ fs.DirEntry, err error) error {
		if path != b.Dir {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if databaseExists(t, b, name) {
			t.Errorf("the database %s is left", name)
		}
	}
}

func databaseExists(t *testing.T, b *Bench, name string) (there bool) {
	t.Helper()
	db, err := sqldb.Open(context.Background(), b.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.SQL().QueryRow("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// checkSides holds that each side did all of its work in each round.
func checkSides(t *testing.T, b *Bench, m Measure, names ...string) {
	t.Helper()
	if len(m.Sides) != len(names) {
		t.Fatalf("%d sides; want %v", len(m.Sides), names)
	}
	for i, side := range m.Sides {
		if side.Side != names[i] || len(side.Rounds) != b.Rounds {
			t.Errorf("side %d is %s in %d rounds; want %s in %d", i, side.Side, len(side.Rounds), names[i], b.Rounds)
		}
		for _, r := range side.Rounds {
			want := b.Events
			if r.Events != want || r.Done != want || r.Acked != -1 && r.Acked != want {
				t.Errorf("%s: %d of %d are done and %d acknowledged; want %d", side.Side, r.Done, r.Events, r.Acked, want)
			}
			if r.Seconds <= 0 || r.CPUSeconds <= 0 || r.PeakBytes <= 0 {
				t.Errorf("%s took %v s, %v s of processor and %d bytes; want each above 0", side.Side, r.Seconds, r.CPUSeconds, r.PeakBytes)
			}
		}
		if (side.Ratio == nil) != (i == 0) {
			t.Errorf("%s: the ratio is %v; only the first has none", side.Side, side.Ratio)
		}
	}
}

func TestIngest(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *Bench, engine sqldb.Engine) {
		b.CPUProfile, b.MemProfile = filepath.Join(t.TempDir(), "cpu"), filepath.Join(t.TempDir(), "memory")
		m, err := b.Ingest(context.Background(), engine)
		if err != nil {
			t.Fatal(err)
		}
		checkSides(t, b, m, "bare", "ingest")
		for _, file := range []string{b.CPUProfile, b.MemProfile} {
			if info, err := os.Stat(file); err != nil || info.Size() == 0 {
				t.Errorf("the profile %s: %v, %v", file, info, err)
			}
		}
	})
}

func TestTogether(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *Bench, engine sqldb.Engine) {
		m, err := b.Together(context.Background(), engine)
		if err != nil {
			t.Fatal(err)
		}
		checkSides(t, b, m, "bare", "together")
	})
}

func TestProject(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *Bench, engine sqldb.Engine) {
		m, err := b.Project(context.Background(), engine)
		if err != nil {
			t.Fatal(err)
		}
		checkSides(t, b, m, "read", "project")
	})
}

func TestPublish(t *testing.T) {
	b := smallBench(t, sqldb.SQLite)
	m, err := b.Publish(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	checkSides(t, b, m, "atomic", "publish")
}

// Every kind of answer is asked for at both places, and none is empty: the
// sides fail where one is.
func TestAnswers(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *Bench, engine sqldb.Engine) {
		m, err := b.Answers(context.Background(), engine)
		if err != nil {
			t.Fatal(err)
		}
		var groups []string
		for _, q := range questions(population{users: 1000, now: time.Now()}) {
			if !slices.Contains(groups, q.group) {
				groups = append(groups, q.group)
			}
		}
		for _, group := range groups {
			for _, place := range []string{"reader", "API"} {
				for _, users := range b.Users {
					checkAsked(t, b, m, group+", "+place, users)
				}
			}
		}
	})
}

func checkAsked(t *testing.T, b *Bench, m Measure, what string, users int64) {
	t.Helper()
	i := slices.IndexFunc(m.Latencies, func(l Latency) bool { return l.What == what && l.Users == users })
	if i < 0 {
		t.Errorf("%s is not asked with %d users", what, users)
		return
	}
	if l := m.Latencies[i]; int64(l.Samples) < b.Samples || l.MedianMS <= 0 || l.P99MS < l.MedianMS {
		t.Errorf("%s with %d users: %+v", what, users, l)
	}
}

// A database that is filled has every event of its population, and read models
// that show all of them.
func TestPopulate(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *Bench, engine sqldb.Engine) {
		d, err := b.makeDatabase(t.Context(), engine, "")
		if err != nil {
			t.Fatal(err)
		}
		spec := d.spec("populate")
		spec.Users = 1000
		result, err := b.run(t.Context(), "filling", spec)
		if err != nil {
			t.Fatal(err)
		}
		if want := spec.Users * eventsPerUser; result.Done != want {
			t.Errorf("the read models have %d events; want %d", result.Done, want)
		}
	})
}
