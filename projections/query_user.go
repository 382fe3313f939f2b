// This file answers what is known of one user.

package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// ErrNoUser is the error of asking for what a user has viewed who isn't there.
var ErrNoUser = errors.New("there is no such user")

// User returns one user as they are at an instant, with their entitlements. It
// isn't ok where there is none of that id, before their first event, and once
// they are erased. The viewing total is whole, whatever the instant.
func (r *Reader) User(ctx context.Context, id string, at domain.Instant) (detail UserDetail, ok bool, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		detail = UserDetail{Position: s.Position}
		if !isText(id) {
			return nil
		}
		ok, err = s.detail(ctx, id, at, &detail)
		if err != nil {
			return fmt.Errorf("read a user: %w", err)
		}
		return nil
	})
	return detail, ok, err
}

func (s *snapshot) detail(ctx context.Context, id string, at domain.Instant, d *UserDetail) (bool, error) {
	q := &statement{}
	q.write("SELECT u.user_key, f.facts, ", userColumns(q.instant(at)),
		" FROM users u JOIN user_facts f ON f.user_key = u.user_key")
	q.where(func(q *statement) string { return "u.id = " + q.arg(id) }, compared("u.first_event_at", "<=", at))
	var key sqldb.UUID
	var encoded []byte
	u, err := scanUser(s.tx.QueryRowContext(ctx, q.text.String(), q.args...), at, &key, &encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	facts, err := domain.DecodeUserFacts(encoded)
	if err != nil {
		return false, err
	}
	d.User = *u
	d.Subscriptions = facts.EntitlementsAt(domain.Subscription, at, s.RenewalGrace)
	d.Rentals = facts.EntitlementsAt(domain.Rental, at, s.RenewalGrace)
	d.FreeCopies = facts.EntitlementsAt(domain.FreeCopy, at, s.RenewalGrace)
	d.Viewing, err = s.viewing(ctx, key)
	return err == nil, err
}

// viewing sums a user's sessions.
func (s *snapshot) viewing(ctx context.Context, user sqldb.UUID) (ViewingTotal, error) {
	var v ViewingTotal
	var last *sqldb.Micros
	err := s.tx.QueryRowContext(ctx, `
		SELECT COUNT(*), CAST(COALESCE(SUM(duration_ms), 0) AS BIGINT), MAX(last_event_at)
		FROM sessions WHERE user_key = $1`, user).Scan(&v.Sessions, &v.DurationMS, &last)
	v.LastViewedAt = (*domain.Instant)(last)
	return v, err
}

// UserKey returns the pseudonym of a user who is there now. The error is ErrNoUser
// where there is none of that id.
func (r *Reader) UserKey(ctx context.Context, id string) (key eventstore.UserKey, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		found, err := s.userKey(ctx, id)
		key = eventstore.UserKey(found)
		return err
	})
	return key, err
}

// userKey returns the key of a user, or ErrNoUser.
func (s *snapshot) userKey(ctx context.Context, id string) (sqldb.UUID, error) {
	var key sqldb.UUID
	if !isText(id) {
		return key, ErrNoUser
	}
	err := s.tx.QueryRowContext(ctx, "SELECT user_key FROM users WHERE id = $1", id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return key, ErrNoUser
	}
	if err != nil {
		return key, fmt.Errorf("look up a user: %w", err)
	}
	return key, nil
}
