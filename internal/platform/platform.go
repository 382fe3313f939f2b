// Package platform simulates a streaming platform: people who register, try,
// subscribe, pay, watch, leave and come back, and the events that such a
// platform would publish about them.
//
// The same Options give the same events, byte for byte. Memory grows with the
// number of people and not with the number of events: every person is a small
// state and a few entries in a queue of what happens next.
//
// Events are structured CloudEvents in the order in which the platform would
// publish them. That is the order of their times, save for the few that a real
// platform sends late: reports of a player that was offline, and corrections.
package platform

import (
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
	from     int64 // µs since 1970; first instant of the history
	until    int64
	contents []content
	people   []person
	joins    []int64 // when each person registers, ascending
	joined   int     // how many of joins are over
	queue    queue
	events   uint64 // how many events were made so far
	watching int    // how many sessions are open
	rng      random // of the platform as a whole; each person has one too
	live     bool
	now      int64 // of the event that is being made
	buf      []byte
}

// New makes a platform at the start of its history.
func New(o Options) *Platform {
	if o.Users <= 0 {
		o.Users = DefaultUsers
	}
	if o.Viewing == 0 {
		o.Viewing = 1
	}
	p := &Platform{
		opts:     o,
		from:     o.Until.AddDate(-1, 0, 0).UnixMicro(),
		until:    o.Until.UnixMicro(),
		contents: catalogue(o.Seed),
		people:   make([]person, o.Users),
		rng:      newRandom(o.Seed, 0),
	}
	p.now = p.from
	p.joins = joinTimes(&p.rng, o.Users, p.from, p.until)
	p.planErasures()
	return p
}

// Year gives a year of a platform of that many people, up to until: the same
// as New(Options{…}).History().
func Year(seed uint64, users int, until time.Time) iter.Seq[[]byte] {
	return New(Options{Seed: seed, Users: users, Until: until}).History()
}

// History gives the platform's events up to Options.Until, each a slice of its
// own. It can be left and taken up again: a further call goes on from there.
func (p *Platform) History() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			at, ok := p.next()
			if !ok || at >= p.until {
				return
			}
			if e := p.step(); e != nil && !yield(e) {
				return
			}
		}
	}
}

// next gives the instant at which something happens next.
func (p *Platform) next() (int64, bool) {
	join := p.joined < len(p.joins)
	switch {
	case join && (len(p.queue) == 0 || p.joins[p.joined] <= p.queue[0].at):
		return p.joins[p.joined], true
	case len(p.queue) > 0:
		return p.queue[0].at, true
	}
	return 0, false
}

// step lets the next thing happen and gives the event that is published about
// it, or nil where it is nothing that a platform publishes.
func (p *Platform) step() []byte {
	if p.joined < len(p.joins) && (len(p.queue) == 0 || p.joins[p.joined] <= p.queue[0].at) {
		p.joined++
		p.now = p.joins[p.joined-1]
		return p.register(int32(p.joined - 1))
	}
	t := p.queue.pop()
	p.now = t.at
	return p.do(t)
}

// do lets one queued thing happen.
func (p *Platform) do(t task) []byte {
	u := &p.people[t.user]
	if u.gone && t.act != actReturn || t.life != u.life {
		return nil
	}
	switch t.act {
	case actUpdate:
		return p.update(t.user)
	case actErase:
		return p.erase(t.user)
	case actReturn:
		return p.register(t.user)
	case actSubscribe, actRenew, actCancel, actFail, actResume, actLapse, actCorrect:
		return p.bill(t)
	case actRent, actActivate, actRefund:
		return p.rent(t)
	case actGrant, actRevoke:
		return p.freeCopy(t)
	case actWatch:
		return p.watch(t.user)
	case actReport:
		return p.report(t.user)
	}
	return nil
}
