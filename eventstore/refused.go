// This file reads refused events and removes them.

package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// RefusedRetention is how long a refused event is kept.
const RefusedRetention = 30 * 24 * time.Hour

// listed is the condition under which a refused event is in the list: not once
// it was sent again and recorded. One that was refused for another content
// under its identity isn't recorded by the event that was there before it.
const listed = `NOT EXISTS (SELECT 1 FROM events e WHERE e.identity = r.retry_identity
	AND NOT (r.reason = 'conflict' AND r.retry_identity = r.identity))`

const selectRefused = `SELECT r.id, r.stream, r.sequence, r.received_at, r.reason, r.time, r.type,
	r.wrapping_key, r.row_key, r.sealed FROM refused r WHERE `

// Refused returns a page of the refused events, the latest first, and the Before
// of the next page, 0 on the last.
func (s *Store) Refused(ctx context.Context, q RefusedQuery) (events []RefusedEvent, next int64, err error) {
	if q.Limit < 1 {
		return nil, 0, errors.New("read refused events: the limit isn't positive")
	}
	where, args := listed, []any{}
	if q.Before > 0 {
		args = append(args, q.Before)
		where += fmt.Sprintf(" AND r.id < $%d", len(args))
	}
	if q.Reason != "" {
		args = append(args, string(q.Reason))
		where += fmt.Sprintf(" AND r.reason = $%d", len(args))
	}
	args = append(args, q.Limit+1)
	where += fmt.Sprintf(" ORDER BY r.id DESC LIMIT $%d", len(args))
	events, err = s.readRefused(ctx, where, args...)
	if err != nil {
		return nil, 0, err
	}
	if len(events) > q.Limit {
		events = events[:q.Limit]
		next = events[q.Limit-1].ID
	}
	return events, next, nil
}

// RefusedEvent returns one refused event; false where it isn't in the list (any
// more).
func (s *Store) RefusedEvent(ctx context.Context, id int64) (RefusedEvent, bool, error) {
	events, err := s.readRefused(ctx, listed+" AND r.id = $1", id)
	if err != nil || len(events) == 0 {
		return RefusedEvent{}, false, err
	}
	return events[0], true, nil
}

// A refusedRow is a row of refused.
type refusedRow struct {
	RefusedEvent
	stream   string
	sequence int64
	typ      []byte
	wrapping sql.NullInt64
	key      []byte
	sealed   []byte
}

func (s *Store) readRefused(ctx context.Context, where string, args ...any) ([]RefusedEvent, error) {
	var events []RefusedEvent
	err := vault.Reread(func() error {
		rows, err := s.readRefusedRows(ctx, where, args)
		if err == nil {
			events, err = s.openRefusedRows(ctx, rows)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read refused events: %w", err)
	}
	return events, nil
}

func (s *Store) openRefusedRows(ctx context.Context, rows []refusedRow) ([]RefusedEvent, error) {
	events := make([]RefusedEvent, len(rows))
	for i := range rows {
		if err := s.openRefused(ctx, &rows[i]); err != nil {
			return nil, fmt.Errorf("the event %d: %w", rows[i].ID, err)
		}
		events[i] = rows[i].RefusedEvent
	}
	return events, nil
}

func (s *Store) readRefusedRows(ctx context.Context, where string, args []any) ([]refusedRow, error) {
	rows, err := s.db.SQL().QueryContext(ctx, selectRefused+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []refusedRow
	for rows.Next() {
		var r refusedRow
		var received sqldb.Micros
		var at *sqldb.Micros
		if err := rows.Scan(&r.ID, &r.stream, &r.sequence, &received, &r.Reason, &at, &r.typ, &r.wrapping, &r.key, &r.sealed); err != nil {
			return nil, err
		}
		r.ReceivedAt, r.Time = domain.Instant(received), (*domain.Instant)(at)
		found = append(found, r)
	}
	return found, rows.Err()
}

// The messages of events of which nothing else is kept.
const (
	erasedMessage = "the user was erased"
	// takenMessage is that of an event that was to make a user who is there.
	// Other conflicts go with their user.
	takenMessage = "there is a user of this id already"
	// bareMessage stands where it was refused for another reason.
	bareMessage = "nothing more is kept of it, since the user was erased"
)

func messageOfBare(reason domain.Reason) string {
	switch reason {
	case domain.Erased:
		return erasedMessage
	case domain.Conflict:
		return takenMessage
	}
	return bareMessage
}

// openRefused decrypts what was kept of a refused event.
func (s *Store) openRefused(ctx context.Context, r *refusedRow) error {
	if r.typ != nil {
		text := string(r.typ)
		r.Type = &text
	}
	if r.sealed == nil {
		r.Message = messageOfBare(r.Reason)
		return nil
	}
	row := vault.SealedRow{WrappingKey: int(r.wrapping.Int64), Key: r.key, Sealed: r.sealed}
	d, err := s.openDetails(ctx, row, r.stream, uint64(r.sequence))
	if err != nil {
		return err
	}
	r.Message, r.Body = d.message, d.body
	if d.subject != "" {
		r.Subject = &d.subject
	}
	return nil
}

// MarkRetried notes that a refused event is sent again as the event of that
// source and id: once it is recorded, the refused one leaves the list. False
// where it isn't there.
func (s *Store) MarkRetried(ctx context.Context, id int64, source, eventID string) (bool, error) {
	identity := s.vault.Identity(source, eventID)
	found, err := s.changeRefused(ctx, "UPDATE refused SET retry_identity = $1 WHERE id = $2", identity[:], id)
	return found > 0, err
}

// DeleteRefused removes a refused event. False where it isn't there.
func (s *Store) DeleteRefused(ctx context.Context, id int64) (bool, error) {
	found, err := s.changeRefused(ctx, "DELETE FROM refused WHERE id = $1", id)
	return found > 0, err
}

// PurgeRefused removes the refused events that were received longer than
// [RefusedRetention] ago and those that have been recorded since, and returns
// how many.
func (s *Store) PurgeRefused(ctx context.Context) (int64, error) {
	expired := s.now() - domain.Instant(RefusedRetention.Microseconds())
	n, err := s.changeRefused(ctx, "DELETE FROM refused WHERE received_at < $1", sqldb.Micros(expired))
	if err != nil {
		return n, err
	}
	recorded, err := s.changeRefused(ctx, `DELETE FROM refused WHERE id IN
		(SELECT r.id FROM refused r WHERE r.retry_identity IS NOT NULL AND NOT `+listed+")")
	return n + recorded, err
}

// changeRefused runs a statement that changes refused events and returns how
// many it changed.
func (s *Store) changeRefused(ctx context.Context, statement string, args ...any) (int64, error) {
	n, err := s.db.Change(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("change refused events: %w", err)
	}
	return n, nil
}
