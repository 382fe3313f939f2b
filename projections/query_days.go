// This file answers on which days of a month users registered.

package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// MonthDays are the registrations of a month by day.
type MonthDays struct {
	// Days are those that have begun by the instant that was asked about, in order.
	Days     []DayRegistrations
	Position eventstore.Position
}

// DayRegistrations is how many users registered on a day.
type DayRegistrations struct {
	Day        int // of the month, from 1
	Registered int64
}

// Days returns how many users registered on each local day of a month, up to and
// including an instant. Their sum is the month's figure.
func (r *Reader) Days(ctx context.Context, m domain.Month, at domain.Instant) (MonthDays, error) {
	var days MonthDays
	err := r.read(ctx, func(s *snapshot) (err error) {
		days = MonthDays{Position: s.Position}
		if first, last, begun := s.Calendar.Window(m, at); begun {
			days.Days, err = s.registeredByDay(ctx, s.Calendar.Days(m), first, last)
		}
		return err
	})
	if err != nil {
		return days, fmt.Errorf("registrations by day: %w", err)
	}
	return days, nil
}

// registeredByDay counts the registrations between two instants, both inclusive,
// by day. Hours that lie in one day are taken whole; those in which a day
// begins, and the last one, are looked at change by change.
func (s *snapshot) registeredByDay(ctx context.Context, all []domain.LocalDay, first, last domain.Instant) ([]DayRegistrations, error) {
	var days []DayRegistrations
	for _, d := range all {
		if d.Start <= last {
			days = append(days, DayRegistrations{Day: d.Number})
		}
	}
	dayOf := func(at domain.Instant) int {
		i, found := slices.BinarySearchFunc(all, at, func(d domain.LocalDay, at domain.Instant) int { return cmp.Compare(d.Start, at) })
		if !found {
			i--
		}
		return i
	}
	var divided []domain.Instant // hours that aren't taken whole
	err := s.eachChange(ctx, "kpi_hours", "from_at", first, last+1, func(from domain.Instant, delta int64) {
		if end := from + hour - 1; end > last || dayOf(from) != dayOf(end) {
			divided = append(divided, from)
		} else {
			days[dayOf(from)].Registered += delta
		}
	})
	for _, from := range divided {
		if err == nil {
			err = s.eachChange(ctx, "kpi_changes", "at", from, min(from+hour, last+1),
				func(at domain.Instant, delta int64) { days[dayOf(at)].Registered += delta })
		}
	}
	return days, err
}

// eachChange calls f with the changes of the registrations in [from, to) that a
// table of the ledger has.
func (s *snapshot) eachChange(ctx context.Context, table, column string, from, to domain.Instant, f func(domain.Instant, int64)) error {
	q := &statement{}
	q.write("SELECT ", column, ", delta FROM ", table, " WHERE counter = ", q.arg(string(domain.CounterRegistered)),
		" AND ", column, " >= ", q.instant(from), " AND ", column, " < ", q.instant(to))
	return s.each(ctx, q, func(row scanner) error {
		var at sqldb.Micros
		var delta int64
		err := row.Scan(&at, &delta)
		if err == nil {
			f(domain.Instant(at), delta)
		}
		return err
	})
}

// CountUsers returns how many users a filter finds at q.At; where there are more
// than q.Limit, that. It takes time in proportion to what it counts.
func (r *Reader) CountUsers(ctx context.Context, q UsersQuery) (int64, error) {
	var n int64
	err := r.read(ctx, func(s *snapshot) error {
		l, err := s.userListing(ctx, &q)
		if err != nil {
			return err
		}
		found, err := gather(l.ranges(nil), q.Limit, func(part []condition, limit int) ([]keyset, error) {
			return s.keysetsIn(ctx, l, part, limit)
		})
		n = int64(len(found))
		return err
	})
	return n, err
}
