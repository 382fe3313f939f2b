package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"boxoffice/internal/bench"
	"boxoffice/internal/sqldb"
)

// What docs/performance.md tells people to type is understood, and its table
// has every measure.
func TestBenchIsAsTheDocsSay(t *testing.T) {
	commands := 0
	for _, block := range snippets(t, "docs/performance.md", "sh", "boxoffice bench") {
		for line := range strings.Lines(block) {
			args, ok := strings.CutPrefix(line, "boxoffice bench")
			if !ok {
				continue
			}
			commands++
			args, _, _ = strings.Cut(args, ">")
			cmd := newBench()
			if err := cmd.ParseFlags(strings.Fields(args)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if commands < 4 {
		t.Errorf("there are %d commands", commands)
	}
}

func TestMeasuresOn(t *testing.T) {
	both := []sqldb.Engine{sqldb.SQLite, sqldb.Postgres}
	for name, want := range map[string][]sqldb.Engine{"ingest": both, "publish": {sqldb.SQLite}} {
		m := measures[slices.IndexFunc(measures, func(m measure) bool { return m.name == name })]
		if got := m.on(both); !slices.Equal(got, want) {
			t.Errorf("%s is measured on %v; want %v", name, got, want)
		}
	}
}

func TestProfileOf(t *testing.T) {
	if got := profileOf("dir/cpu.out", "ingest", sqldb.SQLite); got != "dir/cpu-ingest-sqlite.out" {
		t.Errorf("the profile is %s", got)
	}
	if got := profileOf("", "ingest", sqldb.SQLite); got != "" {
		t.Errorf("without a name the profile is %s", got)
	}
}

// Options that make no measurement are refused before anything is made.
func TestBenchRefusesOptions(t *testing.T) {
	good := bench.Options{Engines: []sqldb.Engine{sqldb.SQLite}, Dir: t.TempDir(), Rounds: 1, Events: 1,
		Users: []int64{1000}, Samples: 1, Rate: 1, Duration: time.Second, BacklogEvents: 1, Rows: 1}
	b, err := bench.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*bench.Options){
		"no engine":   func(o *bench.Options) { o.Engines = nil },
		"no server":   func(o *bench.Options) { o.Engines = []sqldb.Engine{sqldb.Postgres} },
		"no round":    func(o *bench.Options) { o.Rounds = 0 },
		"no event":    func(o *bench.Options) { o.Events = 0 },
		"less warm":   func(o *bench.Options) { o.Warm = -1 },
		"few users":   func(o *bench.Options) { o.Users = []int64{1000, 10} },
		"no sample":   func(o *bench.Options) { o.Samples = 0 },
		"no rate":     func(o *bench.Options) { o.Rate = 0 },
		"no time":     func(o *bench.Options) { o.Duration = time.Millisecond },
		"no backlog":  func(o *bench.Options) { o.BacklogEvents = 0 },
		"no rows":     func(o *bench.Options) { o.Rows = 0 },
		"many rows":   func(o *bench.Options) { o.Rows = 1_048_576 },
		"no such dir": func(o *bench.Options) { o.Dir = "nowhere" },
	} {
		o := good
		spoil(&o)
		if b, err := bench.New(o); err == nil {
			t.Errorf("%s: it is taken", name)
			b.Close(t.Context())
		}
	}
}
