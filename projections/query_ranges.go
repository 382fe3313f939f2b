// This file lists users by a range of the one instant (registered_at or
// updated_at) in the order of the other. The users of such a range stand
// nowhere together in that order, and where they stand may be anywhere: a walk
// in the order may pass over all others first. So they are taken in two parts.
// Of those whose two instants are the same, the range is one of the order too.
// The others stand in buckets: those of one status whose instant lies in the same
// 2^40 microseconds, a little under 13 days. In a bucket they stand in the order
// of the other instant, and in a range are few buckets whatever the number of
// users. Within a bucket that the range takes in only partly, the others are
// passed over.

package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// bucketBits is how many bits of an instant don't tell which bucket it is in. The
// schema's indexes have it too.
const bucketBits = 40

// earliest is before every instant of an event: the year 0 is the first that can
// be written.
const earliest domain.Instant = -62_167_219_200_000_000

// An otherRange is a range of the instant that a list isn't sorted by.
type otherRange struct {
	column   string
	from, to *domain.Instant
}

// rangeOf returns the range of a column; nil for all of it.
func rangeOf(column string, from, to *domain.Instant) *otherRange {
	if from == nil && to == nil {
		return nil
	}
	return &otherRange{column, from, to}
}

// conditions are those of lying in the range.
func (r *otherRange) conditions() []condition { return between("u."+r.column, r.from, r.to) }

// on puts the range on sources whose users are picked.
func (r *otherRange) on(sources []source) []source {
	for i := range sources {
		for _, c := range r.conditions() {
			sources[i].conditions = join(sources[i].conditions, unindexed(c))
		}
	}
	return sources
}

// different is the condition of having two instants that aren't the same, or
// only one of them.
const different = "u.updated_at IS DISTINCT FROM u.registered_at"

// sourcesInRange returns where users of a range come from, by the statuses of
// their rows.
func (s *snapshot) sourcesInRange(ctx context.Context, l *listing, r *otherRange, status *statusFilter) ([]source, error) {
	var sources []source
	conditions := append(r.conditions(), status.others...)
	for _, row := range status.rows() {
		sources = append(sources, source{table: s.sameInstants(l), conditions: join(conditions, hasStatus(row))})
	}
	b := s.newBuckets(l, r)
	if err := b.find(ctx, s, status.rows()); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	if len(b.found) > 0 {
		sources = append(sources, source{buckets: b, conditions: conditions})
	}
	return sources, nil
}

// sameInstants selects those whose two instants are the same: updated_at is
// registered_at under its other name, so that whatever is said of the one may be
// looked up by the index that has the other.
func (s *snapshot) sameInstants(l *listing) string {
	return "(SELECT user_key, id, first_event_at, registered_at, registered_at AS updated_at, search_name, search_email, search_id," +
		" status, status_from, status_until FROM users" + s.indexedBy("users_same_"+l.direction()) +
		" WHERE id IS NOT NULL AND updated_at = registered_at)"
}

// indexedBy tells SQLite which index to use; the other engine needs no telling.
func (s *snapshot) indexedBy(index string) string {
	if s.d.Name == sqldb.Postgres {
		return ""
	}
	return " INDEXED BY " + index
}

// direction ends the names of the indexes in the listing's order.
func (l *listing) direction() string {
	if l.descending {
		return "down"
	}
	return "up"
}

// buckets are the buckets that a range reaches into.
type buckets struct {
	d  *sqldb.Dialect
	of *otherRange
	// start says, in SQL, where the bucket of a user's instant begins, and index
	// names the index that has the users of a bucket in the list's order.
	start string
	index string
	found []bucket
}

// A bucket is users of one status whose instants lie in the 2^bucketBits
// microseconds from start on.
type bucket struct {
	status Status
	start  domain.Instant
}

func (s *snapshot) newBuckets(l *listing, r *otherRange) *buckets {
	c := &buckets{d: s.d, of: r, index: s.indexedBy("users_different_" + strings.TrimSuffix(l.column, "_at") + "_" + l.direction())}
	if s.d.Name == sqldb.Postgres {
		c.start = "date_bin('1099511.627776 seconds', u." + r.column + ", '0002-12-16 04:12:22.289408+00 BC')"
	} else {
		c.start = fmt.Sprintf("(u.%s >> %d)", r.column, bucketBits)
	}
	return c
}

// bucketStart is the first instant of the bucket that an instant is in.
func bucketStart(i domain.Instant) domain.Instant { return i >> bucketBits << bucketBits }

// arg adds the start of a bucket as an argument, as the engine has it.
func (c *buckets) arg(q *statement, start domain.Instant) string {
	if c.d.Name == sqldb.Postgres {
		return q.instant(start)
	}
	return q.arg(int64(start >> bucketBits))
}

// find finds the buckets of some statuses that the range reaches into and that
// have users, each by one look into the index.
func (c *buckets) find(ctx context.Context, s *snapshot, statuses []Status) error {
	for _, status := range statuses {
		q := &statement{}
		row := q.arg(string(status))
		next := func(condition string) string {
			return "(SELECT " + c.start + " FROM users u" + c.index + " WHERE u.id IS NOT NULL AND " + different +
				" AND u.status = " + row + " AND " + condition + " ORDER BY " + c.start + " LIMIT 1)"
		}
		from, last := earliest, ""
		if c.of.from != nil {
			from = *c.of.from
		}
		first := c.start + " >= " + c.arg(q, bucketStart(from))
		if c.of.to != nil {
			last = " AND n.start <= " + c.arg(q, bucketStart(*c.of.to-1))
		}
		q.write("WITH RECURSIVE n(start) AS (SELECT ", next(first), " UNION ALL SELECT ", next(c.start+" > n.start"),
			" FROM n WHERE n.start IS NOT NULL", last, ") SELECT n.start FROM n WHERE n.start IS NOT NULL", last)
		err := s.each(ctx, q, func(row scanner) error {
			start, err := c.scanStart(row)
			c.found = append(c.found, bucket{status, start})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *buckets) scanStart(row scanner) (domain.Instant, error) {
	if c.d.Name == sqldb.Postgres {
		var start sqldb.Micros
		err := row.Scan(&start)
		return domain.Instant(start), err
	}
	var start int64
	err := row.Scan(&start)
	return domain.Instant(start << bucketBits), err
}

// write writes the statement that selects the first users of the buckets, in the
// list's order. The first of each say which buckets come into question: not
// more than users are wanted. From each of those as many are taken.
func (c *buckets) write(q *statement, l *listing, conditions []condition, limit int) {
	texts := []string{different}
	for _, each := range conditions {
		texts = append(texts, each(q))
	}
	from := "FROM users u" + c.index + " WHERE " + strings.Join(texts, " AND ")
	order := func(table string) string {
		direction := ""
		if l.descending {
			direction = " DESC"
		}
		return " ORDER BY " + table + "." + l.column + direction + ", " + table + ".id LIMIT "
	}
	in := func(table string) string {
		return " AND u.status = " + table + ".status AND " + c.start + " = " + table + ".start" + order("u")
	}
	wanted := q.arg(int64(limit))
	if c.d.Name == sqldb.Postgres {
		q.write("WITH heads AS MATERIALIZED (SELECT c.status, c.start FROM ", c.list(q), " c(status, start) CROSS JOIN LATERAL (SELECT u.", l.column, ", u.id ",
			from, in("c"), "1) h", order("h"), wanted, ") SELECT k.user_key, k.", l.column, ", k.id FROM heads p CROSS JOIN LATERAL (SELECT u.user_key, u.",
			l.column, ", u.id ", from, in("p"), wanted, ") k", order("k"), wanted)
		return
	}
	q.write("WITH heads AS MATERIALIZED (SELECT c.status, c.start FROM ", c.list(q), " c CROSS JOIN users h WHERE h.rowid = (SELECT u.rowid ",
		from, in("c"), "1)", order("h"), wanted, ") SELECT k.user_key, k.", l.column, ", k.id FROM heads p CROSS JOIN users k WHERE k.rowid IN (SELECT u.rowid ",
		from, in("p"), wanted, ")", order("k"), wanted)
}

// list returns the buckets as a table.
func (c *buckets) list(q *statement) string {
	if c.d.Name == sqldb.Postgres {
		statuses, starts := make([]string, len(c.found)), make([]sqldb.Micros, len(c.found))
		for i, one := range c.found {
			statuses[i], starts[i] = string(one.status), sqldb.Micros(one.start)
		}
		return "unnest(" + q.arg(statuses) + "::text[], " + q.arg(starts) + "::timestamptz[])"
	}
	pairs := make([][2]any, len(c.found))
	for i, one := range c.found {
		pairs[i] = [2]any{one.status, int64(one.start >> bucketBits)}
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		panic(err) // they are texts and numbers
	}
	return "(SELECT value ->> 0 AS status, value ->> 1 AS start FROM json_each(" + q.arg(string(text)) + "))"
}
