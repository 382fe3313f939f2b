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

// membersQuery reads which figure the address means, of which month, as it is when.
func (v *visit) membersQuery(q *query) (projections.MembersQuery, error) {
	month := q.month("month")
	kpi := q.oneOf("kpi", "registered", "active", "trial", "unsubscribed", "cancellations")
	reason := q.oneOf("reason", reasonNames()...)
	at := instantOr(q.instant("as_of"), v.at)
	if month == nil || kpi == "" || reason != "" && kpi != string(projections.KPIUnsubscribed) || q.bad {
		return projections.MembersQuery{}, errInput
	}
	if kpi == string(projections.KPITrial) && !v.Trials {
		return projections.MembersQuery{}, errNoPage
	}
	return projections.MembersQuery{Month: *month, KPI: projections.KPI(kpi), Reason: domain.ChurnReason(reason), At: at}, nil
}

// readMembers lists the users whom a figure counts.
func (v *visit) readMembers(q *query) (*userList, error) {
	ask, err := v.membersQuery(q)
	if err != nil {
		return nil, err
	}
	listed := cursor.Listing{Name: "members", Filters: []any{ask.Month, ask.KPI, ask.Reason}}
	from, err := openPage[projections.UserCursor](v, q, listed, ask.At, pageRows)
	if err != nil {
		return nil, err
	}
	ask.At, ask.After, ask.Limit = from.At, from.After, pageRows
	page, err := v.Reader.Members(v.r.Context(), ask)
	if err != nil {
		return nil, err
	}
	months, err := v.Reader.KPIs(v.r.Context(), ask.Month, ask.Month, ask.At)
	if err != nil {
		return nil, err
	}
	list := v.newList(q, page.Users, int64(page.Position), ask.At)
	list.Counted = &countedBy{
		KPI: string(ask.KPI), Reason: string(ask.Reason), Month: ask.Month, Count: figureOf(&months[0], string(ask.KPI), string(ask.Reason)),
		Erased: page.Erased, Back: "/?month=" + ask.Month.String(),
	}
	list.Found = list.Counted.Count - page.Erased
	list.Pager = from.pager(len(list.Rows), page.Next).of(list.Found, false)
	list.Excel, list.CSV = countedExports(q)
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
