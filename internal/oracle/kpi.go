// This file is the monthly figures, and the users whom they count.

package oracle

import (
	"fmt"
	"math/big"
	"slices"
)

// A window is a month at an instant t: of the month, what isn't after t.
type window struct {
	start, end Instant // of the month
	t          Instant
}

// holds says that an instant lies in the window.
func (w window) holds(i Instant) bool { return w.start <= i && i < w.end && i <= w.t }

// reached says that a span reaches into the window: it begins before the
// month's end and not after t, and ends after the month's start.
func (w window) reached(s span) bool {
	return !s.empty() && s.from < w.end && s.from <= w.t && s.to > w.start
}

func (o *Oracle) window(m month, t Instant) window {
	return window{o.calendar.start(m), o.calendar.end(m), t}
}

// counts says that a figure counts a user, and for unsubscribed with what reason.
func (u *user) counts(kpi string, w window) (reason string, counted bool) {
	u.fold()
	switch kpi {
	case "registered": // registered_at lies in the window
		return "", u.registeredAt != nil && w.holds(*u.registeredAt)
	case "active": // a span of any entitlement reaches into it
		if slices.ContainsFunc(u.access, w.reached) {
			return "", true
		}
	case "trial": // a trial does
		for _, x := range u.entitlements {
			for _, p := range x.counting() {
				if w.reached(p.trial()) {
					return "", true
				}
			}
		}
	case "unsubscribed":
		return u.unsubscribed(w)
	case "cancellations": // a cancellation was recorded in it
		for _, x := range u.entitlements {
			if slices.ContainsFunc(x.recorded, func(c *cancellation) bool { return w.holds(c.at) }) {
				return "", true
			}
		}
	}
	return "", false
}

// unsubscribed: the subscriptions, united, leave a gap [e, s) after a span, s
// being the next span's start or never, with e in the window; and the gap lasts
// past t while the month runs, and to its end otherwise.
func (u *user) unsubscribed(w window) (reason string, counted bool) {
	for i, subscribed := range u.subscribed {
		e, s := subscribed.to, never
		if i+1 < len(u.subscribed) {
			s = u.subscribed[i+1].from
		}
		if e == never || !w.holds(e) {
			continue
		}
		if w.t < w.end && s > w.t || w.t >= w.end && s >= w.end {
			return u.endedBecause(e), true
		}
	}
	return "", false
}

// endedBecause is the reason of the cancellation of the subscription's period
// that ended at e: of several, the one that began last, then the greatest
// subscription_id. Expired where it has none. An empty period counts for nothing.
func (u *user) endedBecause(e Instant) string {
	var ended *period
	id := ""
	for _, x := range u.entitlements {
		if x.kind != "subscription" {
			continue
		}
		for _, p := range x.counting() {
			if p.empty() || p.to != e {
				continue
			}
			if ended == nil || p.from > ended.from || p.from == ended.from && x.id > id {
				ended, id = p, x.id
			}
		}
	}
	if because, _ := ended.because(); because != nil {
		return *because
	}
	return "expired"
}

// canceledFor says that a user has a cancellation in a window for a reason.
func (u *user) canceledFor(reason string, w window) bool {
	u.fold()
	for _, x := range u.entitlements {
		for _, c := range x.recorded {
			if *c.reason == reason && w.holds(c.at) {
				return true
			}
		}
	}
	return false
}

// KPI returns the figures of a month ("2026-11") at t.
func (o *Oracle) KPI(yearMonth string, t Instant) (MonthKPI, error) {
	m, err := parseMonth(yearMonth)
	if err != nil {
		return MonthKPI{}, fmt.Errorf("month: %w", err)
	}
	k := MonthKPI{Month: m.String(), TimeZone: o.opts.Zone.String(), AsOf: t, Position: o.recorded}
	w := o.window(m, t)
	if w.start > t {
		return k, nil
	}
	k.Registered = o.registered(m, t)
	k.Active = &Count{o.count("active", w)}
	k.Trial = &Count{o.count("trial", w)}
	k.Unsubscribed = &Unsubscribed{}
	for _, u := range o.all {
		if reason, counted := u.counts("unsubscribed", w); counted {
			k.Unsubscribed.add(reason)
		}
	}
	k.Cancellations = &Cancellations{Count: o.count("cancellations", w)}
	for _, u := range o.all {
		by := &k.Cancellations.ByReason
		for reason, n := range map[string]*int{
			"voluntary": &by.Voluntary, "non_payment": &by.NonPayment, "switched": &by.Switched, "other": &by.Other,
		} {
			if u.canceledFor(reason, w) {
				*n++
			}
		}
	}
	return k, nil
}

// KPIs returns the figures of the months from one to another, both inclusive.
func (o *Oracle) KPIs(from, to string, t Instant) ([]MonthKPI, error) {
	m, err := parseMonth(from)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	last, err := parseMonth(to)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	all := []MonthKPI{}
	for ; m.String() <= last.String(); m = m.next() {
		k, err := o.KPI(m.String(), t)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

func (o *Oracle) count(kpi string, w window) (n int) {
	for _, u := range o.all {
		if _, counted := u.counts(kpi, w); counted {
			n++
		}
	}
	return n
}

// registered compares a month's registrations with those of the month before:
// all of them, and those up to and including t's local day and time of day. The
// change is relative to the latter; there is none where that is 0.
func (o *Oracle) registered(m month, t Instant) *Registered {
	before := o.window(m.previous(), t)
	r := &Registered{Count: o.count("registered", o.window(m, t))}
	r.PreviousMonth.Count = o.count("registered", before)
	r.PreviousMonth.ToDate = r.PreviousMonth.Count
	if cut, whole := o.calendar.sameTime(m, t); !whole {
		before.t = cut
		r.PreviousMonth.ToDate = o.count("registered", before)
	}
	if to := int64(r.PreviousMonth.ToDate); to != 0 {
		change := Rate(halfUp(big.NewRat((int64(r.Count)-to)*10_000, to)))
		r.Change = &change
	}
	return r
}

func (c *Unsubscribed) add(reason string) {
	c.Count++
	switch reason {
	case "voluntary":
		c.ByReason.Voluntary++
	case "non_payment":
		c.ByReason.NonPayment++
	case "switched":
		c.ByReason.Switched++
	case "other":
		c.ByReason.Other++
	case "paused":
		c.ByReason.Paused++
	default:
		c.ByReason.Expired++
	}
}

// Members returns the users whom a figure counts, in the default order of the
// list of users, and how many of those counted were erased. reason is of
// unsubscribed and cancellations; empty is any.
func (o *Oracle) Members(yearMonth, kpi, reason string, t Instant) (Members, error) {
	m, err := parseMonth(yearMonth)
	if err != nil {
		return Members{}, fmt.Errorf("month: %w", err)
	}
	w := o.window(m, t)
	list := Members{Users: []User{}}
	var members []*user
	for _, u := range o.all {
		because, counted := u.counts(kpi, w)
		if kpi == "cancellations" && reason != "" { // a user may be counted for several
			because, counted = reason, u.canceledFor(reason, w)
		}
		switch {
		case w.start > t || !counted || reason != "" && because != reason:
		case u.erased:
			list.Erased++
		default:
			members = append(members, u)
		}
	}
	sortUsers(members, "-registered_at")
	for _, u := range members {
		list.Users = append(list.Users, u.answer(t))
	}
	return list, nil
}
