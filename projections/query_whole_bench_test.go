// This file measures going through whole lists, as exports do.

package projections

import (
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb/sqltest"
)

// BenchmarkWholeLists goes through all of 100,000 users, by several ways, and
// reports users a second.
func BenchmarkWholeLists(b *testing.B) {
	const users = 100_000
	now := domain.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			reader := openPlatform(b, sqltest.New(b, engine), users, now)
			b.Run("users", func(b *testing.B) {
				n := 0
				for b.Loop() {
					err := reader.AllUsers(b.Context(), UsersQuery{At: now + 1}, func(l *UserList) error {
						for _, err := range l.Users {
							if err != nil {
								return err
							}
							n++
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "users/s")
			})
			b.Run("keys of custom", func(b *testing.B) {
				for b.Loop() {
					err := reader.AllUsers(b.Context(), UsersQuery{At: now + 1}, func(l *UserList) error {
						_, err := l.CustomKeys(100)
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(users*b.N)/b.Elapsed().Seconds(), "users/s")
			})
		})
	}
}
