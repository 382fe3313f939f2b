package bench

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStatOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Stat
	}{
		{[]float64{3}, Stat{3, 3, 3}},
		{[]float64{9, 1, 5}, Stat{5, 1, 9}},
		{[]float64{4, 1, 3, 2}, Stat{2.5, 1, 4}},
	} {
		if got := statOf(c.values); got != c.want {
			t.Errorf("of %v: %v; want %v", c.values, got, c.want)
		}
	}
}

// A ratio compares what was measured in the same round: the median of ratios,
// not the ratio of medians.
func TestRatioIsOfTheSameRound(t *testing.T) {
	seconds := func(values ...float64) (rounds []Result) {
		for _, s := range values {
			rounds = append(rounds, Result{Events: 100, Seconds: s, CPUSeconds: 1})
		}
		return rounds
	}
	f := figure("ours", "", seconds(2, 20, 4), seconds(1, 18, 1))
	if want := (Stat{.5, .25, .9}); *f.Ratio != want {
		t.Errorf("%v; want %v", *f.Ratio, want)
	}
	server := 2.0
	ours := []Result{{Events: 100, Seconds: 1, CPUSeconds: 4, ServerCPUSeconds: &server}}
	if f := figure("ours", "", ours, seconds(1)); *f.CPURatio != (Stat{6, 6, 6}) {
		t.Errorf("the processor time is %v of the other's; want 6", *f.CPURatio)
	}
}

// The sides take turns, the first first in one round and last in the next.
func TestTakeTurns(t *testing.T) {
	var order []string
	side := func(name string) turn {
		return turn{name, name, func(int) (Result, error) {
			order = append(order, name)
			return Result{Events: 1, Seconds: 1}, nil
		}}
	}
	nothing := func() error { return nil }
	if _, err := takeTurns(3, []turn{side("a"), side("b")}, func(int) error { return nil }, nothing); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "b", "a", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("%v; want %v", order, want)
	}
	broken := errors.New("broken")
	failing := turn{"c", "c", func(int) (Result, error) { return Result{}, broken }}
	if _, err := takeTurns(3, []turn{failing}, func(int) error { return nil }, nothing); !errors.Is(err, broken) {
		t.Errorf("the error is %v; want %v", err, broken)
	}
}

func TestQuantile(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(i+1))
	}
	if m, p := quantile(times, .5), quantile(times, .99); m != 51 || p != 100 {
		t.Errorf("median %d and p99 %d of 1 to 100", m, p)
	}
}

// A target that is missed says so, and so does a limit that is exceeded.
func TestPrint(t *testing.T) {
	sides := []SideFigure{{Side: "bare", What: "the raw limit"}, {Side: "ours", What: "ours", Ratio: &Stat{.79, .7, .9}}}
	for _, c := range []struct {
		measure Measure
		want    string
	}{
		{Measure{Sides: sides, Target: atLeast("ours", .8)}, "missed with 0.79"},
		{Measure{Sides: sides, Target: atLeast("ours", .75)}, "reached with 0.79"},
		{Measure{Latencies: []Latency{{What: "x", MedianMS: 3, MedianLimitMS: 2}}}, "over 2"},
		{Measure{Latencies: []Latency{{What: "x", MedianMS: 1, MedianLimitMS: 2}}}, "≤ 2"},
		{Measure{Memory: &Memory{Events: 10, Seconds: 1, PeakBytes: 310e6, LimitBytes: 300e6}}, "over 300"},
	} {
		var text bytes.Buffer
		if err := c.measure.Print(&text); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%s\nhas no %q", &text, c.want)
		}
	}
}
