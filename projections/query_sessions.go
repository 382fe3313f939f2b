// This file answers the lists of viewing sessions.

package projections

import (
	"context"
	"fmt"
	"iter"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// Sessions returns one page of viewing sessions, in the state that they have at
// q.At. The error is ErrNoUser where q names a user who isn't there.
func (r *Reader) Sessions(ctx context.Context, q SessionsQuery) (SessionsPage, error) {
	var page SessionsPage
	err := r.read(ctx, func(s *snapshot) error {
		page = SessionsPage{Position: s.Position}
		l, err := s.sessionListing(ctx, &q)
		if err != nil {
			return err
		}
		page.Sessions, page.Next, err = s.sessions(ctx, l, q.After, q.Limit)
		return err
	})
	return page, err
}

// A SessionList is a whole list of viewing sessions at one position of the log.
type SessionList struct {
	Position eventstore.Position
	TimeZone string

	// Sessions yields the sessions in order. It can be gone through several
	// times, and is the same each time; it ends at the first error.
	Sessions iter.Seq2[*Session, error]
}

// AllSessions hands the whole list of sessions that q asks for to f, all of one
// moment and in bounded memory; q.After and q.Limit play no part. The list is
// good until f returns.
func (r *Reader) AllSessions(ctx context.Context, q SessionsQuery, f func(*SessionList) error) error {
	return r.read(ctx, func(s *snapshot) error {
		l, err := s.sessionListing(ctx, &q)
		if err != nil {
			return err
		}
		if err := s.handOut(ctx, "sessions", "users"); err != nil {
			return err
		}
		return f(&SessionList{Position: s.Position, TimeZone: s.TimeZone, Sessions: s.wholeSessions(ctx, l)})
	})
}

// A sessionListing is a set of sessions in their order.
type sessionListing struct {
	at         domain.Instant
	ofOne      bool // all are of one user, so nothing ties but the user
	ofContent  bool
	conditions []condition
	nothing    bool // no session can be meant
	played     bool // with what was played of each
}

// index names the index that has the sessions in their order.
func (l *sessionListing) index() string {
	switch {
	case l.ofOne:
		return "sessions_user"
	case l.ofContent:
		return "sessions_content"
	}
	return "sessions_started"
}

func (s *snapshot) sessionListing(ctx context.Context, q *SessionsQuery) (*sessionListing, error) {
	l := &sessionListing{at: q.At, nothing: !isText(q.ContentID), played: q.Played}
	if q.UserID != "" {
		key, err := s.userKey(ctx, q.UserID)
		if err != nil {
			return nil, err
		}
		l.ofOne = true
		l.conditions = append(l.conditions, func(q *statement) string { return "s.user_key = " + q.arg(key) })
	}
	if q.ContentID != "" {
		l.ofContent = true
		l.conditions = append(l.conditions, func(st *statement) string { return "s.content_id = " + st.arg(q.ContentID) })
	}
	l.conditions = append(l.conditions, between("s.started_at", q.From, q.To)...)
	return l, nil
}

// sessions returns one page of sessions and the cursor of the next.
func (s *snapshot) sessions(ctx context.Context, l *sessionListing, after *SessionCursor, limit int) ([]Session, *SessionCursor, error) {
	if limit < 1 {
		return nil, nil, errLimit
	}
	if after != nil && !(isText(after.SessionID) && isText(after.ContentID) && (after.UserID == nil || isText(*after.UserID))) {
		return nil, nil, ErrCursor
	}
	if l.nothing {
		return nil, nil, nil
	}
	found, err := gather(l.ranges(after), limit+1, func(part []condition, limit int) ([]listedSession, error) {
		return s.sessionRows(ctx, l, part, limit)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list sessions: %w", err)
	}
	found, last := pageOf(found, limit)
	sessions := make([]Session, len(found))
	for i := range found {
		sessions[i] = found[i].Session
	}
	return sessions, last.cursor(), nil
}

// ranges divides what comes after a cursor into two consecutive parts, each of
// which is a range of an index: the sessions that began when the
// cursor's did, and those before.
func (l *sessionListing) ranges(c *SessionCursor) [][]condition {
	if c == nil {
		return [][]condition{l.conditions}
	}
	behind := func(q *statement) string {
		keyset := "(" + q.arg(c.SessionID) + ", " + q.arg(c.ContentID) + ")"
		if l.ofOne {
			return "(s.session_id, s.content_id) > " + keyset
		}
		return "(s.session_id, s.content_id) >= " + keyset +
			" AND ((s.session_id, s.content_id) > " + keyset + " OR " + userBehind(q, c) + ")"
	}
	same := append(l.conditions[:len(l.conditions):len(l.conditions)], compared("s.started_at", "=", c.StartedAt), behind)
	before := append(l.conditions[:len(l.conditions):len(l.conditions)], compared("s.started_at", "<", c.StartedAt))
	return [][]condition{same, before}
}

// userBehind is the condition that the user comes behind the cursor's: by id,
// then those who were erased, by key.
func userBehind(q *statement, c *SessionCursor) string {
	if c.UserID != nil {
		return "u.id > " + q.arg(*c.UserID) + " OR u.id IS NULL"
	}
	return "u.id IS NULL AND s.user_key > " + q.arg(sqldb.UUID(c.UserKey))
}

// A listedSession is a session and the key of its user.
type listedSession struct {
	Session
	user sqldb.UUID
}

// cursor is the keyset cursor after which the sessions behind this one come; nil
// where this is nil.
func (r *listedSession) cursor() *SessionCursor {
	if r == nil {
		return nil
	}
	return &SessionCursor{StartedAt: r.StartedAt, SessionID: r.SessionID, ContentID: r.ContentID,
		UserID: r.UserID, UserKey: eventstore.UserKey(r.user)}
}

// write writes the statement that selects the sessions to which conditions apply.
func (l *sessionListing) write(q *statement, index string, conditions []condition) {
	q.write(`SELECT s.session_id, s.content_id, s.title, s.started_at, s.last_event_at, s.ended,
		s.duration_ms, s.watched_ms, s.content_length_ms, s.completion_rate, s.completed, s.position_ms,
		s.device, s.platform, s.user_key, u.id`)
	if l.played {
		q.write(", s.facts")
	}
	q.write(" FROM sessions s", index, ` LEFT JOIN users u ON u.user_key = s.user_key`)
	if len(conditions) > 0 {
		q.where(conditions...)
	}
	q.write(" ORDER BY s.started_at DESC, s.session_id, s.content_id")
	if !l.ofOne {
		q.write(", u.id IS NULL, u.id, s.user_key")
	}
}

func (s *snapshot) sessionRows(ctx context.Context, l *sessionListing, part []condition, limit int) ([]listedSession, error) {
	q := &statement{}
	l.write(q, "", part)
	q.write(" LIMIT ", q.arg(int64(limit)))
	var found []listedSession
	err := s.each(ctx, q, func(row scanner) error {
		r, err := l.scan(row, s.SessionTimeout)
		found = append(found, r)
		return err
	})
	return found, err
}

// scan scans a row of the statement that write makes.
func (l *sessionListing) scan(row scanner, timeout time.Duration) (listedSession, error) {
	var r listedSession
	var started, last sqldb.Micros
	var ended bool
	var facts []byte
	into := []any{&r.SessionID, &r.ContentID, &r.Title, &started, &last, &ended,
		&r.DurationMS, &r.WatchedMS, &r.ContentLengthMS, &r.CompletionRate, &r.Completed, &r.PositionMS,
		&r.Device, &r.Platform, &r.user, &r.UserID}
	if l.played {
		into = append(into, &facts)
	}
	if err := row.Scan(into...); err != nil {
		return r, err
	}
	r.StartedAt, r.LastEventAt = domain.Instant(started), domain.Instant(last)
	r.State = domain.SessionStateAt(ended, r.LastEventAt, l.at, timeout)
	if l.played {
		f, err := domain.DecodeSessionFacts(r.SessionID, r.ContentID, facts)
		if err != nil {
			return r, fmt.Errorf("facts of a session: %w", err)
		}
		r.Played = f.Ranges()
	}
	return r, nil
}
