// This file is the database's clock, by which leases and times of grace are
// measured, so that the clocks of processes don't matter.

package projections

import (
	"strings"

	"boxoffice/internal/sqldb"
)

// A clock is how an engine tells its own time in SQL, in its type of instants.
type clock struct {
	now string
	// shifted adds the microseconds of a parameter to now; sign is + or -.
	shifted string
}

func clockOf(d *sqldb.Dialect) clock {
	if d.Name == sqldb.Postgres {
		return clock{
			now:     "clock_timestamp()",
			shifted: "clock_timestamp() {sign} CAST({p} AS bigint) * interval '1 microsecond'",
		}
	}
	now := "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
	return clock{now: now, shifted: now + " {sign} {p}"}
}

func (c clock) later(parameter string) string {
	return strings.NewReplacer("{sign}", "+", "{p}", parameter).Replace(c.shifted)
}

func (c clock) earlier(parameter string) string {
	return strings.NewReplacer("{sign}", "-", "{p}", parameter).Replace(c.shifted)
}
