// This file answers whom a monthly figure counts.

package projections

import (
	"context"
	"errors"
	"fmt"

	"boxoffice/domain"
)

var errKPI = errors.New("there is no such figure")

// A membership says whom a figure counts in the part of a month from first to
// last, both inclusive.
type membership struct {
	kpi         KPI
	counters    []domain.Counter
	first, last domain.Instant
}

// spans are the tables in which a user is a member by a span that reaches into
// the part of the month.
var spans = map[KPI]string{KPIActive: "access_spans", KPITrial: "trial_spans"}

// Members gives one page of the users whom a month's figure counts: as many
// over all pages, with those who were erased, as the figure says.
func (r *Reader) Members(ctx context.Context, q MembersQuery) (MembersPage, error) {
	var page MembersPage
	if err := checkUserCursor(q.After); err != nil {
		return page, err
	}
	err := r.read(ctx, func(s *snapshot) error {
		page = MembersPage{Position: s.Position}
		m, begun, err := s.membershipOf(&q)
		if err != nil || !begun {
			return err
		}
		var counted int64
		counted, page.Erased, err = s.countMembers(ctx, m)
		if err != nil {
			return err
		}
		page.Users, page.Next, err = s.page(ctx, m.listing(counted <= int64(s.few)), q.At, q.After, q.Limit)
		return err
	})
	if err != nil {
		return page, fmt.Errorf("users whom %s counts: %w", q.KPI, err)
	}
	return page, nil
}

// membershipOf gives the membership that q asks for; begun is false where its
// month begins after the instant asked about, and nobody is counted.
func (s *snapshot) membershipOf(q *MembersQuery) (m *membership, begun bool, err error) {
	m = &membership{kpi: q.KPI}
	switch q.KPI {
	case KPIRegistered:
		m.counters = []domain.Counter{domain.CounterRegistered}
	case KPIActive:
		m.counters = []domain.Counter{domain.CounterActive}
	case KPITrial:
		m.counters = []domain.Counter{domain.CounterTrial}
	case KPICancellations:
		m.counters = []domain.Counter{domain.CounterCancellations}
	case KPIUnsubscribed:
		for _, reason := range domain.ChurnReasons {
			if q.Reason == "" || q.Reason == reason {
				m.counters = append(m.counters, domain.UnsubscribedCounter(reason))
			}
		}
	}
	if len(m.counters) == 0 {
		return nil, false, errKPI
	}
	m.first, m.last, begun = s.Calendar.Window(q.Month, q.At)
	return m, begun, nil
}

// countMembers gives the figure, and how many of those it counts were erased.
func (s *snapshot) countMembers(ctx context.Context, m *membership) (counted, erased int64, err error) {
	counters := m.counters
	for _, c := range m.counters {
		counters = append(counters, erasedCounter(c))
	}
	var sums figures
	if m.counters[0].Running() {
		sums, err = s.totals(ctx, m.last, counters...)
	} else {
		sums, err = s.sumsIn(ctx, m.first, m.last, counters...)
	}
	for _, c := range m.counters {
		counted += sums[c]
		erased += sums[erasedCounter(c)]
	}
	return counted, erased, err
}

// listing gives the members in the default order of the list of users. Where
// they are few, they are found first and then sorted.
func (m *membership) listing(few bool) *listing {
	l := &listing{column: "registered_at", descending: true, missing: true}
	switch {
	case m.kpi == KPIRegistered:
		l.parts = [][]condition{{compared("u.registered_at", ">=", m.first), compared("u.registered_at", "<=", m.last)}}
		l.missing = false
		l.sources = []source{{}}
	case few:
		l.parts = [][]condition{nil}
		l.sources = []source{{picked: m.picked}}
	default:
		// Those whose first event was their registration can't be counted
		// before it. So of all who registered later only the others come into
		// question, and they have an index of their own.
		l.parts = [][]condition{
			{compared("u.registered_at", ">", m.last), always("u.first_event_at < u.registered_at")},
			{compared("u.registered_at", "<=", m.last)},
		}
		l.sources = []source{{conditions: []condition{m.counts}}}
	}
	return l
}

// picked selects the keys of the members.
func (m *membership) picked(q *statement) string {
	first, last := q.instant(m.first), q.instant(m.last)
	if table, ok := spans[m.kpi]; ok {
		ended := "SELECT s.user_key FROM " + table + " s WHERE s.from_at <= " + last + " AND s.to_at > " + first
		endless := "SELECT s.user_key FROM " + table + " s WHERE s.from_at <= " + last + " AND s.to_at IS NULL"
		return ended + " UNION " + endless
	}
	return "SELECT m.user_key FROM kpi_members m WHERE m.counter IN " + q.list(m.names()) +
		" AND m.at >= " + first + " AND m.at <= " + last + " GROUP BY m.user_key HAVING SUM(m.delta) > 0"
}

// counts is the condition that u is a member.
func (m *membership) counts(q *statement) string {
	first, last := q.instant(m.first), q.instant(m.last)
	if table, ok := spans[m.kpi]; ok {
		// The limit keeps PostgreSQL from making a join of it: users are walked
		// in order until the page is full.
		return "EXISTS (SELECT 1 FROM " + table + " s WHERE s.user_key = u.user_key AND s.from_at <= " + last +
			" AND (s.to_at IS NULL OR s.to_at > " + first + ") LIMIT 1 OFFSET 0)"
	}
	return "(SELECT SUM(m.delta) FROM kpi_members m WHERE m.user_key = u.user_key AND m.counter IN " +
		q.list(m.names()) + " AND m.at >= " + first + " AND m.at <= " + last + ") > 0"
}

func (m *membership) names() []string {
	names := make([]string, len(m.counters))
	for i, c := range m.counters {
		names[i] = string(c)
	}
	return names
}
