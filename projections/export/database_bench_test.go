// This file measures exports from the database to the finished workbook, beside
// excelize's own stream writer, which has the same cells ready in memory.

package export

import (
	"io"
	"slices"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// BenchmarkExportFromDatabase makes workbooks of 100,000 users and of as many
// viewing sessions that are in a database, in turns with bare excelize: what is
// reported is as with BenchmarkExport.
func BenchmarkExportFromDatabase(b *testing.B) {
	const n = 100_000
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			now := domain.InstantOf(time.Now())
			reader := filledReader(b, sqltest.New(b, engine)(), 2*n, now, usualEvents(n, now))
			options := func() Options { return Options{TempDir: b.TempDir()} }
			b.Run("users", func(b *testing.B) {
				q := projections.UsersQuery{At: now}
				beside(b, n, bareRows(b, everyUser(b, reader, q)), 3, 5, func(w io.Writer) (Result, error) {
					return Users(b.Context(), reader, q, w, options())
				})
			})
			b.Run("sessions", func(b *testing.B) {
				q := projections.SessionsQuery{At: now}
				beside(b, n, everySession(b, reader, q), 6, 7, func(w io.Writer) (Result, error) {
					return Sessions(b.Context(), reader, q, w, options())
				})
			})
		})
	}
}

// beside measures an export in turns with bare excelize, each of them first in
// every other round.
func beside(b *testing.B, n int, rows [][]any, firstTime, lastTime int, export func(io.Writer) (Result, error)) {
	var took, busy, bareTook, bareBusy float64
	var size, bareSize sizeWriter
	sides := []func(){
		func() {
			size = sizeWriter{every: 1 << 40}
			took, busy = timed(func() {
				if r, err := export(&size); err != nil || r.Rows != int64(n) {
					b.Fatalf("%d rows: %v", r.Rows, err)
				}
			})
		},
		func() {
			bareSize = sizeWriter{every: 1 << 40}
			bareTook, bareBusy = timed(func() { bareExcelize(b, rows, firstTime, lastTime, n, &bareSize) })
		},
	}
	for b.Loop() {
		var ours, bare, ratio, cpu []float64
		for range 5 {
			sides[0]()
			sides[1]()
			slices.Reverse(sides)
			ours, bare = append(ours, float64(n)/took), append(bare, float64(n)/bareTook)
			ratio, cpu = append(ratio, bareTook/took), append(cpu, bareBusy/busy)
		}
		b.ReportMetric(median(ours), "rows/s")
		b.ReportMetric(median(bare), "bare-rows/s")
		b.ReportMetric(median(ratio), "of-bare")
		b.ReportMetric(median(cpu), "of-bare-by-cpu")
		b.ReportMetric(float64(size.n)/(1<<20), "file-MB")
		b.ReportMetric(float64(bareSize.n)/(1<<20), "bare-file-MB")
		b.ReportMetric(0, "ns/op")
	}
}

func everyUser(b *testing.B, r Reader, q projections.UsersQuery) []projections.User {
	var users []projections.User
	err := r.AllUsers(b.Context(), q, func(l *projections.UserList) error {
		for u, err := range l.Users {
			if err != nil {
				return err
			}
			users = append(users, *u)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return users
}

func everySession(b *testing.B, r Reader, q projections.SessionsQuery) [][]any {
	var rows [][]any
	err := r.AllSessions(b.Context(), q, func(l *projections.SessionList) error {
		for s, err := range l.Sessions {
			row := make([]any, len(sessionColumns))
			if err == nil {
				err = sessionRow(s, row)
			}
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows
}
