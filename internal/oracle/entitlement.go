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
	periods []*period // in the order in which they began
	// canceledAt are the times of the subscription.canceled that recorded a
	// cancellation on a period, withdrawn or replaced later or not.
	canceledAt []Instant
	// fields are the descriptive ones, each from the latest event that carries
	// it; null is there as null.
	fields map[string]json.RawMessage
}

type period struct {
	span
	trialEnd *Instant
	canceled *cancellation
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
			x = &entitlement{kind: kind, id: id, fields: map[string]json.RawMessage{}}
			byID[[2]string{kind, id}] = x
			u.entitlements = append(u.entitlements, x)
		}
		x.take(e)
	}
	var access, subscribed []span
	for _, x := range u.entitlements {
		for _, p := range x.periods {
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
	switch e.typ {
	case "subscription.started", "subscription.renewed", "subscription.resumed":
		x.openOrExtend(e, "ends_at")
	case "rental.started", "rental.activated", "free_copy.granted":
		x.openOrExtend(e, "expires_at")
	case "subscription.canceled", "rental.revoked", "free_copy.revoked":
		x.close(e)
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
	p.canceled = nil
	if trial, carried := e.data["trial_ends_at"]; carried && e.typ == "subscription.started" {
		p.trialEnd = must(instant(trial))
	}
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
	p.canceled = c
	if e.typ == "subscription.canceled" {
		x.canceledAt = append(x.canceledAt, e.at)
	}
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

// status is the entitlement's, p being its latest period that starts by t.
func (x *entitlement) status(p *period, t Instant) string {
	requested := p.canceled != nil && p.canceled.at <= t
	switch {
	case x.kind == "subscription" && p.trial().contains(t) && !requested:
		return "trialing"
	case p.contains(t) && requested:
		return "canceling"
	case p.contains(t):
		return "active"
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
