// This file serves the monthly figures.

package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// maxMonths is how many months one answer has at most.
const maxMonths = 120

// A kpiMonth is the figures of one month.
type kpiMonth struct {
	Month         string                     `json:"month" doc:"YYYY-MM" example:"2026-11"`
	TimeZone      string                     `json:"time_zone" doc:"IANA name of the platform's time zone" example:"Europe/Paris"`
	AsOf          time.Time                  `json:"as_of" doc:"The instant that was asked about"`
	Registered    nullable[kpiRegistered]    `json:"registered" doc:"Users who registered in the month"`
	Active        nullable[kpiCount]         `json:"active" doc:"Users who had access at some time in the month"`
	Trial         nullable[kpiCount]         `json:"trial" doc:"Users in a trial at some time in the month; null where trials are switched off"`
	Unsubscribed  nullable[kpiUnsubscribed]  `json:"unsubscribed" doc:"Users whose subscriptions ended in the month, and who haven't come back"`
	Cancellations nullable[kpiCancellations] `json:"cancellations" doc:"Users who asked in the month for a subscription to end"`
	Position      eventstore.Position        `json:"position" doc:"The log position that the read model had reached"`
}

// A kpiCount is a number of users.
type kpiCount struct {
	Count int64 `json:"count"`
}

// A kpiRegistered is a number of users beside that of the month before.
type kpiRegistered struct {
	Count         int64         `json:"count"`
	PreviousMonth kpiComparison `json:"previous_month"`
	Change        *rate         `json:"change" nullable:"true" doc:"Relative change against previous_month.to_date, rounded half up to four decimals; null where that is 0"`
}

// A kpiComparison is what a figure was in the month before.
type kpiComparison struct {
	Count  int64 `json:"count" doc:"In the whole month"`
	ToDate int64 `json:"to_date" doc:"Up to the same local day and time of day"`
}

// A kpiUnsubscribed is a number of users, and why.
type kpiUnsubscribed struct {
	Count    int64      `json:"count"`
	ByReason kpiReasons `json:"by_reason"`
}

// A kpiReasons is a number of users by reason.
type kpiReasons struct {
	Voluntary  int64 `json:"voluntary"`
	NonPayment int64 `json:"non_payment"`
	Switched   int64 `json:"switched"`
	Other      int64 `json:"other"`
	Expired    int64 `json:"expired"`
	Paused     int64 `json:"paused"`
}

// A kpiCancellations is a number of users, and why; one who canceled for several
// reasons is under each.
type kpiCancellations struct {
	Count    int64                  `json:"count"`
	ByReason kpiCancellationReasons `json:"by_reason" doc:"A user who canceled for several reasons is under each"`
}

// A kpiCancellationReasons is a number of users by the reason of a cancellation.
type kpiCancellationReasons struct {
	Voluntary  int64 `json:"voluntary"`
	NonPayment int64 `json:"non_payment"`
	Switched   int64 `json:"switched"`
	Other      int64 `json:"other"`
}

type getMonthInput struct {
	MonthParam
	AsOfParam
}

type getMonthOutput struct{ Body kpiMonth }

type listMonthsInput struct {
	From string `query:"from" required:"true" doc:"First month, YYYY-MM" example:"2026-01"`
	To   string `query:"to" required:"true" doc:"Last month, YYYY-MM" example:"2026-11"`
	AsOfParam
}

type listMonthsOutput struct{ Body kpiMonths }

// A kpiMonths is the figures of a series of months.
type kpiMonths struct {
	Months []kpiMonth `json:"months"`
}

// A kpiDays is the registrations of a month by day.
type kpiDays struct {
	Month    string              `json:"month" doc:"YYYY-MM" example:"2026-11"`
	Days     []kpiDay            `json:"days" doc:"The days of the month that have begun by the instant that was asked about, in order"`
	Position eventstore.Position `json:"position" doc:"The log position that the read model had reached"`
}

// A kpiDay is the registrations of one local day.
type kpiDay struct {
	Day        string `json:"day" format:"date" doc:"Calendar day in the platform's time zone" example:"2026-11-01"`
	Registered int64  `json:"registered" doc:"Users who registered on that day"`
}

type getMonthDaysOutput struct{ Body kpiDays }

func (s *service) registerKPIs() {
	register(s, operation{
		id: "get-month", method: http.MethodGet, path: "/v1/kpis/{month}", tag: "KPIs",
		summary: "The figures of one month",
	}, s.getMonth)
	register(s, operation{
		id: "list-months", method: http.MethodGet, path: "/v1/kpis", tag: "KPIs",
		summary:     "The figures of a series of months",
		description: "From the first month to the last, both inclusive, at most 120.",
	}, s.listMonths)
	register(s, operation{
		id: "get-month-days", method: http.MethodGet, path: "/v1/kpis/{month}/days", tag: "KPIs",
		summary:     "The registrations of one month by day",
		description: "Days are those of the platform's time zone, from the first to the one of `as_of`. Their sum is the month's figure.",
	}, s.getMonthDays)
}

func (s *service) getMonth(ctx context.Context, in *getMonthInput) (*getMonthOutput, error) {
	p := s.params()
	month := p.month("path.month", in.Month)
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	months, err := s.kpis(ctx, month, month, s.orNow(asOf))
	if err != nil {
		return nil, err
	}
	return &getMonthOutput{months[0]}, nil
}

func (s *service) listMonths(ctx context.Context, in *listMonthsInput) (*listMonthsOutput, error) {
	p := s.params()
	first, last := p.month("query.from", in.From), p.month("query.to", in.To)
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	switch n := monthNumber(last) - monthNumber(first) + 1; {
	case n < 1:
		return nil, invalid("query.to", "must not be before from", in.To)
	case n > maxMonths:
		return nil, invalid("query.to", "must be at most 120 months from from, both included", in.To)
	}
	months, err := s.kpis(ctx, first, last, s.orNow(asOf))
	if err != nil {
		return nil, err
	}
	return &listMonthsOutput{kpiMonths{months}}, nil
}

func (s *service) getMonthDays(ctx context.Context, in *getMonthInput) (*getMonthDaysOutput, error) {
	p := s.params()
	month := p.month("path.month", in.Month)
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	found, err := s.Reader.Days(ctx, month, s.orNow(asOf))
	if err != nil {
		return nil, err
	}
	body := kpiDays{Month: month.String(), Days: make([]kpiDay, len(found.Days)), Position: found.Position}
	for i, d := range found.Days {
		body.Days[i] = kpiDay{fmt.Sprintf("%s-%02d", month, d.Day), d.Registered}
	}
	return &getMonthDaysOutput{body}, nil
}

func monthNumber(m domain.Month) int { return m.Year*12 + m.Month }

func (s *service) kpis(ctx context.Context, first, last domain.Month, at domain.Instant) ([]kpiMonth, error) {
	figures, err := s.Reader.KPIs(ctx, first, last, at)
	if err != nil {
		return nil, err
	}
	months := make([]kpiMonth, len(figures))
	for i := range figures {
		months[i] = s.showMonth(&figures[i])
	}
	return months, nil
}

func (s *service) showMonth(k *projections.MonthKPI) kpiMonth {
	m := kpiMonth{
		Month:    k.Month.String(),
		TimeZone: k.TimeZone,
		AsOf:     instant(k.At),
		Position: k.Position,
	}
	if !k.Begun {
		return m
	}
	m.Registered = present(kpiRegistered{
		Count:         k.Registered,
		PreviousMonth: kpiComparison{k.PreviousMonth, k.PreviousToDate},
		Change:        change(k.Registered, k.PreviousToDate),
	})
	m.Active = present(kpiCount{k.Active})
	if s.Trials {
		m.Trial = present(kpiCount{k.Trial})
	}
	m.Unsubscribed = present(showUnsubscribed(k.Unsubscribed))
	m.Cancellations = present(kpiCancellations{k.Cancellations, kpiCancellationReasons{
		Voluntary:  k.CancellationsFor[domain.ChurnVoluntary],
		NonPayment: k.CancellationsFor[domain.ChurnNonPayment],
		Switched:   k.CancellationsFor[domain.ChurnSwitched],
		Other:      k.CancellationsFor[domain.ChurnOther],
	}})
	return m
}

func showUnsubscribed(by map[domain.ChurnReason]int64) kpiUnsubscribed {
	u := kpiUnsubscribed{ByReason: kpiReasons{
		Voluntary:  by[domain.ChurnVoluntary],
		NonPayment: by[domain.ChurnNonPayment],
		Switched:   by[domain.ChurnSwitched],
		Other:      by[domain.ChurnOther],
		Expired:    by[domain.ChurnExpired],
		Paused:     by[domain.ChurnPaused],
	}}
	for _, n := range by {
		u.Count += n
	}
	return u
}
