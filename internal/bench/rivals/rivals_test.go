package main

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"boxoffice/internal/bench"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestMain is also the program that the test starts as its sides.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], bench.SideCommand) {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Each of them does the work that it is measured by, as ingest does.
func TestRivalsDoTheWork(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := bench.Options{Engines: []sqldb.Engine{sqldb.Postgres}, DatabaseURL: sqltest.URL(t, sqldb.Postgres), Dir: t.TempDir(), Program: []string{program},
		Rounds: 2, Events: 1200, Warm: 100, Samples: 1, Rate: 1, Duration: time.Second, BacklogEvents: 1, Rows: 1}
	b, err := bench.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	m, err := b.Rivals(t.Context(), rivals...)
	if err != nil {
		t.Fatal(err)
	}
	var sides []string
	for i, side := range m.Sides {
		sides = append(sides, side.Side)
		want := o.Events
		if side.Side == router.Side {
			want /= router.OneIn
		}
		for _, r := range side.Rounds {
			if r.Events != want || r.Done != want || r.Acked != -1 && r.Acked != want {
				t.Errorf("%s: %d of %d are done and %d acknowledged; want %d", side.Side, r.Done, r.Events, r.Acked, want)
			}
		}
		if len(side.Rounds) != o.Rounds || (side.Ratio == nil) != (i == 0) {
			t.Errorf("%s has %d rounds and the ratio %v; only the first has none", side.Side, len(side.Rounds), side.Ratio)
		}
	}
	if want := []string{"batch", "watermill", "ingest", "bare"}; !slices.Equal(sides, want) {
		t.Errorf("the sides are %v; want %v", sides, want)
	}
}
