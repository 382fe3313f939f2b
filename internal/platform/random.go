// This file is chance: a small generator of random numbers, and the shapes
// that people's choices have.

package platform

import (
	"math"
	"slices"
	"sort"
)

// A random is a generator of random numbers (splitmix64), small enough that
// every person has one: so what one person does depends on nobody else.
type random struct {
	state  uint64
	queued uint64
}

func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func newRandom(seed, stream uint64) random {
	return random{state: mix(seed+0x9e3779b97f4a7c15) ^ mix(stream*0xd1342543de82ef95+1)}
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

// float gives a number in [0, 1).
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// below gives a whole number in [0, n); n must be positive.
func (r *random) below(n int64) int64 { return int64(r.next() % uint64(n)) }

// between gives a whole number in [a, b).
func (r *random) between(a, b int64) int64 {
	if b <= a {
		return a
	}
	return a + r.below(b-a)
}

func (r *random) chance(p float64) bool { return r.float() < p }

// wait gives a waiting time with that mean, as it is where nothing before
// matters.
func (r *random) wait(mean int64) int64 {
	return int64(-math.Log(1-r.float()) * float64(mean))
}

func pick[T any](r *random, from []T) T { return from[r.below(int64(len(from)))] }

const (
	second int64 = 1e6
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// How many people join in a month, against the others: a winter's business.
var joinsInMonth = [12]float64{1.25, 1.0, 0.95, 0.85, 0.75, 0.65, 0.6, 0.7, 0.95, 1.1, 1.25, 1.5}

// How many people watch, and join, in each hour of their day.
var hourWeight = [24]float64{3, 1.5, .8, .5, .4, .5, 1, 2, 2.5, 3, 3, 3.5, 4.5, 5, 4.5, 4.5, 5, 6.5, 9, 12, 15, 15, 11, 6}

var hourSums = func() (sums [24]float64) {
	total := 0.0
	for h, w := range hourWeight {
		total += w
		sums[h] = total
	}
	return sums
}()

// timeOfDay gives an instant of a day, in µs since its local midnight.
func (r *random) timeOfDay() int64 {
	at := r.float() * hourSums[23]
	h := sort.SearchFloat64s(hourSums[:], at)
	return int64(min(h, 23))*hour + r.below(hour)
}

// joinTimes says when each of n people registers, ascending: more in winter
// and on weekends, in the hours in which people are awake.
func joinTimes(r *random, n int, from, until int64) []int64 {
	var days []float64
	total := 0.0
	for d := from - from%day; d < until; d += day {
		w := joinsInMonth[monthOf(d)]
		if weekend(d) {
			w *= 1.35
		}
		total += w
		days = append(days, total)
	}
	times := make([]int64, 0, n)
	for len(times) < n {
		d := sort.SearchFloat64s(days, r.float()*total)
		at := from - from%day + int64(min(d, len(days)-1))*day + r.timeOfDay()
		if at >= from && at < until {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	return times
}
