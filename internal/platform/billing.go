// This file is the course of a subscription: trial, renewals, cancellations
// that are withdrawn or not, failed payments, and coming back.

package platform

import "math"

const billing = "https://billing.example.tv"

// never is the end of a subscription that runs until something ends it.
const never = math.MaxInt64

// A subscription is a person's latest one.
type subscription struct {
	id      uint64
	plan    uint8
	running bool
	trial   bool  // is in its trial
	tried   bool  // the person has had a trial
	end     int64 // of what is paid for, or of the trial
	// turn goes up with whatever changes the subscription's course, so that
	// what was queued for the earlier course lapses.
	turn uint16
}

// A plan is an offer of the platform.
type plan struct {
	id, name, interval string
	cents              int64
	open               bool // billed by somebody else, with no end that the platform knows
}

var plans = []plan{
	{"basic-monthly", "Basic", "month", 599, false},
	{"standard-monthly", "Standard", "month", 999, false},
	{"standard-monthly", "Standard", "month", 999, false},
	{"premium-monthly", "Premium", "month", 1499, false},
	{"standard-yearly", "Standard, a year", "year", 9900, false},
	{"weekend-pass", "A week", "week", 299, false},
	{"operator-bundle", "With your operator", "month", 500, true},
}

var payments = []string{"card", "paypal", "app-store", "play-store", "sepa"}

// How many people leave in a month, against the others: what they gave one
// another at the end of the year ends in January, and summers are spent outside.
var leavesInMonth = [12]float64{1.6, 1.15, .95, .9, 1.1, 1.35, 1.4, 1.1, .8, .75, .75, .7}

var comments = []string{
	"Nothing left to watch", "Trop cher pour nous", "Zu wenige Filme", "Moving abroad", "I'll be back in autumn",
}

// bill lets one step in the course of a subscription happen.
func (p *Platform) bill(t task) []byte {
	u := &p.people[t.user]
	if t.turn != u.sub.turn {
		return nil
	}
	switch t.act {
	case actSubscribe:
		if !u.sub.running {
			return p.subscribe(t.user)
		}
	case actRenew:
		return p.renew(t.user)
	case actCorrect:
		return p.correct(t.user)
	case actCancel:
		return p.cancel(t.user)
	case actFail:
		return p.fail(t.user)
	case actResume:
		return p.resume(t.user)
	case actLapse:
		p.lapse(t.user, .3)
	}
	return nil
}

// subscribe starts a subscription, with a trial for most who have had none.
func (p *Platform) subscribe(i int32) []byte {
	u := &p.people[i]
	s, r := &u.sub, &u.rng
	if s.id == 0 || r.chance(.7) {
		s.id = r.next()
		s.plan = uint8(r.below(int64(len(plans))))
	}
	s.turn++
	s.running = true
	s.trial = !s.tried && r.chance(.6)
	s.tried = true
	switch {
	case s.trial:
		s.end = p.now + pick(r, []int64{7, 14, 14, 30})*day
	case plans[s.plan].open:
		s.end = never
	default:
		s.end = paidUntil(p.now, plans[s.plan].interval)
	}
	p.begin(billing, "subscription.started", u, p.now)
	p.hexText("subscription_id", "sub-", s.id)
	p.offer(u)
	if s.trial {
		p.instant("trial_ends_at", s.end)
	}
	p.endsAt(s.end)
	p.course(i)
	p.wake(i)
	return p.end()
}

// course decides how the stretch that has just begun will end.
func (p *Platform) course(i int32) {
	u := &p.people[i]
	s, r := &u.sub, &u.rng
	if s.end == never {
		if at := p.now + r.wait(250*day); r.chance(.7) {
			p.later(i, at, actCancel)
		} else {
			p.later(i, at, actFail)
		}
		return
	}
	cancels, fails, lapses := .035, .013, .007
	switch {
	case s.trial:
		cancels, fails, lapses = .24, .04, .1
	case plans[s.plan].interval == "year":
		cancels, fails, lapses = .2, .03, .03
	}
	cancels *= leavesInMonth[monthOf(p.now)]
	switch x := r.float(); {
	case x < cancels:
		p.later(i, r.between(p.now+minute, s.end), actCancel)
	case x < cancels+fails:
		p.later(i, s.end+r.between(-2*hour, hour), actFail)
	case x < cancels+fails+lapses:
		p.later(i, s.end, actLapse)
	case r.chance(.04): // charged late: a gap
		p.later(i, s.end+r.between(minute, 40*hour), actRenew)
	default:
		p.later(i, s.end-r.between(minute, hour), actRenew)
	}
}

func (p *Platform) renew(i int32) []byte {
	u := &p.people[i]
	s := &u.sub
	s.turn++
	s.trial = false
	if plans[s.plan].open {
		s.end = never
	} else {
		s.end = paidUntil(max(s.end, p.now), plans[s.plan].interval)
	}
	p.begin(billing, "subscription.renewed", u, p.now)
	p.hexText("subscription_id", "sub-", s.id)
	p.offer(u)
	p.endsAt(s.end)
	p.course(i)
	if s.end != never && u.rng.chance(.02) {
		p.later(i, p.now+u.rng.between(hour, 40*hour), actCorrect)
	}
	p.wake(i)
	return p.end()
}

// correct says, some time after, that the last renewal gave a day more.
func (p *Platform) correct(i int32) []byte {
	u := &p.people[i]
	s := &u.sub
	s.turn++
	s.end += day
	p.begin(billing, "subscription.renewed", u, p.now-u.rng.between(minute, hour))
	p.hexText("subscription_id", "sub-", s.id)
	p.offer(u)
	p.endsAt(s.end)
	p.course(i)
	return p.end()
}

// cancel ends a subscription at the person's wish, mostly when what is paid for
// is used up.
func (p *Platform) cancel(i int32) []byte {
	u := &p.people[i]
	s, r := &u.sub, &u.rng
	s.turn++
	p.begin(billing, "subscription.canceled", u, p.now)
	p.hexText("subscription_id", "sub-", s.id)
	switch x := r.float(); {
	case x < .85:
		p.text("reason", "voluntary")
	case x < .95:
		p.text("reason", "other")
	}
	if r.chance(.25) {
		p.text("comment", pick(r, comments))
	}
	if s.end == never || r.chance(.08) {
		p.lapse(i, .25)
		return p.end()
	}
	p.instant("ends_at", s.end)
	if r.chance(.18) {
		p.later(i, r.between(p.now+minute, s.end), actResume)
	} else {
		p.later(i, s.end, actLapse)
	}
	return p.end()
}

// fail ends a subscription at once because nobody pays.
func (p *Platform) fail(i int32) []byte {
	u := &p.people[i]
	u.sub.turn++
	p.begin(billing, "subscription.canceled", u, p.now)
	p.hexText("subscription_id", "sub-", u.sub.id)
	p.text("reason", "non_payment")
	p.lapse(i, .45)
	return p.end()
}

// resume withdraws a cancellation before it takes effect.
func (p *Platform) resume(i int32) []byte {
	u := &p.people[i]
	u.sub.turn++
	p.begin(billing, "subscription.resumed", u, p.now)
	p.hexText("subscription_id", "sub-", u.sub.id)
	p.endsAt(u.sub.end)
	p.course(i)
	return p.end()
}

// lapse notes that a subscription has ended, and with that chance that the
// person will come back.
func (p *Platform) lapse(i int32, back float64) {
	u := &p.people[i]
	u.sub.turn++
	u.sub.running, u.sub.trial = false, false
	if u.rng.chance(back) {
		p.later(i, p.now+5*day+u.rng.wait(60*day), actSubscribe)
	}
}

// offer writes what is being paid for.
func (p *Platform) offer(u *person) {
	o := &plans[u.sub.plan]
	p.text("offer_id", o.id)
	p.text("offer_name", o.name)
	p.number("amount", o.cents)
	p.text("currency", countries[u.country].currency)
	p.text("interval", o.interval)
	if o.open {
		p.text("payment_interface", "operator")
	} else {
		p.text("payment_interface", payments[u.sub.id%uint64(len(payments))])
	}
}

// endsAt writes an end, unless there is none.
func (p *Platform) endsAt(at int64) {
	if at != never {
		p.instant("ends_at", at)
	}
}

// paidUntil gives the end of an interval that begins at an instant.
func paidUntil(at int64, interval string) int64 {
	t := timeOf(at)
	switch interval {
	case "week":
		return at + 7*day
	case "year":
		return t.AddDate(1, 0, 0).UnixMicro()
	}
	return t.AddDate(0, 1, 0).UnixMicro()
}
