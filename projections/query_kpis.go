// This file answers the monthly figures.

package projections

import (
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
)

// runningKPIs are the counters of the monthly figures that are running totals,
// monthKPIs those that are counted a month at a time.
var (
	runningKPIs = []domain.Counter{domain.CounterActive, domain.CounterTrial}
	monthKPIs   = func() []domain.Counter {
		counters := []domain.Counter{domain.CounterRegistered, domain.CounterCancellations}
		for _, reason := range domain.CancellationReasons {
			counters = append(counters, domain.CancellationsCounter(reason))
		}
		for _, reason := range domain.ChurnReasons {
			counters = append(counters, domain.UnsubscribedCounter(reason))
		}
		return counters
	}()
)

// KPIs returns the figures of the months from one to another, both inclusive, as
// they are at an instant: in ascending order, none where from is after to. A
// month before any data has zeros, and so has one that hasn't begun.
func (r *Reader) KPIs(ctx context.Context, from, to domain.Month, at domain.Instant) ([]MonthKPI, error) {
	var months []MonthKPI
	err := r.read(ctx, func(s *snapshot) error {
		var err error
		months, err = s.kpis(ctx, from, to, at)
		if err != nil {
			return fmt.Errorf("figures of the months: %w", err)
		}
		return nil
	})
	return months, err
}

func (s *snapshot) kpis(ctx context.Context, from, to domain.Month, at domain.Instant) ([]MonthKPI, error) {
	var months []MonthKPI
	for m := from; m.Compare(to) <= 0; m = m.Next() {
		months = append(months, s.newMonth(m, at))
	}
	current := s.Calendar.MonthOf(at)
	if err := s.fillPast(ctx, months, current); err != nil {
		return nil, err
	}
	if from.Compare(current) <= 0 && current.Compare(to) <= 0 {
		return months, s.fillCurrent(ctx, &months[monthsBetween(from, current)])
	}
	return months, nil
}

// monthsBetween returns how many months b is after a.
func monthsBetween(a, b domain.Month) int { return (b.Year-a.Year)*12 + b.Month - a.Month }

func (s *snapshot) newMonth(m domain.Month, at domain.Instant) MonthKPI {
	k := MonthKPI{
		Month: m, At: at, Begun: s.Calendar.Start(m) <= at,
		Unsubscribed:     make(map[domain.ChurnReason]int64, len(domain.ChurnReasons)),
		CancellationsFor: make(map[domain.ChurnReason]int64, len(domain.CancellationReasons)),
		Position:         s.Position, TimeZone: s.TimeZone,
	}
	for _, reason := range domain.CancellationReasons {
		k.CancellationsFor[reason] = 0
	}
	for _, reason := range domain.ChurnReasons {
		k.Unsubscribed[reason] = 0
	}
	return k
}

// fillPast fills in what the sums of whole months say: all about the months
// before current, and about current what was in the month before.
func (s *snapshot) fillPast(ctx context.Context, months []MonthKPI, current domain.Month) error {
	if len(months) == 0 {
		return nil
	}
	end := s.Calendar.End(months[len(months)-1].Month)
	end = min(end, s.Calendar.Start(current))
	entries, err := s.monthEntries(ctx, end, slices.Concat(runningKPIs, monthKPIs))
	if err != nil {
		return err
	}
	var month, before figures // of the month, and of the one before
	total := figures{}
	next := 0
	for i := range months {
		k := &months[i]
		if k.Month.Compare(current) > 0 {
			break
		}
		start := s.Calendar.Start(k.Month)
		if i == 0 {
			previous := s.Calendar.Start(k.Month.Prev())
			next = total.take(entries, next, previous, nil)
			before = figures{}
			next = total.take(entries, next, start, before)
		} else {
			before = month
		}
		k.PreviousMonth = before[domain.CounterRegistered]
		k.PreviousToDate = k.PreviousMonth
		if k.Month != current {
			month = figures{}
			next = total.take(entries, next, s.Calendar.End(k.Month), month)
			k.fill(month, total)
		}
	}
	return nil
}

// take adds the entries from next on of the months that begin before an
// instant, and returns the first that is left. They are added to month too, if
// there is one.
func (total figures) take(entries []entry, next int, before domain.Instant, month figures) int {
	for ; next < len(entries) && entries[next].from < before; next++ {
		e := &entries[next]
		total[e.counter] += e.delta
		if month != nil {
			month[e.counter] += e.delta
		}
	}
	return next
}

// fillCurrent fills in the month that At lies in.
func (s *snapshot) fillCurrent(ctx context.Context, k *MonthKPI) error {
	q := &sums{}
	month := q.part(s.Calendar, s.Calendar.Start(k.Month), k.At, monthKPIs...)
	total := q.total(s.Calendar, k.At, runningKPIs...)
	toDate := -1
	if cut, whole := s.Calendar.SameTimeInPreviousMonth(k.Month, k.At); !whole {
		toDate = q.part(s.Calendar, s.Calendar.Start(k.Month.Prev()), cut, domain.CounterRegistered)
	}
	all, err := s.figures(ctx, q)
	if err != nil {
		return err
	}
	k.fill(all[month], all[total])
	if toDate >= 0 {
		k.PreviousToDate = all[toDate][domain.CounterRegistered]
	}
	return nil
}

// fill takes the figures from the sums over the month and over all time.
func (k *MonthKPI) fill(month, total figures) {
	k.Registered = month[domain.CounterRegistered]
	k.Active = total[domain.CounterActive]
	k.Trial = total[domain.CounterTrial]
	k.Cancellations = month[domain.CounterCancellations]
	for _, reason := range domain.CancellationReasons {
		k.CancellationsFor[reason] = month[domain.CancellationsCounter(reason)]
	}
	for _, reason := range domain.ChurnReasons {
		k.Unsubscribed[reason] = month[domain.UnsubscribedCounter(reason)]
	}
}
