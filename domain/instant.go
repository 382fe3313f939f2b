// This file is about points in time: what boxoffice reads them to, and the
// one that is never reached.

package domain

import (
	"math"
	"time"
)

// An Instant is a point in time, in microseconds since 1970-01-01T00:00:00Z.
// All times of events are read to the microsecond, so that two engines and
// every client agree about which of two instants comes first.
type Instant int64

const (
	// Never is the end of what doesn't end. It is later than every instant.
	Never Instant = math.MaxInt64
	// Always is the start of what has no start. It is before every instant.
	Always Instant = math.MinInt64
)

// InstantOf returns the instant of t; what is finer than a microsecond is cut off.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the instant as a time in UTC. It must not be called on Never or Always.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// String returns the instant in RFC 3339, in UTC, with no more decimals than it has.
func (i Instant) String() string {
	switch i {
	case Never:
		return "never"
	case Always:
		return "always"
	}
	return i.Time().Format(time.RFC3339Nano)
}
