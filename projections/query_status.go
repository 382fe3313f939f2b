// This file is about a user's status at an instant in SQL. A row of users
// holds the status of the instants from status_from to status_until; where the
// instant asked about is another, the status is computed from access_spans.
// So it is right at every instant, and quick at those that the rows hold.

package projections

import (
	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// holds is the condition that the row of u holds the status at t.
func holds(t string) string {
	return "u.status_from <= " + t + " AND (u.status_until IS NULL OR u.status_until > " + t + ")"
}

// statusAt returns the expressions from which a computedStatus is scanned. The
// span is only looked up where the row doesn't hold the status; it is the last
// that begins at or before t.
func statusAt(t string) string {
	return "CASE WHEN " + holds(t) + " THEN u.status END, u.status_since, " +
		lastSpan("from_at", t) + ", " + lastSpan("to_at", t)
}

func lastSpan(column, t string) string {
	return "CASE WHEN " + holds(t) + " THEN NULL ELSE (SELECT s." + column +
		" FROM access_spans s WHERE s.user_key = u.user_key AND s.from_at <= " + t +
		" ORDER BY s.from_at DESC LIMIT 1) END"
}

// isAt is the condition that the status at t is the one given, whether the row
// holds it or not.
func isAt(status domain.Status, at domain.Instant) condition {
	return func(s *statement) string {
		t := s.instant(at)
		return "CASE WHEN " + holds(t) + " THEN u.status = " + s.arg(string(status)) +
			" ELSE " + spansSay(status, t) + " END"
	}
}

// oneByOne ends an EXISTS so that PostgreSQL looks up the rows of one user at a
// time, and neither makes a join of it nor reads the whole table in advance:
// users are looked at until a page is full.
const oneByOne = " LIMIT 1 OFFSET 0)"

// spansSay is the condition that the spans make the status at t the one given.
func spansSay(status domain.Status, t string) string {
	const span = "EXISTS (SELECT 1 FROM access_spans s WHERE s.user_key = u.user_key AND s.from_at <= "
	running := span + t + " AND (s.to_at IS NULL OR s.to_at > " + t + ")" + oneByOne
	begun := span + t + oneByOne
	switch status {
	case domain.StatusActive:
		return running
	case domain.StatusCanceled:
		return "(" + begun + " AND NOT " + running + ")"
	case domain.StatusRegistered:
		return "NOT " + begun
	}
	return "FALSE" // no user has any other status
}

// A computedStatus is what is scanned from statusAt's expressions.
type computedStatus struct {
	held      *string // nil where the row doesn't hold the status
	heldSince sqldb.Micros
	spanFrom  *sqldb.Micros // nil where no span has begun
	spanTo    sqldb.Micros
}

// of returns the status at t, and since when the user has it; registered is
// since when where they have never had access.
func (c *computedStatus) of(t, registered domain.Instant) (domain.Status, domain.Instant) {
	switch {
	case c.held != nil:
		return domain.Status(*c.held), domain.Instant(c.heldSince)
	case c.spanFrom == nil:
		return domain.StatusRegistered, registered
	case domain.Instant(c.spanTo) > t:
		return domain.StatusActive, domain.Instant(*c.spanFrom)
	}
	return domain.StatusCanceled, domain.Instant(c.spanTo)
}
