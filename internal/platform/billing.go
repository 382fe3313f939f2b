// This file is the course of a subscription: trial, renewals, cancellations
// that are withdrawn or not, changes of the offer, and coming back. What comes
// between is in trouble.go.

package platform

import "math"

const billing = "https://billing.example.tv"

// never is the end of what runs until something ends it.
const never = math.MaxInt64

// A subscription is a person's latest one.
type subscription struct {
	id    string
	offer *offer
	begun int64
	end   int64 // of what is paid for, or of the trial
	trial bool  // is in its trial
}

// An offer is what can be subscribed to.
type offer struct {
	id, name, interval string
	cents              int
	open               bool // billed by somebody else, with no end that the platform knows
	count              int  // of intervals, 0 for one
}

var offers = []offer{
	{"basic-monthly", "Basic", "month", 599, false, 0},
	{"standard-monthly", "Standard", "month", 999, false, 0},
	{"standard-monthly", "Standard", "month", 999, false, 0},
	{"premium-monthly", "Premium", "month", 1499, false, 0},
	{"premium-monthly", "Premium", "month", 1499, false, 0},
	{"standard-quarterly", "Standard, a quarter", "quarter", 2799, false, 0},
	{"standard-half-yearly", "Standard, six months", "month", 5299, false, 6},
	{"standard-yearly", "Standard, a year", "year", 9900, false, 0},
	{"weekend-pass", "A week", "week", 299, false, 0},
	{"operator-bundle", "With your operator", "month", 500, true, 0},
}

var payments = []string{"card", "paypal", "app-store", "play-store", "sepa"}

// How many people leave in a month, against the others: what they gave one
// another at the end of the year ends in January, and summers are spent outside.
var leavesInMonth = [12]float64{1.6, 1.15, .95, .9, 1.1, 1.35, 1.4, 1.1, .8, .75, .75, .7}

var comments = []string{
	"Nothing left to watch", "Trop cher pour nous", "Zu wenige Filme", "Moving abroad", "I'll be back in autumn",
}

// subscribe plans the subscriptions of a person from an instant on, the first
// with a trial for most.
func (p *Platform) subscribe(u *person, at int64) {
	r, s := u.rng, &u.sub
	for tried := false; at < u.leaves; tried = true {
		if s.offer == nil || r.chance(.7) {
			s.id, s.offer = newID(r, "sub-"), &offers[r.IntN(len(offers))]
		}
		s.begun, s.trial = at, !tried && r.chance(.6)
		trialEnd := int64(never)
		if s.trial {
			trialEnd = at + pick(r, []int64{7, 14, 14, 30})*day
			s.end = trialEnd
		} else {
			s.end = s.offer.paidUntil(at)
		}
		u.mayWatch(at, s.end, everything)
		p.bill(u, at, "subscription.started", "trial_ends_at", instant(trialEnd), "ends_at", instant(s.end))
		ended, back := p.course(u, at)
		if !r.chance(back) {
			return
		}
		at = ended + 5*day + r.wait(60*day)
	}
}

// course plans what becomes of the subscription that has just begun. It returns
// the instant at which that ends, and the chance that the person comes back.
func (p *Platform) course(u *person, at int64) (ended int64, back float64) {
	r, s := u.rng, &u.sub
	for at < u.leaves {
		cancels, fails, lapses := .035, .045, .007
		switch {
		case s.end == never:
			at += r.wait(250 * day)
			cancels, fails, lapses = .7, .3, 0
		case s.trial:
			cancels, fails, lapses = .24, .1, .1
		case s.offer.interval == "year":
			cancels, fails, lapses = .2, .08, .03
		}
		if s.end != never {
			cancels *= leavesInMonth[monthOf(at)]
		}
		switch x := r.Float64(); {
		case x < cancels:
			if s.end != never {
				at = r.between(at+minute, s.end)
			}
			atOnce := s.end == never || r.chance(.08)
			p.cancel(u, at, atOnce)
			if atOnce || !r.chance(.18) {
				return s.end, .3
			}
			at = r.between(at+minute, s.end)
			p.publish(u, at, billing, "subscription.resumed", "subscription_id", s.id, "ends_at", instant(s.end))
		case x < cancels+fails:
			var paid bool
			if at, paid = p.dun(u, at); !paid {
				return at, .45
			}
		case x < cancels+fails+lapses:
			return s.end, .3
		default:
			var goesOn bool
			if at, goesOn = p.between(u, at); !goesOn {
				return at, .3
			}
			at = p.renew(u)
		}
	}
	return at, 0
}

// renew plans the next renewal, mostly shortly before the end of what is paid
// for, and returns the instant at which it has been published; one that adds a day
// some time later is published late.
func (p *Platform) renew(u *person) int64 {
	r, s := u.rng, &u.sub
	at := s.end - r.between(minute, hour)
	if r.chance(.04) { // charged late: a gap
		at = s.end + r.between(minute, 40*hour)
	}
	s.trial = false
	s.end = s.offer.paidUntil(max(s.end, at))
	p.bill(u, at, "subscription.renewed", "ends_at", instant(s.end))
	if s.end != never && r.chance(.02) {
		happened := at + r.between(hour, 40*hour)
		at = happened + r.between(minute, hour)
		s.end += day
		p.bill(u, happened, "subscription.renewed", "ends_at", instant(s.end))
		if n := len(u.life); happened < u.leaves {
			u.life[n-1].at = min(at, u.leaves-1)
		}
	}
	u.mayWatch(at, s.end, everything)
	return at
}

// cancel ends a subscription at the person's wish: at once, or when what is
// paid for is used up.
func (p *Platform) cancel(u *person, at int64, atOnce bool) {
	r, s := u.rng, &u.sub
	var reason, comment string
	switch x := r.Float64(); {
	case x < .85:
		reason = "voluntary"
	case x < .95:
		reason = "other"
	}
	if r.chance(.25) {
		comment = pick(r, comments)
	}
	ends := s.end
	if atOnce {
		u.endAccess(at)
		s.end, ends = at, never
	}
	p.publish(u, at, billing, "subscription.canceled", "subscription_id", s.id, "reason", reason, "comment", comment, "ends_at", instant(ends))
}

// endAccess ends what the subscription lets a person watch.
func (u *person) endAccess(at int64) {
	for i := range u.access {
		if a := &u.access[i]; a.content == everything {
			a.to = min(a.to, at)
		}
	}
}

// bill publishes an event about what is being paid for.
func (p *Platform) bill(u *person, at int64, typ string, data ...any) {
	o, payment := u.sub.offer, "operator"
	if !o.open {
		payment = payments[u.number%len(payments)]
	}
	p.publish(u, at, billing, typ, append([]any{"subscription_id", u.sub.id, "offer_id", o.id, "offer_name", o.name, "amount", o.cents,
		"currency", u.country.currency, "interval", o.interval, "interval_count", some(o.count), "payment_interface", payment}, data...)...)
}

// paidUntil returns the end of what is paid for at an instant.
func (o *offer) paidUntil(at int64) int64 {
	switch {
	case o.open:
		return never
	case o.interval == "week":
		return at + 7*day
	case o.interval == "year":
		return timeOf(at).AddDate(1, 0, 0).UnixMicro()
	case o.interval == "quarter":
		return timeOf(at).AddDate(0, 3, 0).UnixMicro()
	}
	return timeOf(at).AddDate(0, max(o.count, 1), 0).UnixMicro()
}
