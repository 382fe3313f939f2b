// This file reads the ledger of the figures. A running total at an instant is
// the sum of the months before its own, of the hours of that month before its
// own, and of the changes in that hour; or, late in a month, of the months with
// its own, less what comes after it. Whatever the number of users, those are few
// rows.

package projections

import (
	"context"
	"fmt"
	"strconv"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// figures are sums by counter; a counter without a change isn't in them.
type figures map[domain.Counter]int64

// sums is a statement that sums ranges of the ledger: several sums at once,
// each with its number.
type sums struct {
	statement
	n int
}

// total adds the sums of counters over all time up to an instant, which is in
// them, and returns their number.
func (q *sums) total(c domain.Calendar, at domain.Instant, counters ...domain.Counter) int {
	month := c.Start(c.MonthOf(at))
	q.between("kpi_months", "from_at", counters, domain.Always, month)
	return q.part(c, month, at, counters...)
}

// part adds the sums of counters over the part of a month from its first
// instant to last, which is in it, and returns their number.
func (q *sums) part(c domain.Calendar, first, last domain.Instant, counters ...domain.Counter) int {
	began, end := hourOf(first, last), c.End(c.MonthOf(first)) // of the hour, of the month
	if last-first > (end-first)/2 {
		q.monthUpTo(first, last, end, counters)
	} else {
		if first < began {
			q.between("kpi_hours", "from_at", counters, first, began)
		}
		q.between("kpi_changes", "at", counters, began, last+1)
	}
	q.n++
	return q.n - 1
}

// monthUpTo takes in a month and takes off what comes after last. What lies
// ahead of now is little besides: ends that are known in advance.
func (q *sums) monthUpTo(first, last, end domain.Instant, counters []domain.Counter) {
	next := min(hourOf(first, last)+hour, end)
	q.between("kpi_months", "from_at", counters, first, first+1)
	if next < end {
		q.signed("-delta", "kpi_hours", "from_at", counters, next, end)
	}
	if last+1 < next {
		q.signed("-delta", "kpi_changes", "at", counters, last+1, next)
	}
}

// between takes in the rows of a table from an instant on and before another.
// Always stands for no beginning.
func (q *sums) between(table, column string, counters []domain.Counter, from, to domain.Instant) {
	q.signed("delta", table, column, counters, from, to)
}

// signed takes in, of the rows of a range, delta or -delta.
func (q *sums) signed(delta, table, column string, counters []domain.Counter, from, to domain.Instant) {
	if q.text.Len() == 0 {
		q.write("SELECT n, counter, CAST(SUM(delta) AS BIGINT) FROM (")
	} else {
		q.write(" UNION ALL ")
	}
	q.write("SELECT ", strconv.Itoa(q.n), " AS n, counter, ", delta, " AS delta FROM ", table, " WHERE counter IN ", q.counters(counters))
	if from != domain.Always {
		q.write(" AND ", column, " >= ", q.instant(from))
	}
	q.write(" AND ", column, " < ", q.instant(to))
}

// counters adds counters as arguments, for an IN.
func (s *statement) counters(counters []domain.Counter) string {
	texts := make([]string, len(counters))
	for i, c := range counters {
		texts[i] = string(c)
	}
	return s.list(texts)
}

// figures returns the sums by their numbers.
func (s *snapshot) figures(ctx context.Context, q *sums) ([]figures, error) {
	q.write(") entries GROUP BY n, counter")
	all := make([]figures, q.n)
	for i := range all {
		all[i] = figures{}
	}
	err := s.each(ctx, &q.statement, func(row scanner) error {
		var n int
		var counter string
		var sum int64
		if err := row.Scan(&n, &counter, &sum); err != nil {
			return err
		}
		all[n][domain.Counter(counter)] = sum
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	return all, nil
}

// totals returns the sums of counters over all time up to an instant.
func (s *snapshot) totals(ctx context.Context, at domain.Instant, counters ...domain.Counter) (figures, error) {
	q := &sums{}
	n := q.total(s.Calendar, at, counters...)
	all, err := s.figures(ctx, q)
	if err != nil {
		return nil, err
	}
	return all[n], nil
}

// An entry is by how much a counter changes in a month.
type entry struct {
	counter domain.Counter
	from    domain.Instant // first instant of the month
	delta   int64
}

// monthEntries returns the changes of counters by month, of all months that
// begin before an instant, in the order of the months.
func (s *snapshot) monthEntries(ctx context.Context, before domain.Instant, counters []domain.Counter) ([]entry, error) {
	q := &statement{}
	q.write("SELECT counter, from_at, delta FROM kpi_months WHERE counter IN ", q.counters(counters),
		" AND from_at < ", q.instant(before), " ORDER BY from_at")
	var entries []entry
	err := s.each(ctx, q, func(row scanner) error {
		var e entry
		var counter string
		var from sqldb.Micros
		err := row.Scan(&counter, &from, &e.delta)
		e.counter, e.from = domain.Counter(counter), domain.Instant(from)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger's months: %w", err)
	}
	return entries, nil
}

// erasedCounter returns the counter of those of another who were erased. It has
// the same changes at the same instants, of erased users alone, so that a
// figure and what is erased of it are found in the same way.
func erasedCounter(c domain.Counter) domain.Counter { return "erased:" + c }

// withErased returns what a user contributes to the ledger: what the rules say,
// and once the user is erased, their part of the figures as erased too. Their
// contributions are to no count of users then.
func withErased(contributions []domain.Contribution, erased bool) []domain.Contribution {
	if !erased {
		return contributions
	}
	all := contributions[:len(contributions):len(contributions)]
	for _, c := range contributions {
		c.Counter = erasedCounter(c.Counter)
		all = append(all, c)
	}
	return all
}
