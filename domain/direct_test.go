// This file holds the folds and the ledger against their definitions.

package domain_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
)

// What follows says the rules once more, straight from their wording and with
// no regard for the time it takes, to hold the ledger and the folds against.

// A directPeriod is a period of one entitlement.
type directPeriod struct {
	from, to  domain.Instant
	trial     *domain.Instant
	canceled  bool
	reason    string
	requested domain.Instant
	paused    bool
	resumes   *domain.Instant
	unpaid    bool
}

// direct is one user, by the definitions.
type direct struct {
	events  []*domain.Event
	grace   domain.Grace
	periods map[domain.EntitlementKind]map[string][]directPeriod
	// The times of subscription.canceled events that recorded a cancellation, and
	// with what reason.
	recorded   []domain.Instant
	recordedBy map[domain.ChurnReason][]domain.Instant
}

func directly(events []*domain.Event) *direct {
	d := &direct{
		events:  inHistoryOrder(events),
		periods: make(map[domain.EntitlementKind]map[string][]directPeriod),

		recordedBy: make(map[domain.ChurnReason][]domain.Instant),
	}
	for _, kind := range []domain.EntitlementKind{domain.Subscription, domain.Rental, domain.FreeCopy} {
		d.periods[kind] = make(map[string][]directPeriod)
	}
	for _, e := range d.events {
		if e.Entitlement != nil {
			d.apply(e)
		}
	}
	return d
}

func (d *direct) apply(event *domain.Event) {
	t, e := event.Time, event.Entitlement
	periods := d.periods[e.Kind][e.ID]
	running := slices.IndexFunc(periods, func(p directPeriod) bool { return p.from <= t && t < p.to })
	end, hasEnd := e.End.Get()
	if e.Action == domain.Close {
		if len(periods) == 0 {
			return
		}
		at := running
		if running < 0 {
			at = len(periods) - 1
			if periods[at].canceled {
				return
			}
		} else if hasEnd {
			periods[running].to = max(end, periods[running].from)
		} else {
			periods[running].to = t
		}
		reason, _ := e.Reason.Get()
		if reason == "" && e.Kind == domain.Subscription {
			reason = "voluntary"
		}
		periods[at].canceled, periods[at].requested, periods[at].reason = true, t, reason
		periods[at].paused, periods[at].unpaid, periods[at].resumes = false, false, nil
		if event.Type == domain.SubscriptionCanceled {
			d.recorded = append(d.recorded, t)
			d.recordedBy[domain.ChurnReason(reason)] = append(d.recordedBy[domain.ChurnReason(reason)], t)
		}
		return
	}
	switch event.Type {
	case domain.SubscriptionChanged:
		if running >= 0 && e.TrialEnd.Carried {
			periods[running].trial = nil
			if trial, ok := e.TrialEnd.Get(); ok {
				periods[running].trial = &trial
			}
		}
		return
	case domain.SubscriptionPaused:
		if running >= 0 {
			p := &periods[running]
			p.to, p.canceled, p.paused, p.resumes = t, false, true, nil
			if hasEnd {
				p.to = max(end, p.from)
			}
			if resumes, ok := e.ResumesAt.Get(); ok {
				p.resumes = &resumes
			}
		}
		return
	case domain.SubscriptionPaymentFailed:
		if running >= 0 && !periods[running].canceled && !periods[running].paused {
			periods[running].unpaid = true
			if hasEnd {
				periods[running].to = max(end, t)
			}
		}
		return
	}
	if !hasEnd {
		end = domain.Never
	} else if end < t {
		end = t
	}
	at := running
	if running < 0 {
		at = len(periods)
		periods = append(periods, directPeriod{from: t})
	}
	periods[at].to, periods[at].canceled, periods[at].paused, periods[at].unpaid, periods[at].resumes = end, false, false, false, nil
	if event.Type == domain.SubscriptionStarted && e.TrialEnd.Carried {
		periods[at].trial = nil
		if trial, ok := e.TrialEnd.Get(); ok {
			periods[at].trial = &trial
		}
	}
	d.periods[e.Kind][e.ID] = periods
}

// counting returns the periods with each beginning where the renewal grace has it.
func (d *direct) counting(kind domain.EntitlementKind, periods []directPeriod) []directPeriod {
	counting := slices.Clone(periods)
	for i, p := range periods {
		ended := domain.Always
		for _, before := range periods[:i] {
			if before.from < before.to {
				ended = max(ended, before.to)
			}
		}
		if kind == domain.Subscription && p.from < p.to && ended != domain.Always && p.from-ended <= domain.Instant(d.grace) {
			counting[i].from = ended
		}
	}
	return counting
}

// spans returns all non-empty spans of a kind, or of every kind for 0, not united.
func (d *direct) spans(kind domain.EntitlementKind) []domain.Span {
	var spans []domain.Span
	for of, entitlements := range d.periods {
		for _, periods := range entitlements {
			for _, p := range d.counting(of, periods) {
				if (kind == 0 || kind == of) && p.from < p.to {
					spans = append(spans, domain.Span{From: p.from, To: p.to})
				}
			}
		}
	}
	return spans
}

func (d *direct) trials() []domain.Span {
	var spans []domain.Span
	for _, periods := range d.periods[domain.Subscription] {
		for _, p := range d.counting(domain.Subscription, periods) {
			if p.trial != nil && p.from < min(*p.trial, p.to) {
				spans = append(spans, domain.Span{From: p.from, To: min(*p.trial, p.to)})
			}
		}
	}
	return spans
}

func (d *direct) registeredAt() (domain.Instant, bool) {
	for _, e := range d.events {
		if e.Type == domain.UserRegistered {
			return e.Time, true
		}
	}
	return 0, false
}

// counts says whether the user counts in a month's figure at T. The month
// begins at start and ends at end, and has begun at T.
func (d *direct) counts(k domain.Counter, start, end, T domain.Instant) bool {
	inW := func(i domain.Instant) bool { return start <= i && i < end && i <= T }
	reaches := func(s domain.Span) bool { return s.From < end && s.From <= T && s.To > start }
	switch k {
	case domain.CounterRegistered:
		at, registered := d.registeredAt()
		return registered && inW(at)
	case domain.CounterActive:
		return slices.ContainsFunc(d.spans(0), reaches)
	case domain.CounterTrial:
		return slices.ContainsFunc(d.trials(), reaches)
	case domain.CounterCancellations:
		return slices.ContainsFunc(d.recorded, inW)
	}
	for _, reason := range domain.CancellationReasons {
		if k == domain.CancellationsCounter(reason) {
			return slices.ContainsFunc(d.recordedBy[reason], inW)
		}
	}
	spans := d.spans(domain.Subscription)
	for _, ended := range spans {
		e, s := ended.To, domain.Never
		if e == domain.Never || slices.ContainsFunc(spans, func(o domain.Span) bool { return o.From <= e && e < o.To }) {
			continue // no gap: another goes on, or begins at once
		}
		for _, next := range spans {
			if next.From > e {
				s = min(s, next.From)
			}
		}
		stays := T < end && s > T || T >= end && s >= end
		if inW(e) && stays && k == domain.UnsubscribedCounter(d.reasonOf(e)) {
			return true
		}
	}
	return false
}

// reasonOf returns the reason of the subscription period that ended at e.
func (d *direct) reasonOf(e domain.Instant) domain.ChurnReason {
	var last *directPeriod
	lastID := ""
	for id, periods := range d.periods[domain.Subscription] {
		for _, p := range d.counting(domain.Subscription, periods) {
			if p.to != e || p.from >= p.to {
				continue
			}
			if last == nil || p.from > last.from || p.from == last.from && id > lastID {
				last, lastID = &p, id
			}
		}
	}
	switch {
	case last.canceled:
		return domain.ChurnReason(last.reason)
	case last.paused:
		return domain.ChurnPaused
	case last.unpaid:
		return domain.ChurnNonPayment
	}
	return domain.ChurnExpired
}

// status returns the user's status at T, and whether they are there.
func (d *direct) status(T domain.Instant) (domain.Status, domain.Instant, bool) {
	first := d.events[0].Time
	if T < first {
		return "", 0, false
	}
	spans := d.spans(0)
	contains := func(i domain.Instant) bool {
		return slices.ContainsFunc(spans, func(s domain.Span) bool { return s.From <= i && i < s.To })
	}
	if contains(T) {
		// Back over spans that overlap or touch, for as long as there are any.
		since := T
		for moved := true; moved; {
			moved = false
			for _, s := range spans {
				if s.From < since && since <= s.To {
					since, moved = s.From, true
				}
			}
		}
		return domain.StatusActive, since, true
	}
	since := domain.Always
	for _, s := range spans {
		if s.To <= T {
			since = max(since, s.To)
		}
	}
	if since != domain.Always {
		return domain.StatusCanceled, since, true
	}
	if registered, ok := d.registeredAt(); ok {
		return domain.StatusRegistered, registered, true
	}
	return domain.StatusRegistered, first, true
}

// instants returns instants at and around every edge that matters.
func (d *direct) instants(c naiveCalendar, months []domain.Month) []domain.Instant {
	var edges []domain.Instant
	for _, e := range d.events {
		edges = append(edges, e.Time)
	}
	for _, s := range append(d.spans(0), d.trials()...) {
		edges = append(edges, s.From)
		if s.To != domain.Never {
			edges = append(edges, s.To)
		}
	}
	for _, m := range months {
		edges = append(edges, c.start(m))
	}
	var around []domain.Instant
	for _, i := range edges {
		around = append(around, i-micro, i, i+micro)
	}
	slices.Sort(around)
	return slices.Compact(around)
}

var allCounters = []domain.Counter{
	domain.CounterRegistered, domain.CounterActive, domain.CounterTrial, domain.CounterCancellations,
	domain.UnsubscribedCounter(domain.ChurnVoluntary), domain.UnsubscribedCounter(domain.ChurnNonPayment),
	domain.UnsubscribedCounter(domain.ChurnOther), domain.UnsubscribedCounter(domain.ChurnExpired),
	domain.UnsubscribedCounter(domain.ChurnSwitched), domain.UnsubscribedCounter(domain.ChurnPaused),
	domain.CancellationsCounter(domain.ChurnVoluntary), domain.CancellationsCounter(domain.ChurnNonPayment),
	domain.CancellationsCounter(domain.ChurnSwitched), domain.CancellationsCounter(domain.ChurnOther),
}

func TestLedgerCountsAsTheDefinitionsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar, m := drawPlace(t)
		naive := naiveCalendar{calendar.Zone}
		types := rapid.SampledFrom([][]domain.Type{livingTypes, subscriptionTypes}).Draw(t, "types")
		events := drawHistory(t, calendar, m, types)
		grace := drawGrace(t)
		facts, d := userFacts(events...), directly(events)
		d.grace = grace
		entries := facts.Contributions(calendar, grace)
		for _, e := range entries {
			if e.At == domain.Never {
				t.Fatalf("%s has an entry that is never reached", e.Counter)
			}
		}
		months := []domain.Month{m.Prev()}
		for range 6 {
			months = append(months, months[len(months)-1].Next())
		}
		for _, T := range d.instants(naive, months) {
			for _, m := range months {
				if naive.start(m) > T {
					continue
				}
				for _, k := range allCounters {
					got := calendar.Figure(entries, k, m, T)
					want := 0
					if d.counts(k, naive.start(m), naive.end(m), T) {
						want = 1
					}
					if got != want {
						t.Fatalf("%s of %v at %v in %v is %d, by its definition %d", k, m, T, calendar.Zone, got, want)
					}
				}
			}
		}
	})
}

func TestStatusIsThatOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar, m := drawPlace(t)
		events := drawHistory(t, calendar, m, livingTypes)
		grace := drawGrace(t)
		facts, d := userFacts(events...), directly(events)
		d.grace = grace
		entries := facts.Contributions(calendar, grace)
		for _, T := range d.instants(naiveCalendar{calendar.Zone}, []domain.Month{m, m.Next()}) {
			status, since, ok := statusAt(facts, grace, T)
			wantStatus, wantSince, wantOK := d.status(T)
			if status != wantStatus || since != wantSince || ok != wantOK {
				t.Fatalf("at %v: %q since %v (%v), by the definition %q since %v (%v)",
					T, status, since, ok, wantStatus, wantSince, wantOK)
			}
			for _, s := range []domain.Status{domain.StatusRegistered, domain.StatusActive, domain.StatusCanceled} {
				want := 0
				if wantOK && s == wantStatus {
					want = 1
				}
				month := calendar.MonthOf(T)
				if got := calendar.Figure(entries, domain.UsersCounter(s), month, T); got != want {
					t.Fatalf("at %v the user counts %d times as %s, not %d", T, got, s, want)
				}
			}
		}
	})
}

func TestPeriodsAreThoseOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar, m := drawPlace(t)
		events := drawHistory(t, calendar, m, livingTypes)
		d := directly(events)
		for _, e := range userFacts(events...).Entitlements() {
			var got []directPeriod
			for _, p := range e.Periods {
				as := directPeriod{from: p.From, to: p.To, trial: p.TrialEnd, paused: p.Paused != nil, unpaid: p.PastDue != nil, resumes: p.ResumesAt()}
				if c := p.Cancellation; c != nil {
					as.canceled, as.requested = true, c.RequestedAt
					if c.Reason != nil {
						as.reason = *c.Reason
					}
				}
				got = append(got, as)
			}
			want := d.periods[e.Kind][e.ID]
			for i := range want {
				if !want[i].canceled {
					want[i].reason, want[i].requested = "", 0
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(directPeriod{})); diff != "" {
				t.Errorf("periods of %d %s (-by the definition +folded):\n%s", e.Kind, e.ID, diff)
			}
		}
	})
}
