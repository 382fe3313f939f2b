// This file is about one user: the facts that decide everything that is said
// of them, and how events are added to those.

package domain

import (
	"cmp"
	"slices"
)

// FoldVersion is the version of the rules by which events become facts and
// facts become results. It changes whenever a result of the same events would;
// what was derived under another version has to be made again.
const FoldVersion = 2

// UserFacts are the few facts, out of all events of one user, that decide what
// is said of them. They are a function of the set of events that were added:
// neither their order nor their repetition makes a difference. The zero value
// is that of no event. It is not safe for use by several goroutines while one
// of them adds.
type UserFacts struct {
	first      Field[Instant]
	registered Field[Instant] // the first user.registered
	updated    Field[Instant] // the last user.registered or user.updated
	forgotten  bool

	profile      profileFacts
	entitlements []*entitlementFacts // by kind, then id
}

// Add takes one event of the user. An event of user.erased forgets, as Forget
// does. A playback event only moves the instant of the first event: what was
// viewed is in SessionFacts. An event.retracted says nothing of the user; what it
// retracts must not be added, as [Retractions] tells.
func (f *UserFacts) Add(e *Event) {
	if e.Type == EventRetracted {
		return
	}
	if !f.first.Carried || e.Time < f.first.Value {
		f.first = Some(e.Time)
	}
	switch {
	case e.Type == UserErased:
		f.Forget()
	case e.Profile != nil:
		f.addProfile(e)
	case e.Entitlement != nil:
		f.addEntitlement(e)
	}
}

func (f *UserFacts) addProfile(e *Event) {
	if e.Profile.Registers && (!f.registered.Carried || e.Time < f.registered.Value) {
		f.registered = Some(e.Time)
	}
	if !f.updated.Carried || e.Time > f.updated.Value {
		f.updated = Some(e.Time)
	}
	if !f.forgotten {
		f.profile.add(e.Stamp, e.Profile)
	}
}

func (f *UserFacts) addEntitlement(e *Event) {
	entitlement := f.entitlement(e.Entitlement.Kind, e.Entitlement.ID)
	entitlement.add(e.Stamp, e.Entitlement)
	if f.forgotten {
		entitlement.forget()
	}
}

// entitlement returns the facts of one entitlement, new ones where there are none.
func (f *UserFacts) entitlement(kind EntitlementKind, id string) *entitlementFacts {
	i, there := slices.BinarySearchFunc(f.entitlements, id, func(e *entitlementFacts, id string) int {
		return compareEntitlements(e.kind, e.id, kind, id)
	})
	if !there {
		f.entitlements = slices.Insert(f.entitlements, i, &entitlementFacts{kind: kind, id: id})
	}
	return f.entitlements[i]
}

// Forget drops everything personal: the profile, and the comments of
// cancellations, pauses and failed payments. The entitlements stay, as nobody's,
// so that the monthly figures stay what they were; the user is in no list and no
// count from now on. What is personal in events that are added later is dropped
// too.
//
// The facts are then the same as those of the user's events read back from the
// log after the erasure, without what is personal.
func (f *UserFacts) Forget() {
	f.forgotten = true
	f.profile = profileFacts{}
	for _, e := range f.entitlements {
		e.forget()
	}
}

// Forgotten says that the user was erased.
func (f *UserFacts) Forgotten() bool { return f.forgotten }

// FirstEventAt returns the time of the user's first event, Never where there is
// none. The user is there from then on.
func (f *UserFacts) FirstEventAt() Instant {
	if !f.first.Carried {
		return Never
	}
	return f.first.Value
}

// RegisteredAt returns the time of the first registration, nil where there is none.
func (f *UserFacts) RegisteredAt() *Instant { return f.registered.pointer() }

// UpdatedAt returns the time of the last event that touched the profile, nil
// where there is none.
func (f *UserFacts) UpdatedAt() *Instant { return f.updated.pointer() }

// Profile returns what is known of the person.
func (f *UserFacts) Profile() Profile { return f.profile.profile() }

// Entitlements returns all entitlements that events name, by kind and then by
// id, with all their periods. One of which nothing but a closing event is
// known has no period.
func (f *UserFacts) Entitlements() []Entitlement {
	all := make([]Entitlement, len(f.entitlements))
	for i, facts := range f.entitlements {
		all[i], _ = facts.entitlement()
	}
	return all
}

// EntitlementsAt returns the entitlements of one kind that have begun by t, as
// they are then: the one whose period at t began last first, then by id.
func (f *UserFacts) EntitlementsAt(kind EntitlementKind, t Instant, grace Grace) []EntitlementView {
	var views []EntitlementView
	for _, facts := range f.entitlements {
		if facts.kind != kind {
			continue
		}
		e, _ := facts.entitlement()
		if view, begun := e.At(t, grace); begun {
			views = append(views, view)
		}
	}
	slices.SortStableFunc(views, func(a, b EntitlementView) int {
		return cmp.Or(cmp.Compare(b.Current.From, a.Current.From), cmp.Compare(a.ID, b.ID))
	})
	return views
}
