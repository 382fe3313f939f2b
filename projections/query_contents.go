// This file answers what was viewed, by one user and by all.

package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// UserContents returns what a user viewed in the sessions that began from one
// instant on and before another, nil for no bound: what was viewed last comes
// first, then by content_id. The error is ErrNoUser where there is no such
// user. The position is that of the answer.
func (r *Reader) UserContents(ctx context.Context, id string, from, to *domain.Instant) ([]Content, eventstore.Position, error) {
	var contents []Content
	var position eventstore.Position
	err := r.read(ctx, func(s *snapshot) error {
		position = s.Position
		key, err := s.userKey(ctx, id)
		if err != nil {
			return err
		}
		contents, err = s.userContents(ctx, key, between("s.started_at", from, to))
		if err != nil {
			return fmt.Errorf("what a user viewed: %w", err)
		}
		return nil
	})
	return contents, position, err
}

// userContents takes up a user's sessions a content at a time.
func (s *snapshot) userContents(ctx context.Context, user sqldb.UUID, period []condition) ([]Content, error) {
	q := &statement{}
	q.write("SELECT s.session_id, s.content_id, s.facts FROM sessions s")
	q.where(append([]condition{func(q *statement) string { return "s.user_key = " + q.arg(user) }}, period...)...)
	q.write(" ORDER BY s.content_id")
	var contents []Content
	var sessions []*domain.SessionFacts // of one content
	err := s.each(ctx, q, func(row scanner) error {
		f, err := scanSessionFacts(row)
		if err != nil {
			return err
		}
		if len(sessions) > 0 && sessions[0].ContentID() != f.ContentID() {
			contents = append(contents, contentOf(sessions))
			sessions = sessions[:0]
		}
		sessions = append(sessions, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(sessions) > 0 {
		contents = append(contents, contentOf(sessions))
	}
	slices.SortFunc(contents, func(a, b Content) int {
		return cmp.Or(cmp.Compare(b.LastEventAt, a.LastEventAt), cmp.Compare(a.ContentID, b.ContentID))
	})
	return contents, nil
}

// scanSessionFacts scans session_id, content_id and facts.
func scanSessionFacts(row scanner) (*domain.SessionFacts, error) {
	var session, content string
	var encoded []byte
	if err := row.Scan(&session, &content, &encoded); err != nil {
		return nil, err
	}
	return domain.DecodeSessionFacts(session, content, encoded)
}

// contentOf sums one user's sessions of one content.
func contentOf(sessions []*domain.SessionFacts) Content {
	v := domain.ViewedContent(sessions)
	return Content{
		ContentID: v.ContentID, Title: v.Title, Sessions: v.Sessions, Users: 1,
		DurationMS: v.DurationMS, WatchedMS: v.WatchedMS, ContentLengthMS: v.ContentLengthMS,
		CompletionRate: v.CompletionRate, FirstStartedAt: v.FirstStartedAt, LastEventAt: v.LastEventAt,
	}
}

// Contents returns one page of what all users viewed in the sessions that began
// from one instant on and before another, nil for no bound: the content with
// the most sessions comes first, then by content_id. Sessions of erased users
// count like any other. It takes time in proportion to the number of sessions.
func (r *Reader) Contents(ctx context.Context, from, to *domain.Instant, after *ContentCursor, limit int) (ContentsPage, error) {
	var page ContentsPage
	if limit < 1 {
		return page, errLimit
	}
	if after != nil && !isText(after.ContentID) {
		return page, ErrCursor
	}
	err := r.read(ctx, func(s *snapshot) error {
		page = ContentsPage{Position: s.Position}
		period := between("s.started_at", from, to)
		cursors, err := s.mostViewed(ctx, period, after, limit+1)
		if err != nil {
			return fmt.Errorf("list contents: %w", err)
		}
		cursors, page.Next = pageOf(cursors, limit)
		page.Contents, err = s.contents(ctx, period, cursors)
		if err != nil {
			return fmt.Errorf("sum the viewing of contents: %w", err)
		}
		return nil
	})
	return page, err
}

// Content returns what all users viewed of one content in the sessions that began
// from one instant on and before another, nil for no bound; false where there is
// no such session. It takes time in proportion to the content's sessions.
func (r *Reader) Content(ctx context.Context, id string, from, to *domain.Instant) (c Content, found bool, position eventstore.Position, err error) {
	if !isText(id) {
		return c, false, 0, nil
	}
	err = r.read(ctx, func(s *snapshot) error {
		position = s.Position
		period := between("s.started_at", from, to)
		q := &statement{}
		q.write("SELECT COUNT(*) FROM sessions s")
		q.where(append([]condition{func(q *statement) string { return "s.content_id = " + q.arg(id) }}, period...)...)
		var n int64
		if err := s.tx.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&n); err != nil || n == 0 {
			return err
		}
		found = true
		var err error
		c, err = s.content(ctx, id, period)
		return err
	})
	if err != nil {
		err = fmt.Errorf("sum the viewing of a content: %w", err)
	}
	return c, found, position, err
}

// mostViewed returns the contents that come next, with their number of sessions.
func (s *snapshot) mostViewed(ctx context.Context, period []condition, after *ContentCursor, limit int) ([]ContentCursor, error) {
	q := &statement{}
	q.write("SELECT s.content_id, COUNT(*) AS n FROM sessions s")
	if len(period) > 0 {
		q.where(period...)
	}
	q.write(" GROUP BY s.content_id")
	if after != nil {
		n := q.arg(after.Sessions)
		q.write(" HAVING COUNT(*) < ", n, " OR (COUNT(*) = ", n, " AND s.content_id > ", q.arg(after.ContentID), ")")
	}
	q.write(" ORDER BY n DESC, s.content_id LIMIT ", q.arg(int64(limit)))
	var found []ContentCursor
	err := s.each(ctx, q, func(row scanner) error {
		var c ContentCursor
		err := row.Scan(&c.ContentID, &c.Sessions)
		found = append(found, c)
		return err
	})
	return found, err
}

// contents sums the sessions of each of the contents.
func (s *snapshot) contents(ctx context.Context, period []condition, of []ContentCursor) ([]Content, error) {
	contents := make([]Content, len(of))
	for i, c := range of {
		var err error
		if contents[i], err = s.content(ctx, c.ContentID, period); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

func (s *snapshot) content(ctx context.Context, id string, period []condition) (Content, error) {
	c := Content{ContentID: id}
	of := append([]condition{func(q *statement) string { return "s.content_id = " + q.arg(id) }}, period...)
	if err := s.sumContent(ctx, &c, of); err != nil {
		return c, err
	}
	var err error
	if c.Title, err = latest[string](ctx, s, "title", of); err != nil {
		return c, err
	}
	if c.ContentLengthMS, err = latest[int64](ctx, s, "content_length_ms", of); err != nil {
		return c, err
	}
	c.WatchedMS, err = s.watched(ctx, of, c.ContentLengthMS)
	return c, err
}

// sumContent fills in what a statement can sum.
func (s *snapshot) sumContent(ctx context.Context, c *Content, of []condition) error {
	q := &statement{}
	q.write(`SELECT COUNT(*), COUNT(DISTINCT s.user_key), CAST(SUM(s.duration_ms) AS BIGINT),
		MIN(s.started_at), MAX(s.last_event_at),
		COUNT(s.completion_rate), CAST(COALESCE(SUM(s.completion_rate), 0) AS BIGINT) FROM sessions s`)
	q.where(of...)
	var first, last sqldb.Micros
	var rated, rates int64
	err := s.tx.QueryRowContext(ctx, q.text.String(), q.args...).
		Scan(&c.Sessions, &c.Users, &c.DurationMS, &first, &last, &rated, &rates)
	if err != nil {
		return err
	}
	c.FirstStartedAt, c.LastEventAt = domain.Instant(first), domain.Instant(last)
	if rated > 0 {
		mean := domain.RoundHalfUp(rates, rated)
		c.CompletionRate = &mean
	}
	return nil
}

// latest returns a column from the session that began last, of those that have
// it; of several that began then, from the one that is last in the order of
// sessions, in which erased users stand behind the others.
func latest[T any](ctx context.Context, s *snapshot, column string, of []condition) (*T, error) {
	q := &statement{}
	q.write("SELECT s.", column, " FROM sessions s LEFT JOIN users u ON u.user_key = s.user_key")
	q.where(append(of[:len(of):len(of)], always("s."+column+" IS NOT NULL"))...)
	q.write(" ORDER BY s.started_at DESC, s.session_id DESC, u.id IS NOT NULL, u.id DESC, s.user_key DESC LIMIT 1")
	var found *T
	err := s.each(ctx, q, func(row scanner) error {
		found = new(T)
		return row.Scan(found)
	})
	return found, err
}

// watched returns the length of the union of all that was played, cut to the
// content's length. It reads no further than until all of that was played.
func (s *snapshot) watched(ctx context.Context, of []condition, length *int64) (int64, error) {
	q := &statement{}
	q.write("SELECT s.session_id, s.content_id, s.facts FROM sessions s")
	q.where(of...)
	var played union
	err := s.each(ctx, q, func(row scanner) error {
		f, err := scanSessionFacts(row)
		if err != nil {
			return err
		}
		if played.add(f.Ranges()); played.covers(length) {
			return errEnough
		}
		return nil
	})
	return played.length(length), err
}

// A union gathers ranges and unites them now and then, so that few are held.
type union struct {
	ranges []domain.Range // the first of them are united
	united int
}

// add adds ranges.
func (u *union) add(ranges []domain.Range) {
	u.ranges = append(u.ranges, ranges...)
	if len(u.ranges) > 2*u.united+16 {
		u.unite()
	}
}

func (u *union) unite() {
	u.ranges = domain.UniteRanges(u.ranges)
	u.united = len(u.ranges)
}

// covers says whether everything up to a length is known to be in the union.
// It may be late to know.
func (u *union) covers(length *int64) bool {
	return length != nil && u.united > 0 && u.ranges[0].From == 0 && u.ranges[0].To >= *length
}

// length returns the length of the union, cut to a content's where one is given.
func (u *union) length(cut *int64) int64 {
	u.unite()
	var sum int64
	for _, r := range u.ranges {
		if cut != nil {
			r.To = min(r.To, *cut)
		}
		sum += max(0, r.To-r.From)
	}
	return sum
}
