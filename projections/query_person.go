// This file answers all that the read models hold about one user.

package projections

import (
	"context"
	"fmt"
	"iter"

	"boxoffice/domain"
)

// A UserWhole is one user with everything they have and all their viewing
// sessions, at one position of the log.
type UserWhole struct {
	UserDetail
	// Sessions yields the sessions, the latest first. It can be gone through
	// several times, and ends at the first error.
	Sessions iter.Seq2[*Session, error]
}

// WholeUser hands all that is held about a user to f, as it is at an instant,
// all of one moment and in bounded memory. It is good until f returns. The
// error is ErrNoUser where there is none of that id, and f isn't called then.
func (r *Reader) WholeUser(ctx context.Context, id string, at domain.Instant, f func(*UserWhole) error) error {
	return r.read(ctx, func(s *snapshot) error {
		if !isText(id) {
			return ErrNoUser
		}
		whole := &UserWhole{UserDetail: UserDetail{Position: s.Position}}
		ok, err := s.detail(ctx, id, at, &whole.UserDetail)
		switch {
		case err != nil:
			return fmt.Errorf("read a user: %w", err)
		case !ok:
			return ErrNoUser
		}
		l, err := s.sessionListing(ctx, &SessionsQuery{UserID: id, At: at})
		if err != nil {
			return err
		}
		whole.Sessions = s.wholeSessions(ctx, l)
		if err := s.handOut(ctx, "sessions", "users"); err != nil {
			return err
		}
		return f(whole)
	})
}
