// This file serves the users whom a monthly figure counts.

package api

import (
	"context"
	"net/http"
	"slices"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

type listMonthUsersInput struct {
	MonthParam
	KPI    string `path:"kpi" enum:"registered,active,trial,unsubscribed,cancellations" doc:"The figure"`
	Reason string `query:"reason" enum:"voluntary,non_payment,switched,other,expired,paused" doc:"Of unsubscribed and cancellations only, which have no expired and paused: the reason"`
	AsOfParam
	PageParams
}

type listMonthUsersOutput struct{ Body memberPage }

// A memberPage is a page of the users whom a figure counts.
type memberPage struct {
	Users      []User  `json:"users"`
	Erased     int64   `json:"erased" doc:"How many more the figure counts who have been erased"`
	NextCursor *string `json:"next_cursor" doc:"Null on the last page"`
}

func (s *service) registerMembers() {
	register(s, operation{
		id: "list-month-users", method: http.MethodGet, path: "/v1/kpis/{month}/{kpi}/users", tag: "KPIs",
		summary:     "The users whom a figure counts",
		description: "Latest registered_at first, nulls last, ties by id. 404 for trial where trials are switched off.",
		errors:      []int{http.StatusNotFound},
	}, s.listMonthUsers)
}

// reasonsOf are the reasons by which figures are told apart.
var reasonsOf = map[projections.KPI][]domain.ChurnReason{
	projections.KPIUnsubscribed:  domain.ChurnReasons,
	projections.KPICancellations: domain.CancellationReasons,
}

func (s *service) listMonthUsers(ctx context.Context, in *listMonthUsersInput) (*listMonthUsersOutput, error) {
	p := s.params()
	month := p.month("path.month", in.Month)
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	kpi := projections.KPI(in.KPI)
	switch {
	case in.Reason != "" && !slices.Contains(reasonsOf[kpi], domain.ChurnReason(in.Reason)):
		return nil, invalid("query.reason", "must be a reason of the figure, which only unsubscribed and cancellations have", in.Reason)
	case kpi == projections.KPITrial && !s.Trials:
		return nil, notFound("trials are switched off")
	}
	list := cursor.Listing{Name: "list-month-users", Filters: []string{month.String(), in.KPI, in.Reason}}
	at, after, err := openPage[projections.UserCursor](s, list, in.Cursor, asOf)
	if err != nil {
		return nil, err
	}
	page, err := s.Reader.Members(ctx, projections.MembersQuery{
		Month: month, KPI: kpi, Reason: domain.ChurnReason(in.Reason), At: at, After: after, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	access.About(ctx, userIDs(page.Users)...)
	return &listMonthUsersOutput{memberPage{
		Users:      showUsers(page.Users),
		Erased:     page.Erased,
		NextCursor: cursorFor(s.cursors, list, at, page.Next),
	}}, nil
}
