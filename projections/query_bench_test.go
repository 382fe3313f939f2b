// This file measures the answers with 100,000 users.

package projections

import (
	"context"
	"fmt"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb/sqltest"
)

// BenchmarkAnswers measures whole answers, from looking up the live generation
// to the last row, on one connection at a time.
func BenchmarkAnswers(b *testing.B) {
	const users = 100_000
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			reader := openPlatform(b, sqltest.New(b, engine), users, now)
			for _, a := range answersOf(reader, now) {
				b.Run(a.name, func(b *testing.B) {
					for b.Loop() {
						if err := a.ask(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// An answer is one call of a Reader.
type answer struct {
	name string
	ask  func(context.Context) error
}

func answersOf(r *Reader, now domain.Instant) []answer {
	at := now + 1
	month := domain.Month{Year: 2026, Month: 11}
	halfway := now - platformYears/2
	users := func(name string, q UsersQuery) answer {
		q.At, q.Limit = at, 50
		return answer{"users " + name, func(ctx context.Context) error {
			_, err := r.Users(ctx, q)
			return err
		}}
	}
	answers := []answer{
		users("latest", UsersQuery{}),
		users("later page", UsersQuery{After: &UserCursor{Key: &halfway, ID: "user"}}),
		users("active, by update", UsersQuery{Sort: ByUpdatedDesc, Filter: UserFilter{Status: domain.StatusActive}}),
		users("registered early, by update", UsersQuery{Sort: ByUpdatedDesc, Filter: UserFilter{RegisteredTo: &halfway}}),
		users("q", UsersQuery{Filter: UserFilter{Query: "nº 77777"}}),
		{"counts", func(ctx context.Context) error {
			_, err := r.UserCounts(ctx, at)
			return err
		}},
		{"figures of a month", func(ctx context.Context) error {
			_, err := r.KPIs(ctx, month, month, at)
			return err
		}},
		{"figures of ten years", func(ctx context.Context) error {
			_, err := r.KPIs(ctx, domain.Month{Year: 2016, Month: 12}, month, at)
			return err
		}},
		{"a user", func(ctx context.Context) error {
			_, _, err := r.User(ctx, fmt.Sprintf("user-%08x", scattered(7)), at)
			return err
		}},
		{"sessions", func(ctx context.Context) error {
			_, err := r.Sessions(ctx, SessionsQuery{At: at, Limit: 50})
			return err
		}},
		{"contents", func(ctx context.Context) error {
			_, err := r.Contents(ctx, nil, nil, nil, 50)
			return err
		}},
	}
	for _, kpi := range []KPI{KPIActive, KPITrial, KPIUnsubscribed, KPICancellations} {
		answers = append(answers, answer{"members of " + string(kpi), func(ctx context.Context) error {
			_, err := r.Members(ctx, MembersQuery{Month: month.Prev(), KPI: kpi, At: at, Limit: 50})
			return err
		}})
	}
	return answers
}
