// This file measures exports beside excelize's own stream writer, which writes
// the same cells in the same run.

package export

import (
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"boxoffice/domain"
	"boxoffice/projections"
)

// usual returns users as a platform has them.
func usual() []projections.User {
	users := make([]projections.User, 1000)
	for i := range users {
		at := at("2026-01-01T00:00:00Z") + domain.Instant(i)*12_345_678_901
		email, first, last := fmt.Sprintf("first.last.%d@example.org", i*7919), fmt.Sprint("First", i%97), fmt.Sprint("Last", i*31%997)
		users[i] = projections.User{ID: fmt.Sprintf("user-%08x", i*2654435761), Status: domain.StatusActive, StatusSince: at + 1_000_000, RegisteredAt: &at, UpdatedAt: &at,
			Profile: domain.Profile{Email: &email, FirstName: &first, LastName: &last, Locale: new("fr-FR"), Country: new("FR"), Platform: new("web"),
				Custom: fmt.Appendf(nil, `{"plan":"offer %d","shoe":%d}`, i%7, 35+i%12)}}
	}
	return users
}

// BenchmarkExport makes workbooks of 10 thousand to 1 million users, in turns
// with bare excelize: rows a second of both, their ratio by the clock and by the time of the
// processors (which other work on the machine disturbs less), and the peak of memory
// of both, each as the median of three rounds.
func BenchmarkExport(b *testing.B) {
	users := usual()
	rows := bareRows(b, users)
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint("users=", n), func(b *testing.B) {
			reader := manyUsers{n: n, user: func(i int) *projections.User { return &users[i%len(users)] }}
			for b.Loop() {
				var ours, bare, ratio, cpu []float64
				for range 3 {
					took, busy := timed(func() {
						if _, err := Users(b.Context(), reader, projections.UsersQuery{}, io.Discard, Options{TempDir: b.TempDir()}); err != nil {
							b.Fatal(err)
						}
					})
					bareTook, bareBusy := timed(func() { bareExcelize(b, rows, 3, 5, n, io.Discard) })
					ours, bare = append(ours, float64(n)/took), append(bare, float64(n)/bareTook)
					ratio, cpu = append(ratio, bareTook/took), append(cpu, bareBusy/busy)
				}
				b.ReportMetric(median(ours), "rows/s")
				b.ReportMetric(median(bare), "bare-rows/s")
				b.ReportMetric(median(ratio), "of-bare")
				b.ReportMetric(median(cpu), "of-bare-by-cpu")
				b.ReportMetric(0, "ns/op")
			}
			b.ReportMetric(aliveAt(func(look func()) {
				_, err := Users(b.Context(), reader, projections.UsersQuery{}, &sizeWriter{every: 1 << 20, look: look},
					Options{TempDir: b.TempDir(), Progress: func(rows int64) {
						if rows%(rowsAhead*20) == 0 {
							look()
						}
					}})
				if err != nil {
					b.Fatal(err)
				}
			}), "alive-MB")
			b.ReportMetric(aliveAt(func(look func()) {
				bareExcelize(b, rows, 3, 5, n, writerFunc(func(p []byte) (int, error) { look(); return len(p), nil }))
			}), "bare-alive-MB")
		})
	}
}

// timed returns the seconds that f takes, by the clock and of the processors.
func timed(f func()) (seconds, busy float64) {
	started, before := time.Now(), processorTime()
	f()
	return time.Since(started).Seconds(), processorTime() - before
}

// aliveAt returns the most MB that were alive when f looked.
func aliveAt(f func(look func())) float64 {
	before, most := liveHeap(), int64(0)
	f(func() { most = max(most, liveHeap()-before) })
	return float64(most) / (1 << 20)
}

func processorTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// bareRows returns the cells of users with the columns plan and shoe of their own.
func bareRows(b *testing.B, users []projections.User) [][]any {
	rows := make([][]any, len(users))
	cells := newUserCells([]string{"plan", "shoe"})
	for i := range users {
		rows[i] = make([]any, len(userColumns)+2)
		if err := cells.row(&users[i], rows[i]); err != nil {
			b.Fatal(err)
		}
		rows[i][12] = float64(35 + i%12)
	}
	return rows
}

// bareExcelize writes n rows, which are ready beforehand and repeated, with
// nothing but excelize. The columns firstTime to lastTime are times.
func bareExcelize(b *testing.B, rows [][]any, firstTime, lastTime, n int, to io.Writer) {
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	f := excelize.NewFile(excelize.Options{TmpDir: b.TempDir()})
	defer f.Close()
	layout := "yyyy-mm-dd hh:mm:ss"
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &layout})
	must(err)
	w, err := f.NewStreamWriter("Sheet1")
	must(err)
	must(w.SetColWidth(1, len(rows[0]), 20))
	must(w.SetColStyle(firstTime, lastTime, style))
	for i := range n {
		place, err := excelize.CoordinatesToCellName(1, i+1)
		must(err)
		must(w.SetRow(place, rows[i%len(rows)]))
	}
	must(w.Flush())
	must(f.Write(to))
}
