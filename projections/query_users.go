// This file answers the list of users, page by page or whole, and the numbers
// of users of each status.

package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

var errLimit = errors.New("a page has at least one row")

// ErrCursor is the error of a cursor that no page of any list has given.
var ErrCursor = errors.New("the cursor isn't one of this list")

// Users returns one page of the list of users as it is at q.At: those whose first
// event is at or before it, with the status that they have then. At instants
// near to now it takes time in proportion to the page; at others, and with a
// query, in proportion to the number of users.
func (r *Reader) Users(ctx context.Context, q UsersQuery) (UsersPage, error) {
	var page UsersPage
	if err := checkUserCursor(q.After); err != nil {
		return page, err
	}
	err := r.read(ctx, func(s *snapshot) error {
		page = UsersPage{Position: s.Position}
		l, err := s.userListing(ctx, &q)
		if err != nil {
			return err
		}
		page.Users, page.Next, err = s.page(ctx, l, q.At, q.After, q.Limit)
		return err
	})
	return page, err
}

// A UserList is the whole list of users at one position of the log.
type UserList struct {
	Position eventstore.Position
	TimeZone string

	// Users yields the users in order. It can be gone through several times,
	// and is the same each time; it ends at the first error.
	Users iter.Seq2[*User, error]
	// CustomKeys returns the keys of custom that the users of the list have,
	// sorted as bytes; where there are more than limit, any limit of them.
	CustomKeys func(limit int) ([]string, error)
}

// AllUsers hands the whole list of users that q asks for to f, all of one
// moment and in bounded memory; q.After and q.Limit play no part. The list is
// good until f returns.
func (r *Reader) AllUsers(ctx context.Context, q UsersQuery, f func(*UserList) error) error {
	return r.read(ctx, func(s *snapshot) error {
		l, err := s.userListing(ctx, &q)
		if err != nil {
			return err
		}
		if err := s.handOut(ctx, "users", "access_spans"); err != nil {
			return err
		}
		keys := func(limit int) ([]string, error) { return s.customKeys(ctx, &q, limit) }
		return f(&UserList{Position: s.Position, TimeZone: s.TimeZone, Users: s.wholeUsers(ctx, &q, l), CustomKeys: keys})
	})
}

// UserCounts returns the numbers of users of each status at an instant.
func (r *Reader) UserCounts(ctx context.Context, at domain.Instant) (UserCounts, error) {
	var counts UserCounts
	err := r.read(ctx, func(s *snapshot) error {
		figures, err := s.totals(ctx, at,
			domain.CounterUsersRegistered, domain.CounterUsersActive, domain.CounterUsersCanceled)
		if err != nil {
			return fmt.Errorf("count users: %w", err)
		}
		counts = UserCounts{
			Registered: figures[domain.CounterUsersRegistered],
			Active:     figures[domain.CounterUsersActive],
			Canceled:   figures[domain.CounterUsersCanceled],
			Position:   s.Position,
		}
		return nil
	})
	return counts, err
}

// checkUserCursor refuses a cursor that the engines couldn't take.
func checkUserCursor(c *UserCursor) error {
	if c != nil && !isText(c.ID) {
		return ErrCursor
	}
	return nil
}

// isText says whether an engine takes s as a text. What it doesn't take stands
// in no column.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// userListing finds the way to the users that q asks for.
func (s *snapshot) userListing(ctx context.Context, q *UsersQuery) (*listing, error) {
	f := &q.Filter
	l := &listing{descending: q.Sort != ByRegisteredAsc && q.Sort != ByUpdatedAsc}
	registered := between("u.registered_at", f.RegisteredFrom, f.RegisteredTo)
	updated := between("u.updated_at", f.UpdatedFrom, f.UpdatedTo)
	var bounds []condition // on the column that the list is sorted by
	var other *otherRange
	switch q.Sort {
	case ByRegisteredAsc, ByRegisteredDesc, "":
		l.column, bounds = "registered_at", registered
		other = rangeOf("updated_at", f.UpdatedFrom, f.UpdatedTo)
	case ByUpdatedAsc, ByUpdatedDesc:
		l.column, bounds = "updated_at", updated
		other = rangeOf("registered_at", f.RegisteredFrom, f.RegisteredTo)
	default:
		return nil, fmt.Errorf("list users: there is no order %q", q.Sort)
	}
	l.missing = len(bounds) == 0
	l.parts = l.partsAt(q.At, bounds)
	common := []condition{compared("u.first_event_at", "<=", q.At)}
	if f.Query != "" {
		common = append(common, s.contains(f.Query))
	}
	status, rest, err := s.byStatus(ctx, q, common)
	switch {
	case err != nil:
		return nil, err
	case other == nil:
		l.sources = []source{{conditions: status.conditions()}}
	default:
		l.parts = [][]condition{bounds}
		if l.sources, err = s.sourcesInRange(ctx, l, other, status); err != nil {
			return nil, err
		}
		rest = other.on(rest)
	}
	l.sources = append(l.sources, rest...)
	return l, nil
}

// knownBefore is the condition of those of whom something was known before they
// registered. It has an index of its own.
const knownBefore = "u.first_event_at < u.registered_at"

// partsAt divides a list that is walked so that as few as possible are passed
// over who aren't there yet: of those who registered later, only those of whom
// something was known before can be.
func (l *listing) partsAt(at domain.Instant, bounds []condition) [][]condition {
	if l.column != "registered_at" || !l.descending {
		return [][]condition{bounds}
	}
	with := func(more ...condition) []condition { return slices.Concat(bounds, more) }
	return [][]condition{
		with(compared("u.registered_at", ">", at), always(knownBefore)),
		with(compared("u.registered_at", "<=", at)),
	}
}

// A statusFilter is how users of a status, or of any, are taken from the rows.
type statusFilter struct {
	// row is the status that a row has; empty for any.
	row Status
	// others are the other conditions.
	others []condition
}

// conditions returns all of the filter's conditions.
func (f *statusFilter) conditions() []condition {
	if f.row == "" {
		return f.others
	}
	return join(f.others, hasStatus(f.row))
}

// rows returns the statuses that rows may have.
func (f *statusFilter) rows() []Status {
	if f.row != "" {
		return []Status{f.row}
	}
	return []Status{domain.StatusRegistered, domain.StatusActive, domain.StatusCanceled}
}

// hasStatus is the condition that a row has a status, be it for which instants.
func hasStatus(status Status) condition {
	return func(s *statement) string { return "u.status = " + s.arg(string(status)) }
}

// byStatus takes the users of a status by index from the rows that hold the
// status at the instant, and looks at each of the others, where those are few:
// rest is where they come from. Where they aren't, it looks at each user.
func (s *snapshot) byStatus(ctx context.Context, q *UsersQuery, common []condition) (filter *statusFilter, rest []source, err error) {
	if q.Filter.Status == "" {
		return &statusFilter{others: common}, nil, nil
	}
	later, earlier := notHolding(q.At)
	n, err := s.countUpTo(ctx, later, s.few+1)
	if err == nil && n <= s.few {
		var m int
		m, err = s.countUpTo(ctx, earlier, s.few+1)
		n += m
	}
	switch {
	case err != nil:
		return nil, nil, err
	case n > s.few:
		return &statusFilter{others: withStatus(common, q)}, nil, nil
	case n > 0:
		picked := func(s *statement) string { return later.keys(s) + " UNION ALL " + earlier.keys(s) }
		rest = []source{{picked: picked, most: n, conditions: withStatus(common, q)}}
	}
	held := func(s *statement) string { return holds(s.instant(q.At)) }
	return &statusFilter{row: q.Filter.Status, others: join(common, held)}, rest, nil
}

// notHolding picks the users whose row doesn't hold their status at an
// instant: it holds that of a later one, or that of an earlier one.
func notHolding(at domain.Instant) (later, earlier pick) {
	return pick{"status_terms", "from_at", []condition{compared("u.from_at", ">", at)}},
		pick{"status_terms", "until_at", []condition{compared("u.until_at", "<=", at)}}
}

// withStatus adds the filter by status.
func withStatus(conditions []condition, q *UsersQuery) []condition {
	if q.Filter.Status == "" {
		return conditions
	}
	return join(conditions, isAt(q.Filter.Status, q.At))
}

// join returns a slice of its own with c at the end.
func join(conditions []condition, c condition) []condition {
	return append(conditions[:len(conditions):len(conditions)], c)
}

// A pick is the users to whom conditions on a column of a table apply.
type pick struct {
	table      string
	column     string
	conditions []condition
}

// keys selects the users' keys.
func (p pick) keys(q *statement) string {
	texts := make([]string, len(p.conditions))
	for i, c := range p.conditions {
		texts[i] = c(q)
	}
	return "SELECT u.user_key FROM " + p.table + " u WHERE " + strings.Join(texts, " AND ")
}

// countUpTo counts the users of a pick, but no further than to limit. It counts
// in the column's order: out of order, PostgreSQL might come across the first
// of them at the end of the table.
func (s *snapshot) countUpTo(ctx context.Context, p pick, limit int) (int, error) {
	q := &statement{}
	q.write("SELECT COUNT(*) FROM (", p.keys(q), " ORDER BY u.", p.column, " LIMIT ", q.arg(int64(limit)), ") n")
	var n int
	if err := s.tx.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

// between returns the conditions that a column lies in [from, to).
func between(column string, from, to *domain.Instant) []condition {
	var conditions []condition
	if from != nil {
		conditions = append(conditions, compared(column, ">=", *from))
	}
	if to != nil {
		conditions = append(conditions, compared(column, "<", *to))
	}
	return conditions
}

// unindexed keeps an engine from looking for an index for a condition that
// begins with a column: it has been found to apply to many, and the walk in
// the list's order is the way.
func unindexed(c condition) condition {
	return func(s *statement) string {
		column, rest, _ := strings.Cut(c(s), " ")
		return "COALESCE(" + column + ", " + column + ") " + rest
	}
}

// contains is the condition that the name, the e-mail or the id of a user
// contains the text, after Unicode case folding.
func (s *snapshot) contains(text string) condition {
	if !isText(text) {
		return always("FALSE")
	}
	find := "instr("
	if s.d.Name == sqldb.Postgres {
		find = "strpos("
	}
	return func(q *statement) string {
		in := ", " + q.arg(foldCase(text)) + ") > 0"
		return "(" + find + "u.search_name" + in + " OR " + find + "u.search_email" + in + " OR " + find + "u.search_id" + in + ")"
	}
}
