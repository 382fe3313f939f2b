// This file reads the ledger of the figures. A running total at an instant is
// the sum of the months before its own, of the hours of that month before its
// own, and of the changes in that hour; whatever the number of users, those
// are few rows.

package projections

import (
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// figures are sums by counter; a counter without a change isn't in them.
type figures map[domain.Counter]int64

// totals gives the sums of counters over all time up to an instant.
func (s *snapshot) totals(ctx context.Context, at domain.Instant, counters ...domain.Counter) (figures, error) {
	month := s.Calendar.Start(s.Calendar.MonthOf(at))
	q := newSum(counters)
	q.add("kpi_months", "from_at", domain.Always, month)
	q.addPart(month, at)
	return s.sum(ctx, q)
}

// sumsIn gives the sums of counters over the part of a month from its first
// instant to last, which is in them.
func (s *snapshot) sumsIn(ctx context.Context, first, last domain.Instant, counters ...domain.Counter) (figures, error) {
	q := newSum(counters)
	q.addPart(first, last)
	return s.sum(ctx, q)
}

// A sum is a statement that sums stretches of the ledger.
type sum struct {
	statement
	counters []string
}

func newSum(counters []domain.Counter) *sum {
	q := &sum{counters: make([]string, len(counters))}
	for i, c := range counters {
		q.counters[i] = string(c)
	}
	return q
}

// add takes in the rows of a table from an instant on and before another.
// Always stands for no beginning.
func (q *sum) add(table, column string, from, to domain.Instant) {
	if q.text.Len() == 0 {
		q.write("SELECT counter, CAST(SUM(delta) AS BIGINT) FROM (")
	} else {
		q.write(" UNION ALL ")
	}
	q.write("SELECT counter, delta FROM ", table, " WHERE counter IN ", q.list(q.counters))
	if from != domain.Always {
		q.write(" AND ", column, " >= ", q.instant(from))
	}
	q.write(" AND ", column, " < ", q.instant(to))
}

// addPart takes in the part of a month from its first instant to last.
func (q *sum) addPart(first, last domain.Instant) {
	hour := hourOf(first, last)
	if first < hour {
		q.add("kpi_hours", "from_at", first, hour)
	}
	q.add("kpi_changes", "at", hour, last+1)
}

func (s *snapshot) sum(ctx context.Context, q *sum) (figures, error) {
	q.write(") entries GROUP BY counter")
	rows, err := s.tx.QueryContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	defer rows.Close()
	sums := figures{}
	for rows.Next() {
		var counter string
		var n int64
		if err := rows.Scan(&counter, &n); err != nil {
			return nil, fmt.Errorf("sum the ledger: %w", err)
		}
		sums[domain.Counter(counter)] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	return sums, nil
}

// An entry is by how much a counter changes in a month.
type entry struct {
	counter domain.Counter
	from    domain.Instant // first instant of the month
	delta   int64
}

// monthEntries gives the changes of counters by month, of all months that
// begin before an instant, in the order of the months.
func (s *snapshot) monthEntries(ctx context.Context, before domain.Instant, counters []domain.Counter) ([]entry, error) {
	q := newSum(counters)
	q.write("SELECT counter, from_at, delta FROM kpi_months WHERE counter IN ", q.list(q.counters),
		" AND from_at < ", q.instant(before), " ORDER BY from_at")
	rows, err := s.tx.QueryContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read the ledger's months: %w", err)
	}
	defer rows.Close()
	var entries []entry
	for rows.Next() {
		var e entry
		var counter string
		var from sqldb.Micros
		if err := rows.Scan(&counter, &from, &e.delta); err != nil {
			return nil, fmt.Errorf("read the ledger's months: %w", err)
		}
		e.counter, e.from = domain.Counter(counter), domain.Instant(from)
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the ledger's months: %w", err)
	}
	return entries, nil
}

// erasedCounter gives the counter of those of another who were erased. It has
// the same changes at the same instants, of erased users alone, so that a
// figure and what is erased of it are found in the same way.
func erasedCounter(c domain.Counter) domain.Counter { return "erased:" + c }

// withErased gives what a user contributes to the ledger: what the rules say,
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
