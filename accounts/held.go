// This file goes through everything that is held about a person.

package accounts

import (
	"context"
	"errors"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// A Holding is handed everything that is held about a person, piece by piece, in
// the order of its methods. What it is handed is good until it returns; an error
// of its own ends the walk and is returned from it.
type Holding interface {
	// User comes first, once. asOf is the instant as of which it is: when it was
	// asked for, or five minutes later where all events about the user are ahead
	// of the clock. position is that of user and sessions in the log. Both are nil
	// where there is no user: all events about them are retracted, or only refused
	// ones are about the id.
	User(asOf domain.Instant, position *eventstore.Position, user *projections.UserDetail) error
	// Session is one viewing session, the latest first.
	Session(*projections.Session) error
	// Event is one recorded event about the user, readable, in log order: to the
	// end of the log.
	Event(*eventstore.Record) error
	// Refused is one event about the id that was refused and is still kept, the
	// latest first.
	Refused(*eventstore.RefusedEvent) error
}

// Held hands everything that is held about a person to h. The read models are let
// go of before the log is read. It ends with [ErrNoUser] where nothing is held,
// and with eventstore.ErrUserGone where the user is erased meanwhile.
func (s *Service) Held(ctx context.Context, id string, h Holding) error {
	known, err := s.heldByModels(ctx, id, h)
	if err != nil {
		return err
	}
	events := 0
	for event, err := range s.config.Log.UserEvents(ctx, id) {
		if err != nil {
			return err
		}
		events++
		if err := h.Event(event); err != nil {
			return err
		}
	}
	if known && events == 0 {
		return eventstore.ErrUserGone // a user who is there has events
	}
	for refused, err := range s.config.Log.RefusedAbout(ctx, id) {
		if err != nil {
			return err
		}
		if err := h.Refused(refused); err != nil {
			return err
		}
	}
	return nil
}

// heldByModels hands over what the read models hold, and says whether there is a
// user. Nobody is told that nothing is held about them where the log holds
// events: be it that they are ahead of the clock, or that the read models are
// behind.
func (s *Service) heldByModels(ctx context.Context, id string, h Holding) (known bool, err error) {
	now := s.now()
	err = s.heldAt(ctx, id, now, h)
	if !errors.Is(err, projections.ErrNoUser) {
		return true, err
	}
	if known, err = s.thereByLog(ctx, id); err != nil {
		return false, err
	}
	if known {
		for _, at := range []domain.Instant{now, now + domain.ClockSkew} { // their first event may be ahead of the clock
			if err = s.heldAt(ctx, id, at, h); !errors.Is(err, projections.ErrNoUser) {
				return true, err
			}
		}
	} else if err := s.somethingRefused(ctx, id); err != nil {
		return false, err
	}
	return known, h.User(now, nil, nil)
}

// heldAt hands over the user and the sessions, as of an instant.
func (s *Service) heldAt(ctx context.Context, id string, at domain.Instant, h Holding) error {
	return s.config.Reader.WholeUser(ctx, id, at, func(whole *projections.UserWhole) error {
		if err := h.User(at, &whole.Position, &whole.UserDetail); err != nil {
			return err
		}
		for session, err := range whole.Sessions {
			if err != nil {
				return err
			}
			if err := h.Session(session); err != nil {
				return err
			}
		}
		return nil
	})
}

// thereByLog says whether there is a user of an id, and then waits until the read
// models show what the log has of them.
func (s *Service) thereByLog(ctx context.Context, id string) (bool, error) {
	states, err := s.config.Log.SubjectStates(ctx, []string{id})
	if err != nil || !states[0].Taken {
		return false, err
	}
	return true, s.caughtUp(ctx, s.config.VerdictWithin)
}

// somethingRefused is the error that nothing at all is held about an id; nil
// where there are refused events about it.
func (s *Service) somethingRefused(ctx context.Context, id string) error {
	for _, err := range s.config.Log.RefusedAbout(ctx, id) {
		return err
	}
	return ErrNoUser
}
