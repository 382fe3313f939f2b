// This file measures what a piece of work costs: time, processor time of this
// process and of the database server's, and the most memory that was in use.

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"boxoffice/internal/sqldb"
)

// A meter measures from start to stop.
type meter struct {
	db      *sqldb.DB
	started time.Time
	own     time.Duration
	server  map[int]time.Duration // of the server's processes by number; nil where that can't be told
}

// start begins to measure. db is whose server's processes are looked at.
func start(ctx context.Context, db *sqldb.DB) *meter {
	m := &meter{db: db, server: serverTime(ctx, db)}
	m.own, m.started = ownTime(), time.Now()
	return m
}

// stop writes what was measured into r.
func (m *meter) stop(ctx context.Context, r *Result) {
	r.Seconds = time.Since(m.started).Seconds()
	r.CPUSeconds = (ownTime() - m.own).Seconds()
	if now := serverTime(ctx, m.db); now != nil && m.server != nil {
		var sum time.Duration
		for pid, used := range now {
			sum += used - m.server[pid]
		}
		seconds := sum.Seconds()
		r.ServerCPUSeconds = &seconds
	}
}

// ownTime is the processor time that this process has taken.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverTime returns the processor time of the server processes that serve this
// database, by process number; nil where there are none or they are not on
// this machine. What the server does for all databases together (checkpoints,
// the write-ahead log's writer) is not in it.
func serverTime(ctx context.Context, db *sqldb.DB) map[int]time.Duration {
	if db == nil || db.Dialect().Name != sqldb.Postgres {
		return nil
	}
	rows, err := db.SQL().QueryContext(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
	if err != nil {
		return nil
	}
	defer rows.Close()
	used := map[int]time.Duration{}
	for rows.Next() {
		var pid int
		if rows.Scan(&pid) != nil {
			return nil
		}
		if used[pid], err = processTime(pid, "postgres"); err != nil {
			return nil
		}
	}
	if rows.Err() != nil {
		return nil
	}
	return used
}

// clockTick is the unit of times in /proc, the same on every Linux.
const clockTick = 10 * time.Millisecond

// processTime reads how much processor time a process of that name has taken.
func processTime(pid int, name string) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || string(stat[open+1:end]) != name {
		return 0, errors.New("another process")
	}
	// The fields after the name begin with the third; utime and stime are the
	// 14th and the 15th.
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 13 {
		return 0, errors.New("too few fields")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// peakMemory returns the most bytes of memory that a process had in use, pid 0
// for this one; 0 where that can't be told. It isn't getrusage's: that begins
// with what the process had before it became another program.
func peakMemory(pid int) int64 {
	process := "self"
	if pid != 0 {
		process = strconv.Itoa(pid)
	}
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
