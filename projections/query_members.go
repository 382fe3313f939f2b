// This file answers whom a monthly figure counts.

package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"boxoffice/domain"
)

var errKPI = errors.New("there is no such figure")

// A membership says whom a figure counts in the part of a month from first to
// last, both inclusive.
type membership struct {
	kpi         KPI
	counters    []domain.Counter
	first, last domain.Instant
	// byStart says that ended spans are searched by their start.
	byStart bool
}

// spans are the tables in which a user is a member by a span that reaches into
// the part of the month.
var spans = map[KPI]string{KPIActive: "access_spans", KPITrial: "trial_spans"}

// Members returns one page of the users whom a month's figure counts: as many
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
		l, err := s.memberListing(ctx, m, counted <= int64(s.few))
		if err != nil {
			return err
		}
		page.Users, page.Next, err = s.page(ctx, l, q.At, q.After, q.Limit)
		return err
	})
	if err != nil {
		return page, fmt.Errorf("users whom %s counts: %w", q.KPI, err)
	}
	return page, nil
}

// AllMembers hands all users whom a month's figure counts to f, of one moment and in
// bounded memory, in the order of [Reader.Members]; q.After and q.Limit play no
// part. The list is good until f returns.
func (r *Reader) AllMembers(ctx context.Context, q MembersQuery, f func(*UserList) error) error {
	err := r.read(ctx, func(s *snapshot) error {
		m, begun, err := s.membershipOf(&q)
		if err != nil {
			return err
		}
		list := &UserList{Position: s.Position, TimeZone: s.TimeZone, Users: func(func(*User, error) bool) {}}
		if begun {
			counted, _, err := s.countMembers(ctx, m)
			if err != nil {
				return err
			}
			l, err := s.memberListing(ctx, m, counted <= int64(s.few))
			if err != nil {
				return err
			}
			list.Users = s.pages(ctx, l, q.At)
		}
		list.CustomKeys = func(limit int) ([]string, error) { return collectCustomKeys(list.Users, limit) }
		if err := s.handOut(ctx, "users", "kpi_members", "access_spans", "trial_spans"); err != nil {
			return err
		}
		return f(list)
	})
	if err != nil {
		return fmt.Errorf("users whom %s counts: %w", q.KPI, err)
	}
	return nil
}

// pages yields all users of a listing, reading them a page at a time.
func (s *snapshot) pages(ctx context.Context, l *listing, t domain.Instant) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) { s.firstPages(ctx, l, t, math.MaxInt, yield) }
}

// membershipOf returns the membership that q asks for; begun is false where its
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
		switch {
		case q.Reason == "":
			m.counters = []domain.Counter{domain.CounterCancellations}
		case slices.Contains(domain.CancellationReasons, q.Reason):
			m.counters = []domain.Counter{domain.CancellationsCounter(q.Reason)}
		}
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

// countMembers returns the figure, and how many of those it counts were erased.
func (s *snapshot) countMembers(ctx context.Context, m *membership) (counted, erased int64, err error) {
	counters := slices.Clone(m.counters)
	for _, c := range m.counters {
		counters = append(counters, erasedCounter(c))
	}
	q := &sums{}
	if m.counters[0].Running() {
		q.total(s.Calendar, m.last, counters...)
	} else {
		q.part(s.Calendar, m.first, m.last, counters...)
	}
	all, err := s.figures(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range m.counters {
		counted += all[0][c]
		erased += all[0][erasedCounter(c)]
	}
	return counted, erased, nil
}

// memberListing returns the members in the default order of the list of users.
// Where those of a span are few, they are found first and then sorted.
func (s *snapshot) memberListing(ctx context.Context, m *membership, few bool) (*listing, error) {
	l := &listing{column: "registered_at", descending: true, parts: [][]condition{nil}, missing: true}
	_, bySpan := spans[m.kpi]
	switch {
	case m.kpi == KPIRegistered:
		l.parts = [][]condition{{compared("u.registered_at", ">=", m.first), compared("u.registered_at", "<=", m.last)}}
		l.missing = false
		l.sources = []source{{}}
	case !bySpan:
		// Whom one of the counters counts no other does.
		for _, c := range m.counters {
			l.sources = append(l.sources, source{table: "kpi_members", conditions: []condition{m.entered(c)}})
		}
	case few:
		l.sorted = true
		l.sources = []source{{picked: m.picked, most: s.few}}
		return l, s.chooseEnd(ctx, m)
	default:
		// Of those who registered later only those come into question of whom
		// something was known before.
		l.parts = [][]condition{
			{compared("u.registered_at", ">", m.last), always(knownBefore)},
			{compared("u.registered_at", "<=", m.last)},
		}
		l.sources = []source{{conditions: []condition{m.counts}}}
	}
	return l, nil
}

// entered is the condition that u is the last of a user's entries of a counter
// in the part of the month, and one by which the user is counted.
func (m *membership) entered(c domain.Counter) condition {
	return func(q *statement) string {
		last := q.instant(m.last)
		// What stands in COALESCE isn't to be searched by: a counter has many
		// entries, and a user few.
		return "u.counter = " + q.arg(string(c)) + " AND u.month_at = " + q.instant(m.first) +
			" AND u.delta > 0 AND COALESCE(u.at, u.at) <= " + last +
			" AND NOT EXISTS (SELECT 1 FROM kpi_members l WHERE l.user_key = u.user_key" +
			" AND COALESCE(l.counter, l.counter) = u.counter AND l.at > u.at AND l.at <= " + last + oneByOne
	}
}

// chooseEnd chooses by which end spans are searched: by the one that leaves
// fewer to look at. Of a young month few have ended since, of an old one few
// had begun by then.
func (s *snapshot) chooseEnd(ctx context.Context, m *membership) error {
	table := spans[m.kpi]
	ended, err := s.countUpTo(ctx, pick{table, "to_at", []condition{compared("u.to_at", ">", m.first)}}, 4*s.few)
	if err != nil || ended < 4*s.few {
		return err
	}
	begun, err := s.countUpTo(ctx, pick{table, "from_at", []condition{compared("u.from_at", "<=", m.last)}}, 4*s.few)
	m.byStart = begun < ended
	return err
}

// picked selects the keys of the members by span.
func (m *membership) picked(q *statement) string {
	first, last := q.instant(m.first), q.instant(m.last)
	table := spans[m.kpi]
	// Of several spans that reach into the part of the month the last is taken,
	// so that a user is there once.
	keys := "SELECT s.user_key FROM " + table + " s WHERE "
	isLast := " AND NOT EXISTS (SELECT 1 FROM " + table + " l WHERE l.user_key = s.user_key" +
		" AND l.from_at > s.from_at AND l.from_at <= " + last + oneByOne
	ended := "COALESCE(s.from_at, s.from_at) <= " + last + " AND s.to_at > " + first
	if m.byStart {
		ended = "s.from_at <= " + last + " AND COALESCE(s.to_at, s.to_at) > " + first
	}
	return keys + ended + isLast + " UNION ALL " + keys + "s.to_at IS NULL AND s.from_at <= " + last + isLast
}

// counts is the condition that u is a member by a span.
func (m *membership) counts(q *statement) string {
	first, last := q.instant(m.first), q.instant(m.last)
	return "EXISTS (SELECT 1 FROM " + spans[m.kpi] + " s WHERE s.user_key = u.user_key AND s.from_at <= " + last +
		" AND (s.to_at IS NULL OR s.to_at > " + first + ")" + oneByOne
}
