// This file is the platform going on in the present, at whatever rate of
// events a demonstration wants.

package platform

import (
	"context"
	"iter"
	"time"
)

// Live gives events that happen now, that many a second (more than 0), until
// ctx ends: the same people, who watch more the higher the rate is, and new
// ones who join them. It comes after History has ended.
func (p *Platform) Live(ctx context.Context, perSecond float64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		begun, sent := time.Now(), 0.0
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for now := time.Now(); sent < now.Sub(begun).Seconds()*perSecond; sent++ {
				if ctx.Err() != nil || !yield(p.Happen(now)) {
					return
				}
			}
		}
	}
}

// Happen gives one event that happens at now: what is due by then, with the
// time at which it was, else something that somebody does of a sudden. It comes
// after History has ended, with instants that don't go back.
func (p *Platform) Happen(now time.Time) []byte {
	p.live = true
	if !p.rng.chance(.04) {
		for {
			at, ok := p.next()
			if !ok || at > now.UnixMicro() {
				break
			}
			if e := p.step(); e != nil {
				return e
			}
		}
		p.now = max(p.now, now.UnixMicro())
		if e := p.watchNow(); e != nil {
			return e
		}
	}
	p.now = max(p.now, now.UnixMicro())
	return p.decideNow()
}

// watchNow makes somebody watch who has something to watch and isn't watching,
// whether or not their player has reported before.
func (p *Platform) watchNow() []byte {
	i, ok := p.somebody(func(u *person) bool { return u.session == nil && p.opts.Viewing > 0 && p.access(u) })
	if !ok {
		return nil
	}
	p.people[i].watchAt = p.now
	return p.watch(i)
}

// decideNow makes somebody subscribe, cancel, rent or change their profile, or
// else somebody new register.
func (p *Platform) decideNow() []byte {
	switch x := p.rng.float(); {
	case x < .25:
		if i, ok := p.somebody(func(u *person) bool { return !u.sub.running }); ok {
			return p.subscribe(i)
		}
	case x < .4:
		if i, ok := p.somebody(func(u *person) bool { return u.sub.running && p.now+hour < u.sub.end }); ok {
			return p.cancel(i)
		}
	case x < .5:
		if i, ok := p.somebody(func(u *person) bool { return u.rental.until <= p.now }); ok {
			return p.startRental(i)
		}
	case x < .6:
		if i, ok := p.somebody(func(*person) bool { return true }); ok {
			return p.update(i)
		}
	}
	p.people = append(p.people, person{})
	i := int32(len(p.people) - 1)
	p.joins = append(p.joins, p.now)
	p.joined = len(p.joins)
	return p.register(i)
}

// somebody chooses one of the people of whom ok is true, if there are enough
// for it to be found by chance.
func (p *Platform) somebody(ok func(*person) bool) (int32, bool) {
	for range 64 {
		i := int32(p.rng.below(int64(len(p.people))))
		if u := &p.people[i]; u.id != "" && !u.gone && ok(u) {
			return i, true
		}
	}
	return 0, false
}
