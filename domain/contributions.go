// This file is about what one user adds to the platform's figures: a ledger of
// small entries, each at an instant, whose sums are the figures. A user who
// stays subscribed costs nothing as the months go by.

package domain

import (
	"cmp"
	"slices"
)

// A Counter names one column of the ledger.
type Counter string

// The counters, besides those of reasons: [UnsubscribedCounter] and
// [CancellationsCounter].
//
// CounterActive, CounterTrial and those of users are running totals: their
// figure at T is the sum of all entries at or before T, and for a month that
// is over at T that of all entries before its end. The others are counted a
// month at a time: their figure is the sum of the entries in the part of the
// month up to T, as Calendar.Window returns it.
const (
	CounterRegistered    Counter = "registered"
	CounterActive        Counter = "active"
	CounterTrial         Counter = "trial"
	CounterCancellations Counter = "cancellations"

	CounterUsersRegistered Counter = "users:registered"
	CounterUsersActive     Counter = "users:active"
	CounterUsersCanceled   Counter = "users:canceled"
)

// UnsubscribedCounter returns the counter of the users who unsubscribed for a reason.
func UnsubscribedCounter(r ChurnReason) Counter { return "unsubscribed:" + Counter(r) }

// CancellationsCounter returns the counter of the users who canceled for a reason.
// One who did for several is in each.
func CancellationsCounter(r ChurnReason) Counter { return CounterCancellations + ":" + Counter(r) }

// UsersCounter returns the counter of the users of a status.
func UsersCounter(s Status) Counter { return "users:" + Counter(s) }

// Running says that the counter's figure is a running total and not a month's.
func (k Counter) Running() bool {
	switch k {
	case CounterActive, CounterTrial, CounterUsersRegistered, CounterUsersActive, CounterUsersCanceled:
		return true
	}
	return false
}

// A Contribution is one entry of the ledger: from At on, the counter is higher
// by Delta.
type Contribution struct {
	Counter Counter
	At      Instant
	Delta   int
}

// Figure returns what the entries add to the counter's figure for the month m at
// t; zero for a month that starts after t. Of one user's entries it is 1 where
// the figure counts them, else 0.
func (c Calendar) Figure(entries []Contribution, k Counter, m Month, t Instant) int {
	first, last, begun := c.Window(m, t)
	if !begun {
		return 0
	}
	sum := 0
	for _, e := range entries {
		if e.Counter == k && e.At <= last && (e.At >= first || k.Running()) {
			sum += e.Delta
		}
	}
	return sum
}

// ContributionsDiff returns the entries that turn a ledger with the entries old
// into one with the entries new: sorted, with none that is zero.
func ContributionsDiff(old, new []Contribution) []Contribution {
	var l ledger
	l = append(l, new...)
	for _, e := range old {
		l.add(e.Counter, e.At, -e.Delta)
	}
	return l.merged()
}

// Contributions returns the user's entries: sorted by counter and instant, at
// most one for each of those, and none that is zero. An erased user's are the
// same, except that they are in no count of users.
func (f *UserFacts) Contributions(c Calendar, grace Grace) []Contribution {
	var all []Entitlement
	var cancellations []*Cancellation
	for _, facts := range f.entitlements {
		e, canceled := facts.entitlement()
		all = append(all, e.counted(grace))
		if facts.kind == Subscription {
			cancellations = append(cancellations, canceled...)
		}
	}
	access := spansOf(all, anyKind, wholePeriod)

	var l ledger
	if f.registered.Carried {
		l.add(CounterRegistered, f.registered.Value, +1)
	}
	l.addMonthsReached(c, CounterActive, access)
	l.addMonthsReached(c, CounterTrial, spansOf(all, isSubscription, Period.Trial))
	l.addGaps(c, all)
	l.addCancellations(c, cancellations)
	if f.first.Carried && !f.forgotten {
		l.addStatuses(f.timeline(access))
	}
	return l.merged()
}

// A ledger is a list of entries while it is written.
type ledger []Contribution

func (l *ledger) add(k Counter, at Instant, delta int) {
	*l = append(*l, Contribution{Counter: k, At: at, Delta: delta})
}

// addMonthsReached counts the user from the start of each span to the end of
// the last month that it reaches into: within a month, whom a figure counts
// once it counts until the month is over.
func (l *ledger) addMonthsReached(c Calendar, k Counter, spans []Span) {
	stretched := make([]Span, len(spans))
	for i, s := range spans {
		if s.To != Never {
			s.To = c.End(c.MonthOf(s.To - 1))
		}
		stretched[i] = s
	}
	for _, s := range Unite(stretched) {
		l.add(k, s.From, +1)
		if s.To != Never {
			l.add(k, s.To, -1)
		}
	}
}

// addGaps counts the user as unsubscribed from the start of each gap in their
// subscriptions, under the reason of what ended there, until the gap is over
// or the month is.
func (l *ledger) addGaps(c Calendar, all []Entitlement) {
	spans := spansOf(all, isSubscription, wholePeriod)
	for i, s := range spans {
		if s.To == Never {
			continue
		}
		k := UnsubscribedCounter(churnReason(all, s.To))
		l.add(k, s.To, +1)
		if i+1 < len(spans) && spans[i+1].From < c.End(c.MonthOf(s.To)) {
			l.add(k, spans[i+1].From, -1)
		}
	}
}

// churnReason returns the reason of the subscription's period that ended at e:
// of several, of the one that began last, then of the one with the greatest id.
func churnReason(all []Entitlement, e Instant) ChurnReason {
	var ended *Period
	for i := range all { // in ascending order of id
		if all[i].Kind != Subscription {
			continue
		}
		for j := range all[i].Periods {
			p := &all[i].Periods[j]
			if p.To == e && !p.Empty() && (ended == nil || p.From >= ended.From) {
				ended = p
			}
		}
	}
	if ended == nil || ended.Reason() == nil {
		return ChurnExpired
	}
	return ChurnReason(*ended.Reason())
}

// addCancellations counts the user in each month in which they canceled, and under
// each of the reasons in that month.
func (l *ledger) addCancellations(c Calendar, cancellations []*Cancellation) {
	times := make(map[Counter][]Instant)
	for _, of := range cancellations {
		times[CounterCancellations] = append(times[CounterCancellations], of.RequestedAt)
		k := CancellationsCounter(ChurnReason(*of.Reason))
		times[k] = append(times[k], of.RequestedAt)
	}
	for k, instants := range times {
		l.addFirstOfMonth(c, k, instants)
	}
}

// addFirstOfMonth counts the user at the first of the instants in each month.
func (l *ledger) addFirstOfMonth(c Calendar, k Counter, instants []Instant) {
	slices.Sort(instants)
	counted := Always // until when the user is counted already
	for _, i := range instants {
		if i >= counted {
			l.add(k, i, +1)
			counted = c.End(c.MonthOf(i))
		}
	}
}

// addStatuses counts the user under each status while they have it.
func (l *ledger) addStatuses(changes []StatusChange) {
	for i, change := range changes {
		if i > 0 {
			l.add(UsersCounter(changes[i-1].Status), change.From, -1)
		}
		l.add(UsersCounter(change.Status), change.From, +1)
	}
}

// merged sorts the entries and makes one of those of one counter and instant.
func (l ledger) merged() []Contribution {
	slices.SortFunc(l, func(a, b Contribution) int {
		return cmp.Or(cmp.Compare(a.Counter, b.Counter), cmp.Compare(a.At, b.At))
	})
	merged := l[:0]
	for _, e := range l {
		if n := len(merged); n > 0 && merged[n-1].Counter == e.Counter && merged[n-1].At == e.At {
			merged[n-1].Delta += e.Delta
			continue
		}
		merged = append(merged, e)
	}
	return slices.DeleteFunc(merged, func(e Contribution) bool { return e.Delta == 0 })
}
