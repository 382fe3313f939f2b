// This file lets sides take turns, and makes figures of what they measured.

package bench

import (
	"slices"
)

// A Stat is a figure over the rounds.
type Stat struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// statOf returns the median and the spread of at least one value.
func statOf(values []float64) Stat {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Stat{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// A SideFigure is what a side came to.
type SideFigure struct {
	Side string `json:"side"`
	// What it does, for people.
	What string `json:"what"`
	// EventsPerSecond is over the rounds; so is the processor time of the
	// side's process an event, in microseconds, and that of the PostgreSQL
	// server's, nil where that couldn't be told.
	EventsPerSecond Stat  `json:"events_per_second"`
	CPUMicros       Stat  `json:"cpu_us_per_event"`
	ServerCPUMicros *Stat `json:"server_cpu_us_per_event,omitempty"`
	// PeakBytes is the most memory that the side's process had in use in any
	// round; 0 where that couldn't be told.
	PeakBytes int64 `json:"peak_bytes,omitempty"`
	// Ratio is its events a second to those of the first side's, and CPURatio
	// its processor time an event, with the server's, to the first side's: both
	// round by round, and nil for the first. The latter says more than the
	// former on a machine that has other work.
	Ratio    *Stat    `json:"ratio,omitempty"`
	CPURatio *Stat    `json:"cpu_ratio,omitempty"`
	Rounds   []Result `json:"rounds"`
}

// figure makes a side's figure of its rounds; beside has the rounds of the side
// that it is compared with, nil for none.
func figure(side, what string, rounds, beside []Result) SideFigure {
	f := SideFigure{Side: side, What: what, Rounds: rounds,
		EventsPerSecond: statOf(each(rounds, Result.rate)),
		CPUMicros:       statOf(each(rounds, func(r Result) float64 { return r.CPUSeconds * 1e6 / float64(r.Events) }))}
	if !slices.ContainsFunc(rounds, func(r Result) bool { return r.ServerCPUSeconds == nil }) {
		server := statOf(each(rounds, func(r Result) float64 { return *r.ServerCPUSeconds * 1e6 / float64(r.Events) }))
		f.ServerCPUMicros = &server
	}
	for _, r := range rounds {
		f.PeakBytes = max(f.PeakBytes, r.PeakBytes)
	}
	if beside != nil {
		f.Ratio = ratioOf(rounds, beside, Result.rate)
		f.CPURatio = ratioOf(rounds, beside, Result.processorTime)
	}
	return f
}

// ratioOf compares a figure of each round with that of another side in the
// same round.
func ratioOf(rounds, beside []Result, of func(Result) float64) *Stat {
	ratios := make([]float64, len(rounds))
	for i := range rounds {
		ratios[i] = of(rounds[i]) / of(beside[i])
	}
	ratio := statOf(ratios)
	return &ratio
}

// processorTime is what an event took of it, in seconds, the server's with it.
func (r Result) processorTime() float64 {
	sum := r.CPUSeconds
	if r.ServerCPUSeconds != nil {
		sum += *r.ServerCPUSeconds
	}
	return sum / float64(r.Events)
}

func (r Result) rate() float64 { return float64(r.Events) / r.Seconds }

func each(rounds []Result, f func(Result) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = f(r)
	}
	return values
}

// A turn is a side's place in a comparison.
type turn struct {
	side, what string
	// run measures the side in a round, from 0 on.
	run func(round int) (Result, error)
}

// takeTurns lets every side take its turn in each round, the first first in
// one round and last in the next. before prepares a round, after clears it up.
// The first side is the one that the others are compared with.
func takeTurns(rounds int, turns []turn, before func(round int) error, after func() error) ([]SideFigure, error) {
	results := make([][]Result, len(turns))
	for round := range rounds {
		if err := before(round); err != nil {
			return nil, err
		}
		order := make([]int, len(turns))
		for i := range order {
			order[i] = i
			if round%2 == 1 {
				order[i] = len(turns) - 1 - i
			}
		}
		for _, i := range order {
			result, err := turns[i].run(round)
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], result)
		}
		if err := after(); err != nil {
			return nil, err
		}
	}
	figures := make([]SideFigure, len(turns))
	for i, t := range turns {
		var beside []Result
		if i > 0 {
			beside = results[0]
		}
		figures[i] = figure(t.side, t.what, results[i], beside)
	}
	return figures, nil
}
