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
	amount                     latest[int64]
	currency                   latest[string]
	interval, paymentInterface latest[string]
}

// An entitlementFact is what one event does to the periods.
type entitlementFact struct {
	Stamp
	action   Action
	end      Field[Instant] // never carried as null, which says the same as absent
	trialEnd Field[Instant] // on an open only
	reason   Field[string]  // on a close only, and never carried as null
	comment  Field[string]  // likewise
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
	f.paymentInterface.offer(at, e.PaymentInterface)
}

func factOf(at Stamp, e *EntitlementEvent) entitlementFact {
	fact := entitlementFact{Stamp: at, action: e.Action, end: withoutNull(e.End)}
	switch e.Action {
	case Open:
		fact.trialEnd = e.TrialEnd
	case Close:
		fact.reason, fact.comment = withoutNull(e.Reason), withoutNull(e.Comment)
	}
	return fact
}

// withoutNull gives the field, or one that isn't carried where it is null.
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

// entitlement gives the entitlement that the facts make, and the times of the
// closing events that put a cancellation on a period, in ascending order,
// whether it is still there or not.
func (f *entitlementFacts) entitlement() (Entitlement, []Instant) {
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
	cancellations []Instant
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
	switch {
	case e.action == Close && last != nil:
		h.close(last, running, e)
	case e.action == Close: // nothing to close
	case running:
		last.To = e.newEnd()
		last.Cancellation = nil
		if e.trialEnd.Carried {
			last.TrialEnd = trialEndOf(e)
		}
	default:
		h.periods = append(h.periods, Period{
			Span:     Span{From: e.Time, To: e.newEnd()},
			TrialEnd: trialEndOf(e),
		})
	}
}

// close ends the last period if it is running, and puts the cancellation on it
// if it is, or has none.
func (h *history) close(last *Period, running bool, e *entitlementFact) {
	if running {
		end, given := e.end.Get()
		if !given {
			end = e.Time
		}
		last.To = max(end, last.From)
	}
	if running || last.Cancellation == nil {
		last.Cancellation = h.cancellationOf(e)
		h.cancellations = append(h.cancellations, e.Time)
	}
}

// newEnd gives the end that an opening or extending event gives: never where
// it names none, and not before the event.
func (e *entitlementFact) newEnd() Instant {
	end, given := e.end.Get()
	if !given {
		return Never
	}
	return max(end, e.Time)
}

func trialEndOf(e *entitlementFact) *Instant {
	end, given := e.trialEnd.Get()
	if !given {
		return nil
	}
	return &end
}

// cancellationOf gives the cancellation that a closing event asks for. That of
// a subscription always has a reason.
func (h *history) cancellationOf(e *entitlementFact) *Cancellation {
	c := &Cancellation{RequestedAt: e.Time}
	if reason, ok := e.reason.Get(); ok {
		c.Reason = &reason
	} else if h.kind == Subscription {
		voluntary := string(ChurnVoluntary)
		c.Reason = &voluntary
	}
	if comment, ok := e.comment.Get(); ok {
		c.Comment = &comment
	}
	return c
}

// At returns the entitlement as it is at t, and whether it has begun by then.
func (e *Entitlement) At(t Instant) (EntitlementView, bool) {
	begun := 0
	for begun < len(e.Periods) && e.Periods[begun].From <= t {
		begun++
	}
	if begun == 0 {
		return EntitlementView{}, false
	}
	view := EntitlementView{Entitlement: *e, Status: e.statusOf(e.Periods[begun-1], t)}
	view.Periods = slices.Clone(e.Periods[:begun])
	slices.Reverse(view.Periods)
	return view, true
}

func (e *Entitlement) statusOf(p Period, t Instant) EntitlementStatus {
	canceled := p.Cancellation != nil && p.Cancellation.RequestedAt <= t
	switch {
	case e.Kind == Subscription && p.Trial().Contains(t) && !canceled:
		return EntitlementTrialing
	case p.Contains(t) && canceled:
		return EntitlementCanceling
	case p.Contains(t):
		return EntitlementActive
	}
	return EntitlementEnded
}

// compareEntitlements is the order in which they are kept: by kind, then by id.
func compareEntitlements(kindA EntitlementKind, idA string, kindB EntitlementKind, idB string) int {
	return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(idA, idB))
}
