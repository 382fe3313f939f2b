// This file is about subscriptions, rentals and free copies: how the events of
// one become its periods, whatever the order in which they come.

package domain

import (
	"cmp"
	"slices"
)

// The facts that decide an entitlement: what each of its events does to the
// periods, in history order, and the latest of each descriptive field.
type entitlementFacts struct {
	kind   EntitlementKind
	id     string
	events []entitlementFact

	offerID, offerName         latest[string]
	contentID, title           latest[string]
	rentalKind                 latest[string]
	amount, intervalCount      latest[int64]
	currency                   latest[string]
	interval, paymentInterface latest[string]
}

// An entitlementFact is what one event does to the periods.
type entitlementFact struct {
	Stamp
	action    Action
	end       Field[Instant] // never carried as null, which says the same as absent
	trialEnd  Field[Instant] // on an open and a change only
	resumesAt Field[Instant] // on a pause only, and never carried as null
	reason    Field[string]  // on a close only, and never carried as null
	comment   Field[string]  // on a close, a pause and a failure only, and never carried as null
}

// add takes the facts of one event of the entitlement. It does nothing where
// they are there already.
func (f *entitlementFacts) add(at Stamp, e *EntitlementEvent) {
	i, there := slices.BinarySearchFunc(f.events, at, func(f entitlementFact, at Stamp) int {
		return f.Compare(at)
	})
	if there {
		return
	}
	f.events = slices.Insert(f.events, i, factOf(at, e))
	f.offerID.offer(at, e.OfferID)
	f.offerName.offer(at, e.OfferName)
	f.contentID.offer(at, e.ContentID)
	f.title.offer(at, e.Title)
	f.rentalKind.offer(at, e.RentalKind)
	f.amount.offer(at, e.Amount)
	f.currency.offer(at, e.Currency)
	f.interval.offer(at, e.Interval)
	f.intervalCount.offer(at, intervalCountOf(e))
	f.paymentInterface.offer(at, e.PaymentInterface)
}

// intervalCountOf returns what an event says of how many intervals a price is
// for: one where it says what the interval is and no more.
func intervalCountOf(e *EntitlementEvent) Field[int64] {
	if _, given := e.IntervalCount.Get(); e.Interval.Carried && !given {
		return Some[int64](1)
	}
	return e.IntervalCount
}

func factOf(at Stamp, e *EntitlementEvent) entitlementFact {
	fact := entitlementFact{Stamp: at, action: e.Action, end: withoutNull(e.End)}
	switch e.Action {
	case Open:
		fact.trialEnd = e.TrialEnd
	case Change:
		fact.trialEnd, fact.end = e.TrialEnd, Field[Instant]{}
	case Close:
		fact.reason, fact.comment = withoutNull(e.Reason), withoutNull(e.Comment)
	case Pause:
		fact.resumesAt, fact.comment = withoutNull(e.ResumesAt), withoutNull(e.Comment)
	case Fail:
		fact.comment = withoutNull(e.Comment)
	}
	return fact
}

// withoutNull returns the field, or one that isn't carried where it is null.
func withoutNull[T any](f Field[T]) Field[T] {
	if f.Null {
		return Field[T]{}
	}
	return f
}

// forget drops what is personal.
func (f *entitlementFacts) forget() {
	for i := range f.events {
		f.events[i].comment = Field[string]{}
	}
}

// entitlement returns the entitlement that the facts make, and the cancellations
// that closing events put on a period, in ascending order, whether they are still
// there or not.
func (f *entitlementFacts) entitlement() (Entitlement, []*Cancellation) {
	h := history{kind: f.kind}
	for i := range f.events {
		h.apply(&f.events[i])
	}
	e := Entitlement{
		Kind:             f.kind,
		ID:               f.id,
		Periods:          h.periods,
		OfferID:          f.offerID.pointer(),
		OfferName:        f.offerName.pointer(),
		ContentID:        f.contentID.pointer(),
		Title:            f.title.pointer(),
		Amount:           f.amount.pointer(),
		Currency:         f.currency.pointer(),
		Interval:         f.interval.pointer(),
		IntervalCount:    f.intervalCount.pointer(),
		PaymentInterface: f.paymentInterface.pointer(),
	}
	if f.kind == Rental {
		e.RentalKind = "rental"
		if kind, ok := f.rentalKind.field.Get(); ok {
			e.RentalKind = kind
		}
	}
	return e, h.cancellations
}

// A history is an entitlement's periods while its events are applied in order.
type history struct {
	kind          EntitlementKind
	periods       []Period
	cancellations []*Cancellation
}

// apply lets the next event do what it does to the periods.
//
// Only the last period can be running: one begins only where none is running,
// so all earlier ones have ended by then, and their ends don't move any more.
func (h *history) apply(e *entitlementFact) {
	var last *Period
	if n := len(h.periods); n > 0 {
		last = &h.periods[n-1]
	}
	running := last != nil && last.Contains(e.Time)
	switch e.action {
	case Open, Extend:
		h.extend(last, running, e)
	case Close:
		if last != nil {
			h.close(last, running, e)
		}
	case Change:
		if running && e.trialEnd.Carried {
			last.TrialEnd = e.trialEnd.pointer()
		}
	case Pause:
		if running {
			last.pause(e)
		}
	case Fail:
		if running {
			last.fail(e)
		}
	}
}

// extend moves the end of the last period if it is running, and withdraws what
// was to end it; else a new period begins.
func (h *history) extend(last *Period, running bool, e *entitlementFact) {
	if !running {
		h.periods = append(h.periods, Period{
			Span:     Span{From: e.Time, To: e.newEnd()},
			TrialEnd: e.trialEnd.pointer(),
		})
		return
	}
	last.To = e.newEnd()
	last.Cancellation, last.Paused, last.PastDue = nil, nil, nil
	if e.trialEnd.Carried {
		last.TrialEnd = e.trialEnd.pointer()
	}
}

// close ends the last period if it is running, and puts the cancellation on it
// if it is, or has none.
func (h *history) close(last *Period, running bool, e *entitlementFact) {
	if running {
		last.stop(e)
	}
	if running || last.Cancellation == nil {
		last.Cancellation, last.Paused, last.PastDue = h.cancellationOf(e), nil, nil
		h.cancellations = append(h.cancellations, last.Cancellation)
	}
}

// stop has a running period end when the event says, else at once.
func (p *Period) stop(e *entitlementFact) {
	end, given := e.end.Get()
	if !given {
		end = e.Time
	}
	p.To = max(end, p.From)
}

// pause stops a running period until it is resumed.
func (p *Period) pause(e *entitlementFact) {
	p.stop(e)
	p.Cancellation = nil
	p.Paused = &Paused{ResumesAt: e.resumesAt.pointer(), Comment: e.comment.pointer()}
}

// fail notes that a running period isn't paid for. One that ends anyway isn't
// waited for.
func (p *Period) fail(e *entitlementFact) {
	if p.Cancellation != nil || p.Paused != nil {
		return
	}
	since := e.Time
	if p.PastDue != nil {
		since = p.PastDue.Since
	}
	p.PastDue = &PastDue{Since: since, Comment: e.comment.pointer()}
	if end, given := e.end.Get(); given {
		p.To = max(end, e.Time)
	}
}

// newEnd returns the end that an opening or extending event has: never where
// it names none, and not before the event.
func (e *entitlementFact) newEnd() Instant {
	end, given := e.end.Get()
	if !given {
		return Never
	}
	return max(end, e.Time)
}

// cancellationOf returns the cancellation that a closing event asks for. That of
// a subscription always has a reason.
func (h *history) cancellationOf(e *entitlementFact) *Cancellation {
	c := &Cancellation{RequestedAt: e.Time, Reason: e.reason.pointer(), Comment: e.comment.pointer()}
	if c.Reason == nil && h.kind == Subscription {
		voluntary := string(ChurnVoluntary)
		c.Reason = &voluntary
	}
	return c
}

// At returns the entitlement as it is at t with a renewal grace, and whether it
// has begun by then.
func (e *Entitlement) At(t Instant, grace Grace) (EntitlementView, bool) {
	begun := 0
	for begun < len(e.Periods) && e.Periods[begun].From <= t {
		begun++
	}
	if begun == 0 {
		return EntitlementView{}, false
	}
	view := EntitlementView{Entitlement: *e, Current: e.Periods[begun-1]}
	as := view.Current
	if i, until, bridged := e.bridge(t, grace); bridged {
		view.Current = e.Periods[i]
		as = view.Current
		as.To = until
	}
	view.Status = e.statusOf(as, t)
	view.Periods = slices.Clone(e.Periods[:begun])
	slices.Reverse(view.Periods)
	return view, true
}

func (e *Entitlement) statusOf(p Period, t Instant) EntitlementStatus {
	runs := p.Contains(t)
	canceled := p.Cancellation != nil && p.Cancellation.RequestedAt <= t
	switch {
	case runs && p.PastDue != nil && p.PastDue.Since <= t:
		return EntitlementPastDue
	case e.Kind == Subscription && p.Trial().Contains(t) && !canceled:
		return EntitlementTrialing
	case runs && canceled:
		return EntitlementCanceling
	case runs:
		return EntitlementActive
	case p.Paused != nil:
		return EntitlementPaused
	}
	return EntitlementEnded
}

// compareEntitlements is the order in which they are kept: by kind, then by id.
func compareEntitlements(kindA EntitlementKind, idA string, kindB EntitlementKind, idB string) int {
	return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(idA, idB))
}
