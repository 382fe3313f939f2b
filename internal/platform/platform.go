// Package platform simulates a streaming platform: people who register, try,
// subscribe, pay, watch, leave and come back, and the events that such a
// platform would publish about them.
//
// The same Options give the same events, byte for byte. Memory grows with the
// number of people and not with what they watch: each person's accounts are
// planned as soon as they join, and their viewing sessions one at a time.
//
// Events are structured CloudEvents in the order in which the platform would
// publish them. That is the order of their times, save for the few that a real
// platform sends late: reports of a player that was offline, and corrections.
package platform

import (
	"cmp"
	"container/heap"
	"iter"
	"time"
)

// DefaultUsers is a number of people whose year is well over 300,000 events.
const DefaultUsers = 8000

// Options say how large a platform is simulated. The zero value of each field
// but Until means its default.
type Options struct {
	// Seed tells apart platforms that are alike in all else.
	Seed uint64
	// Users is how many people register during the year; by default DefaultUsers.
	Users int
	// Until is the end of the history, exclusive. It begins a year earlier.
	Until time.Time
	// Viewing scales how much people watch: 1 is the default, at which about 85 %
	// of all events are about playback; 0.1 makes a tenth of it. Negative: nobody
	// watches anything.
	Viewing float64
	// Erasures is how many people are erased during the year; by default none.
	// One in four of them registers again under the same id.
	Erasures int
}

// A Platform is a simulated platform at a point of its simulated time. It isn't
// safe for concurrent use.
type Platform struct {
	opts     Options
	until    int64 // µs since 1970, like all instants here
	horizon  int64 // nothing is planned from there on
	live     bool
	contents []content
	people   []*person
	due      dueOrder
	rng, ids random // of the platform as a whole; each person has one too
}

// New makes a platform at the start of its history.
func New(o Options) *Platform {
	o.Users = cmp.Or(max(o.Users, 0), DefaultUsers)
	o.Viewing = cmp.Or(o.Viewing, 1)
	p := &Platform{opts: o, until: o.Until.UnixMicro(), contents: catalogue(o.Seed), rng: newRandom(o.Seed, 0), ids: newRandom(o.Seed, 1<<41)}
	p.horizon = p.until + 31*day
	erased := min(o.Erasures, o.Users)
	for i, at := range joinTimes(p.rng, o.Users, o.Until.AddDate(-1, 0, 0).UnixMicro(), p.until) {
		// Each is erased with the chance that makes the wanted number of them.
		erases := p.rng.IntN(o.Users-i) < erased
		p.join(at, erases, erased%4 == 0)
		if erases {
			erased--
		}
	}
	return p
}

// History returns the platform's events up to Options.Until, each a slice of its
// own. It can be left and taken up again: a further call goes on from there.
func (p *Platform) History() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for e := p.next(p.until - 1); e != nil; e = p.next(p.until - 1) {
			if !yield(e) {
				return
			}
		}
	}
}

// next returns the event that is published next, nil where that is after at.
func (p *Platform) next(at int64) []byte {
	if p.due[0].next() > at {
		return nil
	}
	return p.take(p.due[0])
}

// take returns the next event about a person.
func (p *Platform) take(u *person) []byte {
	defer func() { heap.Fix(&p.due, u.slot) }()
	from := &u.viewing
	switch at := u.next(); {
	case len(u.life) > 0 && u.life[0].at == at:
		from = &u.life
	case len(u.viewing) == 0:
		p.watch(u, at)
	}
	e := (*from)[0]
	*from = (*from)[1:]
	return e.text
}

// A dueOrder is the people in the order of what is published next about them.
type dueOrder []*person

func (d dueOrder) Len() int { return len(d) }
func (d dueOrder) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(d[i].next(), d[j].next()), cmp.Compare(d[i].number, d[j].number)) < 0
}
func (d dueOrder) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].slot, d[j].slot = i, j
}
func (d *dueOrder) Push(u any) { *d = append(*d, u.(*person)) }
func (d *dueOrder) Pop() any {
	last := len(*d) - 1
	u := (*d)[last]
	*d = (*d)[:last]
	return u
}
