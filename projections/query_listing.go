// This file walks users in an order, a page at a time: first the keys of a
// page, found by index where the question allows it, then the rows of those.

package projections

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A listing is a set of users in an order.
type listing struct {
	column     string // of users, by which they are sorted; then by id
	descending bool
	// parts divide those who have the column into consecutive parts of the
	// order, each with its conditions.
	parts [][]condition
	// missing says that those who don't have the column are in it, at the end.
	missing bool
	// sorted says that the users come from few rows that are sorted, and not
	// out of an index in the listing's order. There is one part then.
	sorted bool
	// sources are disjoint, and make up the set between them.
	sources []source
}

// A source is where users come from.
type source struct {
	// table has the columns user_key, id, and the listing's; users where it is
	// empty.
	table string
	// picked selects the keys of the users to look at, of whom there are at most
	// most. Nil means that the users are walked in the listing's order instead.
	picked condition
	most   int
	// buckets, where they aren't nil, are the only ones that are walked, each by
	// itself.
	buckets    *buckets
	conditions []condition
}

// A keyset is what a listing is sorted by, of one user.
type keyset struct {
	user sqldb.UUID
	key  *sqldb.Micros
	id   string
}

// cursor is the keyset cursor after which the users behind this one come; nil
// where this is nil.
func (k *keyset) cursor() *UserCursor {
	if k == nil {
		return nil
	}
	return &UserCursor{Key: (*domain.Instant)(k.key), ID: k.id}
}

// ranges divides what comes after a cursor into consecutive parts, each of
// which is a range of an index: those who tie with the cursor, those
// behind it, and those without the column, who are last. Neither engine would
// find its way in an index by a single condition for all of it.
func (l *listing) ranges(after *UserCursor) [][]condition {
	if l.sorted {
		return [][]condition{l.rest(after)}
	}
	column := "u." + l.column
	missing := []condition{always(column + " IS NULL")}
	behind := ">"
	if l.descending {
		behind = "<"
	}
	var heads [][]condition
	switch {
	case after == nil:
		heads = [][]condition{{always(column + " IS NOT NULL")}}
	case after.Key == nil:
		missing = append(missing, idAfter(after.ID))
	default:
		heads = [][]condition{
			{compared(column, "=", *after.Key), idAfter(after.ID)},
			{compared(column, behind, *after.Key)},
		}
	}
	var ranges [][]condition
	for _, head := range heads {
		for _, part := range l.parts {
			ranges = append(ranges, slices.Concat(head, part))
		}
	}
	if l.missing {
		ranges = append(ranges, missing)
	}
	return ranges
}

// rest returns the conditions of all that comes after a cursor.
func (l *listing) rest(after *UserCursor) []condition {
	column := "u." + l.column
	rest := slices.Clone(l.parts[0])
	switch {
	case after == nil:
	case after.Key == nil:
		rest = append(rest, always(column+" IS NULL"), idAfter(after.ID))
	default:
		rest = append(rest, func(q *statement) string {
			key := q.instant(*after.Key)
			behind := " > "
			if l.descending {
				behind = " < "
			}
			return "(" + column + behind + key + " OR " + column + " IS NULL OR " +
				column + " = " + key + " AND " + idAfter(after.ID)(q) + ")"
		})
	}
	return rest
}

func idAfter(id string) condition {
	return func(s *statement) string { return "u.id > " + s.arg(id) }
}

// keysetsIn returns the first limit keysets of one range, out of all sources.
func (s *snapshot) keysetsIn(ctx context.Context, l *listing, part []condition, limit int) ([]keyset, error) {
	var all []keyset
	for i := range l.sources {
		found, err := s.keysetsFrom(ctx, l, &l.sources[i], part, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(l.sources) > 1 {
		slices.SortFunc(all, l.compare)
	}
	return all[:min(limit, len(all))], nil
}

// compare compares two keysets of one range.
func (l *listing) compare(a, b keyset) int {
	order := 0
	if a.key != nil && b.key != nil {
		order = cmp.Compare(*a.key, *b.key)
	}
	if l.descending {
		order = -order
	}
	return cmp.Or(order, cmp.Compare(a.id, b.id))
}

func (s *snapshot) keysetsFrom(ctx context.Context, l *listing, from *source, part []condition, limit int) ([]keyset, error) {
	q := l.statement(from, part, limit)
	var found []keyset
	err := s.each(ctx, q, func(row scanner) error {
		var k keyset
		err := row.Scan(&k.user, &k.key, &k.id)
		found = append(found, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return found, nil
}

func (l *listing) statement(from *source, part []condition, limit int) *statement {
	q := &statement{}
	table := cmp.Or(from.table, "users") + " u"
	conditions := slices.Concat([]condition{always("u.id IS NOT NULL")}, from.conditions, part)
	switch {
	case from.buckets != nil:
		from.buckets.write(q, l, conditions, limit)
		return q
	case from.picked != nil:
		// The limit tells PostgreSQL how few they are, whatever it knows of the
		// tables, and CROSS JOIN tells SQLite to begin with them.
		q.write("WITH picked AS MATERIALIZED (SELECT user_key FROM (", from.picked(q), ") k LIMIT ", q.arg(int64(from.most)), ") ",
			"SELECT u.user_key, u.", l.column, ", u.id FROM picked p CROSS JOIN ", table)
		conditions = append(conditions, always("u.user_key = p.user_key"))
	default:
		q.write("SELECT u.user_key, u.", l.column, ", u.id FROM ", table)
	}
	q.where(conditions...)
	q.write(" ORDER BY ")
	if l.sorted {
		q.write("u.", l.column, " IS NULL, ")
	}
	q.write(l.order(), " LIMIT ", q.arg(int64(limit)))
	return q
}

// order returns the listing's order among those who have the column.
func (l *listing) order() string {
	if l.descending {
		return "u." + l.column + " DESC, u.id"
	}
	return "u." + l.column + ", u.id"
}

// page returns one page of a listing, with the users as they are at t.
func (s *snapshot) page(ctx context.Context, l *listing, t domain.Instant, after *UserCursor, limit int) ([]User, *UserCursor, error) {
	if limit < 1 {
		return nil, nil, errLimit
	}
	found, err := gather(l.ranges(after), limit+1, func(part []condition, limit int) ([]keyset, error) {
		return s.keysetsIn(ctx, l, part, limit)
	})
	if err != nil {
		return nil, nil, err
	}
	found, last := pageOf(found, limit)
	users, err := s.usersAt(ctx, found, t)
	return users, last.cursor(), err
}

// usersAt returns the users of keysets as they are at t.
func (s *snapshot) usersAt(ctx context.Context, of []keyset, t domain.Instant) ([]User, error) {
	users := make([]User, len(of))
	index := make(map[sqldb.UUID]int, len(of))
	keys := make([]sqldb.UUID, len(of))
	for i := range of {
		keys[i] = of[i].user
		index[of[i].user] = i
	}
	for chunk := range slices.Chunk(keys, sqldb.MaxKeys) {
		if err := readUsers(ctx, s, "u.user_key", chunk, t, func(key sqldb.UUID, u *User) { users[index[key]] = *u }); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// readUsers reads the users who aren't erased and have one of keys in a column.
func readUsers[K any](ctx context.Context, s *snapshot, column string, keys []K, t domain.Instant, each func(sqldb.UUID, *User)) error {
	q := &statement{}
	q.write("SELECT u.user_key, ", userColumns(q.instant(t)), " FROM users u WHERE u.id IS NOT NULL AND ")
	in, args := sqldb.In(s.d, column, len(q.args)+1, keys)
	q.write(in)
	q.args = append(q.args, args...)
	err := s.each(ctx, q, func(row scanner) error {
		var key sqldb.UUID
		u, err := scanUser(row, t, &key)
		if err == nil {
			each(key, u)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	return nil
}

// userColumns returns the columns of users u from which scanUser makes a user.
func userColumns(t string) string {
	return "u.id, u.first_event_at, u.registered_at, u.updated_at, " +
		"u.email, u.first_name, u.last_name, u.locale, u.country, u.platform, u.custom, " + statusAt(t)
}

// scanUser scans the columns before userColumns into dest, and those into a user.
func scanUser(row scanner, t domain.Instant, dest ...any) (*User, error) {
	var u User
	var first sqldb.Micros
	var registered, updated *sqldb.Micros
	var status computedStatus
	var custom []byte
	p := &u.Profile
	err := row.Scan(append(dest, &u.ID, &first, &registered, &updated,
		&p.Email, &p.FirstName, &p.LastName, &p.Locale, &p.Country, &p.Platform, &custom,
		&status.held, &status.heldSince, &status.spanFrom, &status.spanTo)...)
	if err != nil {
		return nil, err
	}
	p.Custom = bytes.Clone(custom)
	u.RegisteredAt, u.UpdatedAt = (*domain.Instant)(registered), (*domain.Instant)(updated)
	since := domain.Instant(first)
	if u.RegisteredAt != nil {
		since = *u.RegisteredAt
	}
	u.Status, u.StatusSince = status.of(t, since)
	return &u, nil
}
