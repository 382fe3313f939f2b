// This file reads whole lists: row by row as one statement returns them, in the
// list's order, which is an index's, so that nothing is sorted and nothing
// gathered. Such a statement passes over all who aren't meant, so a list that may
// be small is begun page by page.

package projections

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A wholePace says how much of a whole list is read at a time.
type wholePace struct {
	// page is how many rows a page has, and pages how many of them are read first
	// where there are filters that walking through all users doesn't look up.
	page, pages int
}

var usualPace = wholePace{page: 1000, pages: 16}

// wholeUsers yields all users that q asks for.
func (s *snapshot) wholeUsers(ctx context.Context, q *UsersQuery, l *listing) iter.Seq2[*User, error] {
	walk := s.userWalk(q, l)
	pages := 1
	if f := &q.Filter; f.Status != "" || len(walk.sources[0].conditions) > 1 {
		pages = s.pace.pages
	}
	return func(yield func(*User, error) bool) {
		after := s.firstPages(ctx, l, q.At, pages, yield)
		if after == nil {
			return
		}
		for _, part := range walk.ranges(after) {
			st := &statement{}
			st.write("SELECT ", userColumns(st.instant(q.At)), " FROM users u", s.indexedBy("users_"+strings.TrimSuffix(l.column, "_at")+"_"+l.direction()))
			st.where(append(append([]condition{always("u.id IS NOT NULL")}, walk.sources[0].conditions...), part...)...)
			st.write(" ORDER BY ", walk.order())
			stopped := false
			err := s.stream(ctx, st, func(row scanner) error {
				u, err := scanUser(row, q.At)
				if err == nil && !yield(u, nil) {
					stopped, err = true, errEnough
				}
				return err
			})
			if err != nil {
				yield(nil, fmt.Errorf("list users: %w", err))
			}
			if err != nil || stopped {
				return
			}
		}
	}
}

// firstPages yields the users of the first n pages of a listing. It returns where
// the rest begins, nil where there is no rest or nobody wants it.
func (s *snapshot) firstPages(ctx context.Context, l *listing, t domain.Instant, n int, yield func(*User, error) bool) *UserCursor {
	var after *UserCursor
	for range n {
		page, next, err := s.page(ctx, l, t, after, s.pace.page)
		if err != nil {
			yield(nil, err)
			return nil
		}
		for i := range page {
			if !yield(&page[i], nil) {
				return nil
			}
		}
		if after = next; after == nil {
			return nil
		}
	}
	return after
}

// userWalk returns a listing's users as those of a walk through all users.
func (s *snapshot) userWalk(q *UsersQuery, l *listing) *listing {
	f := &q.Filter
	registered := between("u.registered_at", f.RegisteredFrom, f.RegisteredTo)
	updated := between("u.updated_at", f.UpdatedFrom, f.UpdatedTo)
	bounds, other := registered, updated
	if l.column == "updated_at" {
		bounds, other = updated, registered
	}
	conditions := []condition{compared("u.first_event_at", "<=", q.At)}
	for _, c := range other {
		conditions = append(conditions, unindexed(c))
	}
	if f.Query != "" {
		conditions = append(conditions, s.contains(f.Query))
	}
	return &listing{column: l.column, descending: l.descending, missing: l.missing, parts: [][]condition{bounds},
		sources: []source{{conditions: withStatus(conditions, q)}}}
}

// stream hands the rows of a query over as the engine finds them, until take
// fails. PostgreSQL's rows that are left over then are read and dropped, unless
// ctx has ended: the transaction goes on.
func (s *snapshot) stream(ctx context.Context, q *statement, take func(scanner) error) error {
	if s.d.Name != sqldb.Postgres {
		return s.each(ctx, q, take)
	}
	// A server that sorted everything first would keep it in files, and let the
	// client wait.
	if err := s.letSort(ctx, "off"); err != nil {
		return err
	}
	if err := s.each(ctx, q, take); err != nil {
		return err
	}
	return s.letSort(ctx, "on")
}

func (s *snapshot) letSort(ctx context.Context, setting string) error {
	return eachRow(ctx, s.tx, "SELECT set_config('enable_sort', $1, true), set_config('enable_seqscan', $1, true)", []any{setting},
		func(scanner) error { return nil })
}

// wholeSessions yields all sessions of a listing.
func (s *snapshot) wholeSessions(ctx context.Context, l *sessionListing) iter.Seq2[*Session, error] {
	return func(yield func(*Session, error) bool) {
		if l.nothing {
			return
		}
		q := &statement{}
		l.write(q, s.indexedBy(l.index()), l.conditions)
		err := s.stream(ctx, q, func(row scanner) error {
			r, err := l.scan(row, s.SessionTimeout)
			if err == nil && !yield(&r.Session, nil) {
				err = errEnough
			}
			return err
		})
		if err != nil {
			yield(nil, fmt.Errorf("list sessions: %w", err))
		}
	}
}
