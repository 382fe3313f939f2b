// This file is chance: the shapes that people's choices have.

package platform

import (
	"math/rand/v2"
	"slices"
)

// A random is a generator of random numbers. Every person has one, so what one
// person does depends on nobody else.
type random struct{ *rand.Rand }

func newRandom(seed, stream uint64) random { return random{rand.New(rand.NewPCG(seed, stream))} }

// between returns a whole number in [a, b), a where there is none.
func (r random) between(a, b int64) int64 { return a + r.Int64N(max(b-a, 1)) }

func (r random) chance(p float64) bool { return r.Float64() < p }

// wait returns a waiting time with that mean, as it is where nothing before
// matters.
func (r random) wait(mean int64) int64 { return int64(r.ExpFloat64() * float64(mean)) }

// popular returns a whole number in [0, n), the small ones far more often.
func (r random) popular(n int) int {
	x := r.Float64()
	return int(x * x * float64(n))
}

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }

// weighted returns an index, with chances in proportion to the weights.
func (r random) weighted(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.Float64() * sum
	return max(0, slices.IndexFunc(weights, func(w float64) bool {
		x -= w
		return x < 0
	}))
}

const (
	second int64 = 1e6
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// How many people join in a month, against the others: a winter's business.
var joinsInMonth = [12]float64{1.25, 1.0, 0.95, 0.85, 0.75, 0.65, 0.6, 0.7, 0.95, 1.1, 1.25, 1.5}

// How many people watch, and join, in each hour of their day.
var hourWeight = []float64{3, 1.5, .8, .5, .4, .5, 1, 2, 2.5, 3, 3, 3.5, 4.5, 5, 4.5, 4.5, 5, 6.5, 9, 12, 15, 15, 11, 6}

// timeOfDay returns an instant of a day, in µs since its local midnight.
func (r random) timeOfDay() int64 { return int64(r.weighted(hourWeight))*hour + r.Int64N(hour) }

// joinTimes says when each of n people registers, ascending: more in winter
// and on weekends, in the hours in which people are awake.
func joinTimes(r random, n int, from, until int64) []int64 {
	first := from - from%day
	var days []float64
	for d := first; d < until; d += day {
		w := joinsInMonth[monthOf(d)]
		if weekend(d) {
			w *= 1.35
		}
		days = append(days, w)
	}
	times := make([]int64, 0, n)
	for len(times) < n {
		if at := first + int64(r.weighted(days))*day + r.timeOfDay(); at >= from && at < until {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	return times
}
