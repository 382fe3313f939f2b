// This file is what comes between the renewals of a subscription: payments that
// fail, pauses, other offers, longer trials, and what billing takes back.

package platform

// dun plans what becomes of a payment that fails. It returns when that is known,
// and whether it was paid after all.
func (p *Platform) dun(u *person, at int64) (known int64, paid bool) {
	r, s := u.rng, &u.sub
	if s.end == never { // the operator's customer, whom the operator locks out
		u.endAccess(at)
		p.publish(u, at, billing, "subscription.canceled", "subscription_id", s.id, "reason", "non_payment")
		return at, false
	}
	at = max(s.end-r.between(minute, hour), at+minute)
	grace := at + pick(r, []int64{3, 7, 14})*day
	for tries := r.IntN(3); tries >= 0 && at < grace; tries-- {
		p.publish(u, at, billing, "subscription.payment_failed", "subscription_id", s.id, "grace_ends_at", instant(grace),
			"comment", pick(r, []string{"", "card expired", "insufficient funds"}))
		at += r.between(day, 3*day)
	}
	if at = min(at, grace); r.chance(.6) && at < grace {
		s.trial = false
		s.end = s.offer.paidUntil(at)
		p.bill(u, at, "subscription.renewed", "ends_at", instant(s.end))
		u.mayWatch(at, s.end, everything)
		return at, true
	}
	u.mayWatch(s.end, grace, everything)
	if r.chance(.7) {
		p.publish(u, grace, billing, "subscription.canceled", "subscription_id", s.id, "reason", "non_payment")
	}
	return grace, false
}

// between plans what may happen before the next renewal. It returns when, and
// whether the subscription goes on.
func (p *Platform) between(u *person, at int64) (now int64, goesOn bool) {
	r, s := u.rng, &u.sub
	if s.end == never {
		return at, true
	}
	then := r.between(at+minute, max(s.end-hour, at+2*minute))
	switch x := r.Float64(); {
	case s.trial && x < .05:
		s.end += 7 * day
		p.publish(u, then, billing, "subscription.changed", "subscription_id", s.id, "trial_ends_at", instant(s.end))
		p.publish(u, then, billing, "subscription.resumed", "subscription_id", s.id, "ends_at", instant(s.end))
		u.mayWatch(then, s.end, everything)
	case s.trial:
	case x < .02:
		return p.pause(u, then)
	case x < .04:
		s.offer = &offers[r.IntN(len(offers)-1)] // not the operator's
		p.bill(u, then, "subscription.changed")
	case x < .055:
		p.publish(u, then, billing, "subscription.canceled", "subscription_id", s.id, "reason", "switched")
		u.endAccess(then)
		s.id, s.offer = newID(r, "sub-"), &offers[r.IntN(len(offers)-1)]
		s.begun, s.end = then, s.offer.paidUntil(then)
		p.bill(u, then, "subscription.started", "ends_at", instant(s.end))
		u.mayWatch(then, s.end, everything)
	case x < .06:
		p.takeBack(u, then, "subscription.canceled", "subscription_id", s.id, "ends_at", instant(s.end), "comment", "somebody else's")
	default:
		return at, true
	}
	return then, true
}

// pause plans a pause from an instant on, at once or when what is paid for is used
// up. Most come back when they said.
func (p *Platform) pause(u *person, at int64) (ended int64, goesOn bool) {
	r, s := u.rng, &u.sub
	resumes := at + r.between(20, 60)*day
	ends := int64(never)
	if stops := s.end; r.chance(.6) && stops < resumes {
		ends = stops
	} else {
		u.endAccess(at)
	}
	p.publish(u, at, billing, "subscription.paused", "subscription_id", s.id, "ends_at", instant(ends), "resumes_at", instant(resumes),
		"comment", pick(r, []string{"", "", "on holiday"}))
	if r.chance(.2) {
		at = r.between(at+day, resumes)
		p.publish(u, at, billing, "subscription.canceled", "subscription_id", s.id, "reason", "voluntary")
		return at, false
	}
	s.end = s.offer.paidUntil(resumes)
	p.bill(u, resumes, "subscription.resumed", "ends_at", instant(s.end))
	u.mayWatch(resumes, s.end, everything)
	return resumes, true
}

// takeBack plans an event that was a mistake, and its retraction some hours later.
func (p *Platform) takeBack(u *person, at int64, typ string, data ...any) {
	if at >= u.leaves {
		return
	}
	id := p.nextID()
	u.life = append(u.life, event{at, p.writeAs(id, u, at, billing, typ, data...)})
	p.publish(u, at+u.rng.between(minute, 20*hour), billing, "event.retracted", "source", billing, "id", id)
}
