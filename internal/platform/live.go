// This file is the platform going on in the present, at whatever rate of
// events a demonstration wants.

package platform

import (
	"context"
	"iter"
	"time"
)

// Live yields events that happen now, that many a second (more than 0), until
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

// Happen returns one event that happens at now: what is due by then, with the
// time at which it was, else something that somebody does of a sudden. It comes
// after History has ended, with instants that don't go back.
func (p *Platform) Happen(now time.Time) []byte {
	at := now.UnixMicro()
	p.live, p.horizon = true, at+31*day
	if !p.rng.chance(.04) {
		if e := p.next(at); e != nil {
			return e
		}
		if u := p.somebody(func(u *person) bool { return len(u.viewing) == 0 && p.opts.Viewing > 0 && u.hasAccess(at) }); u != nil {
			u.watches = at
			return p.take(u)
		}
	}
	return p.decide(at)
}

// decide makes somebody cancel, rent or change their profile, or else somebody
// new register.
func (p *Platform) decide(at int64) []byte {
	var u *person
	switch x := p.rng.Float64(); {
	case x < .2:
		if u = p.somebody(func(u *person) bool { return u.paidUntil(at) > at+hour }); u != nil {
			u.life, u.sub.end = nil, u.paidUntil(at)
			u.endAccess(u.sub.end)
			p.cancel(u, at, u.sub.end == never)
			p.planViewing(u, at)
		}
	case x < .35:
		if u = p.somebody(func(u *person) bool { return !u.hasAccess(at) }); u != nil {
			p.rent(u, at)
		}
	case x < .5:
		if u = p.somebody(func(*person) bool { return true }); u != nil {
			p.update(u, at)
		}
	}
	if u != nil {
		u.sortLife()
	}
	if u == nil || u.next() > at {
		u = p.join(at, false, false)
	}
	return p.take(u)
}

// paidUntil returns the end of what is paid for at an instant of the latest
// subscription, 0 where there is nothing.
func (u *person) paidUntil(at int64) int64 {
	for _, a := range u.access {
		if a.content == everything && a.contains(at) && u.sub.begun <= at {
			return a.to
		}
	}
	return 0
}

// somebody chooses one of the people of whom ok is true, nil if there aren't
// enough of them for one to be found by chance.
func (p *Platform) somebody(ok func(*person) bool) *person {
	for range 64 {
		if u := pick(p.rng, p.people); u.erasedAt == 0 && ok(u) {
			return u
		}
	}
	return nil
}
