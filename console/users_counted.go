// This file is the users whom a figure of a month counts.

package console

import (
	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// countedBy is the figure whose users are listed.
type countedBy struct {
	KPI, Reason string
	Month       domain.Month
	Count       int64
	Erased      int64
	Back        string
}

// readMembers lists the users whom a figure counts.
func (v *visit) readMembers(q *query) (*userList, error) {
	month := q.month("month")
	kpi := q.oneOf("kpi", "registered", "active", "trial", "unsubscribed", "cancellations")
	reason := q.oneOf("reason", reasonNames()...)
	if month == nil || kpi == "" || reason != "" && kpi != string(projections.KPIUnsubscribed) {
		return nil, errInput
	}
	if kpi == string(projections.KPITrial) && !v.Trials {
		return nil, errNoPage
	}
	listed := cursor.Listing{Name: "members", Filters: []any{month, kpi, reason}}
	from, err := openPage[projections.UserCursor](v, q, listed, instantOr(q.instant("as_of"), v.at), pageRows)
	if err != nil {
		return nil, err
	}
	page, err := v.Reader.Members(v.r.Context(), projections.MembersQuery{
		Month: *month, KPI: projections.KPI(kpi), Reason: domain.ChurnReason(reason), At: from.At, After: from.After, Limit: pageRows,
	})
	if err != nil {
		return nil, err
	}
	months, err := v.Reader.KPIs(v.r.Context(), *month, *month, from.At)
	if err != nil {
		return nil, err
	}
	list := v.newList(q, page.Users, int64(page.Position), from.At)
	list.Counted = &countedBy{KPI: kpi, Reason: reason, Month: *month, Count: figureOf(&months[0], kpi, reason), Erased: page.Erased, Back: "/?month=" + month.String()}
	list.Found = list.Counted.Count - page.Erased
	list.Pager = from.pager(len(list.Rows), page.Next).of(list.Found, false)
	return list, nil
}

func reasonNames() []string {
	names := make([]string, len(domain.ChurnReasons))
	for i, r := range domain.ChurnReasons {
		names[i] = string(r)
	}
	return names
}

func figureOf(k *projections.MonthKPI, kpi, reason string) int64 {
	switch projections.KPI(kpi) {
	case projections.KPIRegistered:
		return k.Registered
	case projections.KPIActive:
		return k.Active
	case projections.KPITrial:
		return k.Trial
	case projections.KPICancellations:
		return k.Cancellations
	}
	if reason != "" {
		return k.Unsubscribed[domain.ChurnReason(reason)]
	}
	return sum(k.Unsubscribed)
}

func (v *visit) countedTitle(c *countedBy) string {
	title := v.T("users.counted", "figure", v.T("kpi."+c.KPI), "month", v.Month(c.Month.Year, c.Month.Month))
	if c.Reason != "" {
		title += ": " + v.T("reason."+c.Reason)
	}
	return title
}
