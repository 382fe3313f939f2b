// This file measures the memory that exports of a few and of many users take,
// from the database to the finished file.

package export

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// BenchmarkMemory makes files of 10 thousand, 100 thousand and 1 million users
// that are in a database, and reports in MB the most that the process had in
// memory meanwhile (VmHWM) and what it had before (VmRSS), both with SQLite's
// caches in them. It needs Linux, and for a million users some minutes and 3 GB of disk.
func BenchmarkMemory(b *testing.B) {
	for _, engine := range sqltest.Engines() {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/users=%d", engine, n), func(b *testing.B) {
				now := domain.InstantOf(time.Now())
				reader := filledReader(b, sqltest.New(b, engine)(), n, now, registrations(n, now))
				for _, format := range []Format{XLSX, CSV} {
					b.Run(string(format), func(b *testing.B) {
						size := &sizeWriter{every: 1 << 40}
						before := restingMemory(b)
						for b.Loop() {
							r, err := Users(b.Context(), reader, projections.UsersQuery{At: now}, size, Options{Format: format, TempDir: b.TempDir()})
							if err != nil || r.Rows != int64(n) {
								b.Fatalf("%d rows: %v", r.Rows, err)
							}
						}
						b.ReportMetric(memory(b, "VmHWM"), "most-MB")
						b.ReportMetric(before, "before-MB")
						b.ReportMetric(float64(size.n)/float64(b.N)/(1<<20), "file-MB")
					})
				}
			})
		}
	}
}

// restingMemory lets go of all that is garbage, resets VmHWM, and returns how many MB the process has in memory.
func restingMemory(b *testing.B) float64 {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	return memory(b, "VmRSS")
}

// memory returns, in MB, what Linux says of the process's memory.
func memory(b *testing.B, name string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, found := strings.Cut(string(status), name+":")
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil || !found {
		b.Fatalf("Linux doesn't say %s: %v", name, err)
	}
	return kB / 1024
}
