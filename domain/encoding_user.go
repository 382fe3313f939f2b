// This file is the encoding of a user's facts.

package domain

import (
	"fmt"
	"maps"
	"slices"
)

// The first byte of the encoding names its version. Generations of read models
// that an earlier version of the program made still answer until new ones are
// there, so theirs is read, too; it differs in what stands before each event of an
// entitlement, and has no interval_count.
const (
	userFactsVersion    = 2
	oldUserFactsVersion = 1
)

// What the second byte says.
const (
	userHasEvents  = 1 << iota // the first event's time follows
	userRegistered             // that of the first registration
	userUpdated                // that of the last profile event
	userForgotten
	userFlags = 1<<iota - 1
)

// What the byte before each event of an entitlement says, beside its action in
// the lowest three bits. In the old version that had two.
const (
	factHasEnd    = 8 << iota
	factHasSecond // an instant beside the end: the trial's end, or when a pause is over
	factClearsTrial
	factHasReason
	factHasComment

	factAction    = 7
	oldFactAction = 3
)

// AppendBinary appends the facts' canonical encoding. It fails only where an
// event held what Decode doesn't let pass.
func (f *UserFacts) AppendBinary(b []byte) ([]byte, error) {
	w := factWriter{buf: b}
	w.byte(userFactsVersion)
	w.byte(f.flags())
	if f.first.Carried {
		w.instant(f.first.Value)
	}
	if f.registered.Carried {
		w.after(f.first.Value, f.registered.Value)
	}
	if f.updated.Carried {
		w.after(f.first.Value, f.updated.Value)
	}
	w.table(f.first.Value, f.stamps(), nil)
	w.profile(&f.profile)
	w.number(len(f.entitlements))
	for _, e := range f.entitlements {
		w.entitlement(e)
	}
	if w.err != nil {
		return b, fmt.Errorf("encoding a user: %w", w.err)
	}
	return w.buf, nil
}

func (f *UserFacts) flags() byte {
	var flags byte
	if f.first.Carried {
		flags |= userHasEvents
	}
	if f.registered.Carried {
		flags |= userRegistered
	}
	if f.updated.Carried {
		flags |= userUpdated
	}
	if f.forgotten {
		flags |= userForgotten
	}
	return flags
}

// stamps returns the stamps of the events that decide something, in any order.
func (f *UserFacts) stamps() []Stamp {
	var stamps []Stamp
	p := &f.profile
	for _, l := range p.fields() {
		stamps = appendStamp(stamps, l)
	}
	stamps = appendStamp(stamps, &p.customCleared)
	for _, l := range p.custom {
		stamps = append(stamps, l.at)
	}
	for _, e := range f.entitlements {
		for i := range e.events {
			stamps = append(stamps, e.events[i].Stamp)
		}
	}
	return stamps
}

// fields lists the fields in the order in which they are written.
func (f *profileFacts) fields() [6]*latest[string] {
	return [...]*latest[string]{&f.email, &f.firstName, &f.lastName, &f.locale, &f.country, &f.platform}
}

// descriptions lists the texts that describe an entitlement, in the order in
// which they are written.
func (f *entitlementFacts) descriptions() [8]*latest[string] {
	return [...]*latest[string]{
		&f.offerID, &f.offerName, &f.contentID, &f.title, &f.rentalKind,
		&f.currency, &f.interval, &f.paymentInterface,
	}
}

func (w *factWriter) profile(f *profileFacts) {
	for _, l := range f.fields() {
		w.latestText(l)
	}
	writeOrigin(w, &f.customCleared)
	w.number(len(f.custom))
	for _, key := range slices.Sorted(maps.Keys(f.custom)) {
		l := f.custom[key]
		w.text(key)
		w.latestText(&l)
	}
}

func (w *factWriter) entitlement(f *entitlementFacts) {
	w.byte(byte(f.kind))
	w.text(f.id)
	w.number(len(f.events))
	at := 0
	for i := range f.events {
		index := w.index(f.events[i].Stamp)
		w.number(index - at)
		at = index
		w.fact(&f.events[i])
	}
	for _, l := range f.descriptions() {
		w.latestText(l)
	}
	if writeOrigin(w, &f.amount) {
		w.bounded(f.amount.field.Value, maxFactAmount)
	}
	if writeOrigin(w, &f.intervalCount) {
		w.bounded(f.intervalCount.field.Value, maxFactAmount)
	}
}

func (w *factWriter) fact(f *entitlementFact) {
	flags := byte(f.action)
	if f.end.Carried {
		flags |= factHasEnd
	}
	second := f.second()
	switch {
	case second.Null:
		flags |= factClearsTrial
	case second.Carried:
		flags |= factHasSecond
	}
	if f.reason.Carried {
		flags |= factHasReason
	}
	if f.comment.Carried {
		flags |= factHasComment
	}
	w.byte(flags)
	if f.end.Carried {
		w.endFrom(f.Time, f.end.Value)
	}
	if flags&factHasSecond != 0 {
		w.endFrom(f.Time, second.Value)
	}
	if f.reason.Carried {
		w.text(f.reason.Value)
	}
	if f.comment.Carried {
		w.text(f.comment.Value)
	}
}

// second returns the instant that an event may say beside an end.
func (e *entitlementFact) second() Field[Instant] {
	if e.action == Pause {
		return e.resumesAt
	}
	return e.trialEnd
}

// endFrom writes an end as its distance from an event's time.
func (w *factWriter) endFrom(at, end Instant) {
	if end < -maxFactInstant || end > maxFactInstant {
		w.fail("an end is out of range")
		return
	}
	w.shift(end - at)
}

// DecodeUserFacts reads the encoding of a user's facts. They don't refer to b.
func DecodeUserFacts(b []byte) (*UserFacts, error) {
	// One copy for all texts, which are parts of it.
	r := factReader{rest: string(b)}
	f := &UserFacts{}
	r.user(f)
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("decoding a user: %w", r.err)
	}
	return f, nil
}

func (r *factReader) user(f *UserFacts) {
	switch r.byte() {
	case userFactsVersion:
	case oldUserFactsVersion:
		r.old = true
	default:
		r.fail("its version is unknown")
		return
	}
	flags := r.byte()
	if flags&^userFlags != 0 || flags&userHasEvents == 0 && flags&^userForgotten != 0 {
		r.fail("its flags are unknown")
	}
	f.forgotten = flags&userForgotten != 0
	if flags&userHasEvents != 0 {
		f.first = Some(r.near(0))
	}
	if flags&userRegistered != 0 {
		f.registered = Some(r.after(f.first.Value))
	}
	if flags&userUpdated != 0 {
		f.updated = Some(r.after(f.first.Value))
	}
	r.table(f.first.Value, nil, nil)
	if len(r.stamps) > 0 && !f.first.Carried {
		r.fail("an event is before the first")
	}
	r.profile(&f.profile)
	for range r.count(4) {
		r.entitlement(f)
	}
	if f.forgotten && f.hasPersonal() {
		r.fail("an erased user has personal data")
	}
}

// hasPersonal says that the facts hold what Forget drops.
func (f *UserFacts) hasPersonal() bool {
	for _, l := range f.profile.fields() {
		if l.field.Carried {
			return true
		}
	}
	for _, e := range f.entitlements {
		for i := range e.events {
			if e.events[i].comment.Carried {
				return true
			}
		}
	}
	return f.profile.customCleared.field.Carried || len(f.profile.custom) > 0
}

func (r *factReader) profile(f *profileFacts) {
	for _, l := range f.fields() {
		r.latestText(l)
	}
	readOrigin(r, &f.customCleared)
	count := r.count(2)
	if count == 0 {
		return
	}
	f.custom = make(map[string]latest[string], count)
	before := ""
	for i := range count {
		key := r.text()
		var l latest[string]
		r.latestText(&l)
		if i > 0 && key <= before || !l.field.Carried || f.cleared(l.at) {
			r.fail("the keys of custom are out of order")
			return
		}
		f.custom[key] = l
		before = key
	}
}

func (r *factReader) entitlement(f *UserFacts) {
	e := &entitlementFacts{kind: EntitlementKind(r.byte()), id: r.text()}
	if e.kind < Subscription || e.kind > FreeCopy {
		r.fail("a kind of entitlement is unknown")
	}
	if n := len(f.entitlements); n > 0 {
		last := f.entitlements[n-1]
		if compareEntitlements(last.kind, last.id, e.kind, e.id) >= 0 {
			r.fail("the entitlements are out of order")
		}
	}
	count := r.count(2)
	if count == 0 {
		r.fail("an entitlement has no event")
	}
	e.events = make([]entitlementFact, 0, count)
	at := uint64(0)
	for i := range count {
		step := r.uvarint()
		if step == 0 && i > 0 || step > uint64(len(r.stamps)) {
			r.fail("the events are out of order")
		}
		at += step
		e.events = append(e.events, r.fact(r.stamp(at)))
	}
	for _, l := range e.descriptions() {
		r.latestText(l)
	}
	if readOrigin(r, &e.amount) {
		e.amount.field.Value = r.bounded(maxFactAmount)
	}
	switch {
	case r.old && e.interval.field.Carried:
		e.intervalCount = latest[int64]{at: e.interval.at, field: Some[int64](1)}
	case !r.old && readOrigin(r, &e.intervalCount):
		e.intervalCount.field.Value = r.bounded(maxFactAmount)
	}
	f.entitlements = append(f.entitlements, e)
}

func (r *factReader) fact(at Stamp) entitlementFact {
	flags := r.byte()
	if r.old {
		flags = flags&oldFactAction | flags&^oldFactAction<<1
	}
	f := entitlementFact{Stamp: at, action: Action(flags & factAction)}
	if !allowedFlags(f.action, flags) {
		r.fail("what an event does is unknown")
		return f
	}
	if flags&factHasEnd != 0 {
		f.end = Some(r.near(at.Time))
	}
	switch {
	case flags&factHasSecond != 0 && f.action == Pause:
		f.resumesAt = Some(r.near(at.Time))
	case flags&factHasSecond != 0:
		f.trialEnd = Some(r.near(at.Time))
	case flags&factClearsTrial != 0:
		f.trialEnd = Cleared[Instant]()
	}
	if flags&factHasReason != 0 {
		f.reason = Some(r.text())
	}
	if flags&factHasComment != 0 {
		f.comment = Some(r.text())
	}
	return f
}

// allowedFlags says whether an event with that action can have those flags.
func allowedFlags(a Action, flags byte) bool {
	allowed := byte(factAction)
	switch a {
	case Open:
		allowed |= factHasEnd | factHasSecond | factClearsTrial
	case Extend:
		allowed |= factHasEnd
	case Close:
		allowed |= factHasEnd | factHasReason | factHasComment
	case Change:
		allowed |= factHasSecond | factClearsTrial
	case Pause:
		allowed |= factHasEnd | factHasSecond | factHasComment
	case Fail:
		allowed |= factHasEnd | factHasComment
	default:
		return false
	}
	return flags&^allowed == 0 && flags&(factHasSecond|factClearsTrial) != factHasSecond|factClearsTrial
}
