// This file measures how fast new read models are filled in bulk.

package projectionstest

import (
	"log/slog"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// benchUsers is of how many users, with 40 events each, the log is that is
// projected: BOXOFFICE_BENCH_USERS, or 7,500.
func benchUsers(b *testing.B) int {
	text := os.Getenv("BOXOFFICE_BENCH_USERS")
	if text == "" {
		return 7500
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkFill fills read models from a log of 300,000 events, 85 % of them
// playback. Beside each it reads the log alone, both as followers read it and in
// bulk, and follows it batch by batch. It reports of each the events a second and
// the processor time an event, what filling is of the others, and the largest
// heap, garbage included, while it filled.
func BenchmarkFill(b *testing.B) {
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) { benchFill(b, engine) })
	}
}

func benchFill(b *testing.B, engine sqldb.Engine) {
	h := newHouse(b, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, engine) })
	m := newMaker(b, 51)
	events, batch := 0, make([]*domain.Event, 0, 5000)
	m.eachOfYear(benchUsers(b), func(e *domain.Event) {
		if batch = append(batch, e); len(batch) == cap(batch) {
			h.append(batch...)
			batch = batch[:0]
		}
		events++
	})
	h.append(batch...)
	var reading, bulk, filling, following cost
	var heap uint64
	for round := 0; b.Loop(); round++ {
		reading.of(func() { readAll(b, h.log) })
		bulk.of(func() { readInBulk(b, h.log) })
		stop := watchHeap(&heap)
		filling.of(func() { h.projectNew(round, 1) })
		stop()
		following.of(func() { h.projectNew(round, math.MaxInt) })
	}
	for name, c := range map[string]cost{"fill": filling, "follow": following, "read": reading, "bulk-read": bulk} {
		b.ReportMetric(float64(events*b.N)/c.wall.Seconds(), name+"-events/s")
		b.ReportMetric(float64(c.processor.Nanoseconds())/float64(events*b.N), name+"-cpu-ns/event")
	}
	b.ReportMetric(reading.wall.Seconds()/filling.wall.Seconds(), "fill-of-read")
	b.ReportMetric(bulk.wall.Seconds()/filling.wall.Seconds(), "fill-of-bulk-read")
	b.ReportMetric(following.wall.Seconds()/filling.wall.Seconds(), "fill-of-follow")
	b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
	b.ReportMetric(0, "ns/op")
}

// A cost is what something takes: time on the clock, and of the process's
// processors, a server's left out.
type cost struct{ wall, processor time.Duration }

func (c *cost) of(f func()) {
	start, used := time.Now(), processorTime()
	f()
	c.wall += time.Since(start)
	c.processor += processorTime() - used
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it never fails for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// projectNew projects the log into new read models.
func (h *house) projectNew(round, fillFrom int) {
	h.t.Helper()
	zones := []string{"UTC", paris, "Asia/Tokyo", "America/Lima"}
	n := 2 * round
	if fillFrom > 1 {
		n++
	}
	h.project(projections.Config{TimeZone: zones[n%len(zones)], FillFrom: fillFrom, Now: h.quick().Now,
		Grace: time.Microsecond, Logger: slog.New(slog.DiscardHandler)})
}

// readAll reads the log as a follower does.
func readAll(b *testing.B, log *eventstore.Store) {
	for after := eventstore.Position(0); ; {
		records, err := log.Read(b.Context(), after, 20_000)
		if err != nil {
			b.Fatal(err)
		}
		if len(records) == 0 {
			return
		}
		after = records[len(records)-1].Position
	}
}

// readInBulk reads the log on all processors.
func readInBulk(b *testing.B, log *eventstore.Store) {
	head, err := log.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	keys, err := log.Keys(b.Context(), eventstore.Everybody, math.MaxInt32)
	if err != nil {
		b.Fatal(err)
	}
	var next, read atomic.Int64
	done := make(chan error)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			var err error
			n := int64(0)
			for err == nil {
				last := eventstore.Position(next.Add(8192))
				if last-8192 >= head.Position {
					break
				}
				err = log.ReadOf(b.Context(), keys, eventstore.Everybody, last-8192, min(last, head.Position),
					func(eventstore.UserKey, *domain.Event) error { n++; return nil })
			}
			read.Add(n)
			done <- err
		}()
	}
	for range runtime.GOMAXPROCS(0) {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if read.Load() != int64(head.Position) {
		b.Fatalf("%d of %d events were read", read.Load(), head.Position)
	}
}

// watchHeap notes the largest heap until it is stopped.
func watchHeap(largest *uint64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*largest = max(*largest, m.HeapAlloc)
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}
