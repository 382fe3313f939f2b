// This file is about entitlements: subscriptions, rentals and free copies, and
// the periods in which they hold.

package oracle

import (
	"encoding/json"
	"strings"
)

// An entitlement is one id of one kind of one user.
type entitlement struct {
	kind    string // "subscription", "rental" or "free_copy"
	id      string
	grace   Instant   // the platform's renewal grace
	periods []*period // in the order in which they began
	// recorded are the cancellations that a subscription.canceled recorded on a
	// period, withdrawn or replaced later or not.
	recorded []*cancellation
	// fields are the descriptive ones, each from the latest event that carries
	// it; null is there as null.
	fields map[string]json.RawMessage
}

type period struct {
	span
	trialEnd *Instant
	canceled *cancellation
	paused   *pause
	failed   *failure // it is past due
}

type pause struct {
	resumesAt *Instant
	comment   *string
}

type failure struct {
	first   Instant // since when it is past due
	comment *string // of the latest
}

type cancellation struct {
	at      Instant
	reason  *string
	comment *string
}

// The descriptive fields that each type's row of the catalogue names.
var describes = map[string][]string{
	"subscription.started": {"offer_id", "offer_name", "amount", "currency", "interval", "payment_interface"},
	"subscription.renewed": {"offer_id", "offer_name", "amount", "currency", "interval", "payment_interface"},
	"subscription.resumed": {"offer_id", "offer_name", "amount", "currency", "interval", "payment_interface"},
	"subscription.changed": {"offer_id", "offer_name", "amount", "currency", "interval", "payment_interface"},
	"rental.started":       {"content_id", "title", "kind", "amount", "currency", "payment_interface"},
	"free_copy.granted":    {"offer_id", "content_id", "title"},
}

// foldEntitlements works out a user's entitlements from the events, which are
// in history order.
func (u *user) foldEntitlements() {
	u.entitlements = nil
	byID := map[[2]string]*entitlement{}
	for _, e := range u.events {
		kind, _, _ := strings.Cut(e.typ, ".")
		if kind != "subscription" && kind != "rental" && kind != "free_copy" {
			continue
		}
		id := *must(id(e.data[kind+"_id"]))
		x := byID[[2]string{kind, id}]
		if x == nil {
			x = &entitlement{kind: kind, id: id, grace: u.grace, fields: map[string]json.RawMessage{}}
			byID[[2]string{kind, id}] = x
			u.entitlements = append(u.entitlements, x)
		}
		x.take(e)
	}
	var access, subscribed []span
	for _, x := range u.entitlements {
		for _, p := range x.counting() {
			access = append(access, p.span)
			if x.kind == "subscription" {
				subscribed = append(subscribed, p.span)
			}
		}
	}
	u.access, u.subscribed = unite(access), unite(subscribed)
}

// take lets the entitlement's next event in history order have its effect.
func (x *entitlement) take(e *event) {
	for _, name := range describes[e.typ] {
		raw, carried := e.data[name]
		if carried && !(name == "kind" && isNull(raw)) { // a null kind is as absent
			x.fields[name] = shown(name, raw)
		}
	}
	if describes[e.typ] != nil && x.kind == "subscription" {
		x.countIntervals(e)
	}
	switch e.typ {
	case "subscription.started", "subscription.renewed", "subscription.resumed":
		x.openOrExtend(e, "ends_at")
	case "rental.started", "rental.activated", "free_copy.granted":
		x.openOrExtend(e, "expires_at")
	case "subscription.canceled", "rental.revoked", "free_copy.revoked":
		x.close(e)
	case "subscription.changed":
		if p := x.running(e.at); p != nil {
			p.takeTrial(e)
		}
	case "subscription.paused":
		x.pause(e)
	case "subscription.payment_failed":
		x.fail(e)
	}
}

// countIntervals: interval_count goes with interval: where that is carried, absent
// or null is 1.
func (x *entitlement) countIntervals(e *event) {
	raw, carried := e.data["interval_count"]
	if _, with := e.data["interval"]; with && isNull(raw) {
		raw, carried = json.RawMessage("1"), true
	}
	if carried {
		x.fields["interval_count"] = raw
	}
}

// shown returns a descriptive field as answers have it: ids as texts, currencies
// in capitals.
func shown(name string, raw json.RawMessage) json.RawMessage {
	switch {
	case isNull(raw):
		return raw
	case name == "offer_id" || name == "content_id":
		return must(json.Marshal(must(id(raw))))
	case name == "currency":
		return json.RawMessage(strings.ToUpper(string(raw)))
	}
	return raw
}

// running returns the period that is running at t: start ≤ t < end, the end as
// the events so far leave it. There is never more than one.
func (x *entitlement) running(t Instant) *period {
	for _, p := range x.periods {
		if p.contains(t) {
			return p
		}
	}
	return nil
}

// openOrExtend: where a period is running, its end becomes the one given (none:
// never) and its cancellation is withdrawn; otherwise a new period begins. An
// end earlier than the event is read as the event's time.
//
// A trial end that a subscription.started carries becomes that of the period
// it opens or meets; null is no trial, and absent leaves what is there.
func (x *entitlement) openOrExtend(e *event, endName string) {
	end := never
	if given := must(instant(e.data[endName])); given != nil {
		end = max(*given, e.at)
	}
	p := x.running(e.at)
	if p == nil {
		p = &period{span: span{from: e.at}}
		x.periods = append(x.periods, p)
	}
	p.to = end
	p.canceled, p.paused, p.failed = nil, nil, nil
	if e.typ == "subscription.started" {
		p.takeTrial(e)
	}
}

func (p *period) takeTrial(e *event) {
	if trial, carried := e.data["trial_ends_at"]; carried {
		p.trialEnd = must(instant(trial))
	}
}

// pause: the running period ends at the ends_at that may be given, though not
// before it began, else at once; a cancellation is withdrawn, and the period is
// paused. Else nothing happens.
func (x *entitlement) pause(e *event) {
	p := x.running(e.at)
	if p == nil {
		return
	}
	p.to = e.at
	if given := must(instant(e.data["ends_at"])); given != nil {
		p.to = max(*given, p.from)
	}
	p.canceled = nil
	p.paused = &pause{must(instant(e.data["resumes_at"])), must(text(e.data["comment"]))}
}

// fail: the running period, where it has no cancellation and isn't paused, is past
// due, and ends at the grace_ends_at that may be given, though not before the
// event. Else nothing happens.
func (x *entitlement) fail(e *event) {
	p := x.running(e.at)
	if p == nil || p.canceled != nil || p.paused != nil {
		return
	}
	f := &failure{e.at, must(text(e.data["comment"]))}
	if p.failed != nil {
		f.first = p.failed.first
	}
	p.failed = f
	if given := must(instant(e.data["grace_ends_at"])); given != nil {
		p.to = max(*given, e.at)
	}
}

// counting returns the periods as they count in spans and figures: of the periods of
// one subscription that aren't empty, one that begins at most the renewal grace
// after the latest end before it begins at that end.
func (x *entitlement) counting() []*period {
	var all []*period
	var latest *Instant // end so far
	for _, p := range x.periods {
		q := *p
		all = append(all, &q)
		if x.kind != "subscription" || p.empty() {
			continue
		}
		if latest != nil && p.from-*latest <= x.grace {
			q.from = *latest
		}
		if latest == nil || p.to > *latest {
			latest = &p.to
		}
	}
	return all
}

// looked returns the period that the entitlement's fields are of at t, and that its
// status is of: the latest that starts by t; or, between the end of one and the
// start of another that the renewal grace joins, the earlier, which is as if it
// ran on.
func (x *entitlement) looked(t Instant) (fields, status *period) {
	counting := x.counting()
	for i, p := range x.periods {
		if p.empty() || t < counting[i].from || t >= p.from {
			continue
		}
		for _, before := range x.periods {
			if !before.empty() && before.to == counting[i].from && before.from < p.from {
				runsOn := *before
				runsOn.to = p.from
				return before, &runsOn
			}
		}
	}
	p := x.at(t)[0]
	return p, p
}

// close: the running period ends at the ends_at that a subscription.canceled
// may give, though not before it began, else at once; and it gets this
// cancellation in the place of any other. Where none is running, the last one
// gets it if it has none, and keeps its end. Without a period nothing happens.
//
// A cancellation of a subscription without a reason is voluntary.
func (x *entitlement) close(e *event) {
	c := &cancellation{at: e.at, reason: must(text(e.data["reason"]))}
	var given *Instant
	if e.typ == "subscription.canceled" {
		given = must(instant(e.data["ends_at"]))
		c.comment = must(text(e.data["comment"]))
		if c.reason == nil {
			voluntary := "voluntary"
			c.reason = &voluntary
		}
	}
	p := x.running(e.at)
	switch {
	case p != nil && given != nil:
		p.to = max(*given, p.from)
	case p != nil:
		p.to = e.at
	case len(x.periods) == 0:
		return
	default:
		p = x.periods[len(x.periods)-1]
		if p.canceled != nil {
			return
		}
	}
	p.canceled, p.paused, p.failed = c, nil, nil
	if e.typ == "subscription.canceled" {
		x.recorded = append(x.recorded, c)
	}
}

// because returns the reason of what ends a period, with its comment: its
// cancellation's, or paused, or non_payment where it is past due.
func (p *period) because() (reason, comment *string) {
	paused, unpaid := "paused", "non_payment"
	switch {
	case p.canceled != nil:
		return p.canceled.reason, p.canceled.comment
	case p.paused != nil:
		return &paused, p.paused.comment
	case p.failed != nil:
		return &unpaid, p.failed.comment
	}
	return nil, nil
}

// trial is the span [start, min(trial end, end)), empty where there is none.
func (p *period) trial() span {
	if p.trialEnd == nil {
		return span{}
	}
	return span{p.from, min(*p.trialEnd, p.to)}
}

// at returns the periods that start at or before t, latest first.
func (x *entitlement) at(t Instant) []*period {
	var begun []*period
	for i := len(x.periods) - 1; i >= 0; i-- {
		if x.periods[i].from <= t {
			begun = append(begun, x.periods[i])
		}
	}
	return begun
}

// status is the entitlement's at t, p being the period that it is of.
func (x *entitlement) status(p *period, t Instant) string {
	requested := p.canceled != nil && p.canceled.at <= t
	switch {
	case p.contains(t) && p.failed != nil && p.failed.first <= t:
		return "past_due"
	case x.kind == "subscription" && p.trial().contains(t) && !requested:
		return "trialing"
	case p.contains(t) && requested:
		return "canceling"
	case p.contains(t):
		return "active"
	case p.paused != nil:
		return "paused"
	}
	return "ended"
}

// must takes a value that decode has let pass; only a fault of the test that
// gave the event makes it fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
