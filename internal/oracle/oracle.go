// Package oracle answers every question of the HTTP API in the most
// straightforward way there is: it holds all events in memory and counts. Tests
// compare the service with it.
//
// It is a second reading of the rules, written from them and not from the code
// that it checks: it shares none of the service's code, decodes events by
// itself, keeps no totals and takes no short cut that a rule doesn't name. It
// takes only events that the service accepts, and judges none.
//
// Its answers are the structures of the API's JSON. A list is given whole: what
// the API gives in pages is to be put together before it is compared.
package oracle

import (
	"fmt"
	"sort"
	"time"
)

// An Instant is a point in time, in microseconds since 1970-01-01T00:00:00Z.
type Instant int64

// never is the end of what doesn't end.
const never = Instant(1<<63 - 1)

// Of returns the instant of t, read to the microsecond: finer digits are cut off.
func Of(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Options are what of the platform's configuration the answers depend on.
type Options struct {
	Zone           *time.Location // nil: UTC
	RenewalGrace   time.Duration
	SessionTimeout time.Duration // 0: 30 minutes
}

// An Oracle holds the events of one platform. It isn't safe for concurrent use.
type Oracle struct {
	opts     Options
	calendar calendar
	recorded int
	seen     map[[2]string]bool // source and id of what is recorded
	users    map[string]*user   // by id, those who aren't erased
	all      []*user            // the erased ones too
	erasedAt map[string]Instant // when an id was erased last
}

// A user is one person with all that is recorded about them.
type user struct {
	id        string
	erased    bool
	grace     Instant // the platform's renewal grace
	recorded  []*event
	retracted map[[2]string]bool // source and id of what no longer counts

	// What follows from the events, worked out when it is first asked for.
	folded       bool
	events       []*event // those that count, in history order
	first        Instant
	registeredAt *Instant
	updatedAt    *Instant
	profile      profile
	entitlements []*entitlement
	access       []span // of all entitlements, united
	subscribed   []span // of subscriptions, united
	sessions     []*session
}

// New makes an Oracle without events.
func New(o Options) *Oracle {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 30 * time.Minute
	}
	return &Oracle{
		opts:     o,
		calendar: calendar{o.Zone},
		seen:     map[[2]string]bool{},
		users:    map[string]*user{},
		erasedAt: map[string]Instant{},
	}
}

// An Outcome is what became of an event.
type Outcome string

// The outcomes of Add.
const (
	Recorded  Outcome = "recorded"
	Duplicate Outcome = "duplicate" // or a conflict: the first with an identity stays
	Refused   Outcome = "erased"    // it is about somebody who was erased
)

// Add records an event, given as structured CloudEvents JSON.
//
// Of events with one source and id the first stays. After an erasure, an event
// about that id is refused, except a registration later than the erasure: that
// begins a new user, of whom everything later than the erasure is recorded. An
// event.retracted is about the user of that moment alone.
func (o *Oracle) Add(structured []byte) (Outcome, error) {
	e, err := decode(structured)
	if err != nil {
		return "", fmt.Errorf("decode event: %w", err)
	}
	identity := [2]string{e.source, e.id}
	if o.seen[identity] {
		return Duplicate, nil
	}
	u := o.users[e.subject]
	if at, erased := o.erasedAt[e.subject]; erased {
		if e.at <= at || u == nil && e.typ != "user.registered" {
			return Refused, nil
		}
	}
	if u == nil {
		u = &user{id: e.subject, grace: Instant(o.opts.RenewalGrace.Microseconds()), retracted: map[[2]string]bool{}}
		o.users[e.subject] = u
		o.all = append(o.all, u)
	}
	o.seen[identity] = true
	o.recorded++
	if e.typ == "user.erased" {
		u.erased = true
		delete(o.users, e.subject)
		o.erasedAt[e.subject] = e.at
		return Recorded, nil
	}
	u.folded = false
	if e.typ == "event.retracted" {
		u.retracted[[2]string{*must(text(e.data["source"])), *must(text(e.data["id"]))}] = true
		return Recorded, nil
	}
	u.recorded = append(u.recorded, e)
	return Recorded, nil
}

// Position is how many events are recorded.
func (o *Oracle) Position() int { return o.recorded }

// fold works out what follows from a user's events: it leaves out what has been
// retracted, before it came or after, and puts the others into history order, by
// time, then source, then id, the last two as bytes.
func (u *user) fold() {
	if u.folded {
		return
	}
	u.events = nil
	for _, e := range u.recorded {
		if !u.retracted[[2]string{e.source, e.id}] {
			u.events = append(u.events, e)
		}
	}
	sort.Slice(u.events, func(i, j int) bool { return u.events[i].before(u.events[j]) })
	u.first, u.registeredAt, u.updatedAt, u.profile = never, nil, nil, profile{}
	if len(u.events) > 0 {
		u.first = u.events[0].at
	}
	u.foldProfile()
	u.foldEntitlements()
	u.foldSessions()
	u.folded = true
}
