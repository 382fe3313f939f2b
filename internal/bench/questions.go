// This file is the questions whose answers are measured, each put to the reader
// and to the HTTP API.

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"boxoffice/domain"
	"boxoffice/projections"
)

// A question is asked again and again, of the reader and of the API. Both fail
// where the answer is empty.
type question struct {
	group string
	name  string
	// reader asks the reader, for the n-th time; api returns the path and query to
	// ask the API by.
	reader func(ctx context.Context, r *projections.Reader, n int64) error
	api    func(n int64) string
}

var errEmpty = errors.New("the answer is empty")

const pageUsers = 50

// questions returns all questions about a population.
func questions(p population) []question {
	now := domain.InstantOf(p.now)
	all := append([]question{}, kpiQuestions(p, now)...)
	for _, sort := range []projections.UserSort{projections.ByRegisteredDesc, projections.ByRegisteredAsc, projections.ByUpdatedDesc, projections.ByUpdatedAsc} {
		all = append(all, pageQuestions(p, now, sort)...)
	}
	return append(all, page("users page with q", "q", now, projections.UsersQuery{
		Filter: projections.UserFilter{Query: fmt.Sprintf("nº %d", p.users/2)}}, url.Values{"q": {fmt.Sprintf("nº %d", p.users/2)}}), userQuestion(p, now))
}

func kpiQuestions(p population, now domain.Instant) []question {
	month := domain.Month{Year: p.now.UTC().Year(), Month: int(p.now.UTC().Month())}
	first := month
	for range 11 {
		first = first.Prev()
	}
	ask := func(group string, from, to domain.Month, path string) question {
		return question{group, group, func(ctx context.Context, r *projections.Reader, _ int64) error {
			months, err := r.KPIs(ctx, from, to, now)
			if err == nil && (len(months) == 0 || months[len(months)-1].Active == 0) {
				return errEmpty
			}
			return err
		}, func(int64) string { return path }}
	}
	return []question{
		ask("KPI month", month, month, "/v1/kpis/"+monthText(month)),
		ask("series of 12 months", first, month, "/v1/kpis?from="+monthText(first)+"&to="+monthText(month)),
	}
}

func monthText(m domain.Month) string { return fmt.Sprintf("%04d-%02d", m.Year, m.Month) }

// pageQuestions asks for pages of the list of users in one order.
func pageQuestions(p population, now domain.Instant, sort projections.UserSort) []question {
	from, to := p.now.Add(-400*day).Truncate(time.Second), p.now.Add(-300*day).Truncate(time.Second)
	rangeFrom, rangeTo := domain.InstantOf(from), domain.InstantOf(to)
	fromText, toText := from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)
	ask := func(filter string, f projections.UserFilter, values url.Values) question {
		group := "users page, filtered"
		if filter == "" {
			group = "users page"
		}
		values.Set("sort", string(sort))
		return page(group, fmt.Sprintf("%s sorted by %s", filter, sort), now, projections.UsersQuery{Filter: f, Sort: sort}, values)
	}
	return []question{
		ask("", projections.UserFilter{}, url.Values{}),
		ask("active", projections.UserFilter{Status: domain.StatusActive}, url.Values{"status": {string(domain.StatusActive)}}),
		ask("canceled", projections.UserFilter{Status: domain.StatusCanceled}, url.Values{"status": {string(domain.StatusCanceled)}}),
		ask("registered in a range", projections.UserFilter{RegisteredFrom: &rangeFrom, RegisteredTo: &rangeTo},
			url.Values{"registered_from": {fromText}, "registered_to": {toText}}),
		ask("updated in a range", projections.UserFilter{UpdatedFrom: &rangeFrom, UpdatedTo: &rangeTo},
			url.Values{"updated_from": {fromText}, "updated_to": {toText}}),
		ask("active, registered in a range", projections.UserFilter{Status: domain.StatusActive, RegisteredFrom: &rangeFrom, RegisteredTo: &rangeTo},
			url.Values{"status": {string(domain.StatusActive)}, "registered_from": {fromText}, "registered_to": {toText}}),
	}
}

func page(group, name string, now domain.Instant, q projections.UsersQuery, values url.Values) question {
	q.At, q.Limit = now, pageUsers
	return question{group, name, func(ctx context.Context, r *projections.Reader, _ int64) error {
		users, err := r.Users(ctx, q)
		if err == nil && len(users.Users) == 0 {
			return errEmpty
		}
		return err
	}, func(int64) string { return "/v1/users?" + values.Encode() }}
}

// userQuestion asks for another user each time.
func userQuestion(p population, now domain.Instant) question {
	user := func(n int64) string { return p.id(int64(mixed(uint64(n))>>1) % p.users) }
	return question{"user detail", "user detail", func(ctx context.Context, r *projections.Reader, n int64) error {
		_, ok, err := r.User(ctx, user(n), now)
		if err == nil && !ok {
			return errEmpty
		}
		return err
	}, func(n int64) string { return "/v1/users/" + url.PathEscape(user(n)) }}
}
