// This file makes and edits users: by events like anybody's, and what the log
// says of them.

package accounts

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"boxoffice/domain"
	"boxoffice/projections"
)

// NewUserID makes up the id of a user. Ids that are made later sort later.
func NewUserID() string { return uuid.Must(uuid.NewV7()).String() }

// makeAttempts is how often it is tried to make a user of an id that is being
// erased meanwhile.
const makeAttempts = 3

// Create makes a user of an id, which keeps the rules of ids, and returns the
// user once the read models show them. Of two that make a user of one id, one
// gets it.
//
// Its errors are [ErrTaken], [ErrTooLarge], [ErrNoUser] where the user has been
// erased since, an [InvalidError] and an [UnavailableError].
func (s *Service) Create(ctx context.Context, id string, p Profile) (projections.UserDetail, error) {
	patient, cancel := s.patiently(ctx)
	defer cancel()
	data := p.data
	if data == nil {
		data = json.RawMessage("{}")
	}
	at, err := s.makeUser(patient, id, data)
	if err != nil {
		return projections.UserDetail{}, err
	}
	return s.userNow(ctx, id, at)
}

// makeUser publishes a registration, and returns its time once the read models
// show it.
func (s *Service) makeUser(ctx context.Context, id string, data json.RawMessage) (domain.Instant, error) {
	for range makeAttempts {
		at, err := s.registrationTime(ctx, id)
		if err != nil {
			return 0, err
		}
		e, refusal := s.compose(ownEvent{eventType: domain.UserRegistered, userID: id, time: at, data: data, mustBeNew: true})
		if refusal != nil {
			return 0, refusedHere(refusal)
		}
		v, err := s.settleOne(ctx, e)
		if err != nil {
			return 0, err
		}
		switch {
		case v.Refused == nil:
			return at, nil
		case v.Refused.Reason == domain.Conflict:
			return 0, ErrTaken
		case v.Refused.Reason != domain.Erased:
			return 0, refusedByLog()
		}
	}
	return 0, refusedByLog()
}

// registrationTime is the time at which a user of an id can be registered: now,
// or after the erasure of an earlier one, whose clock may be ahead.
func (s *Service) registrationTime(ctx context.Context, id string) (domain.Instant, error) {
	states, err := s.config.Log.SubjectStates(ctx, []string{id})
	if err != nil {
		return 0, err
	}
	if states[0].Taken {
		return 0, ErrTaken
	}
	return after(s.now(), states[0].ErasedAt), nil
}

// after is now, or a microsecond after last where that is later.
func after(now domain.Instant, last *domain.Instant) domain.Instant {
	if last == nil {
		return now
	}
	return max(now, *last+1)
}

// refusedHere is the error of an event that breaks a rule as a whole.
func refusedHere(r *domain.Refusal) error {
	switch r.Reason {
	case domain.TooLarge:
		return ErrTooLarge
	case domain.InFuture:
		return refusedByLog()
	}
	return &InvalidError{[]Fault{{Message: r.Message}}}
}

// refusedByLog is the error where the log refuses an event for what others do at
// the same time, or for clocks that are apart.
func refusedByLog() error {
	return &UnavailableError{Cause: CauseOthers, Reason: "nothing was changed, since the user is being changed by others at the same time; try again"}
}

// Edit changes a user's profile, and returns the user once the read models show
// it: what the profile doesn't say stays, null clears, and custom is merged key by
// key. One that says nothing changes nothing, and publishes nothing. The edit
// counts, however far ahead the clock was of who edited before.
//
// Its errors are [ErrNoUser], [ErrTooLarge], an [InvalidError] and an
// [UnavailableError].
func (s *Service) Edit(ctx context.Context, id string, p Profile) (projections.UserDetail, error) {
	patient, cancel := s.patiently(ctx)
	defer cancel()
	user, err := s.userToChange(patient, id)
	if err != nil {
		return projections.UserDetail{}, err
	}
	at := after(s.now(), user.UpdatedAt)
	if p.data != nil && !p.none {
		if err := s.settleAbout(patient, ownEvent{eventType: domain.UserUpdated, userID: id, time: at, data: p.data}); err != nil {
			return projections.UserDetail{}, err
		}
	}
	return s.userNow(ctx, id, at)
}

// userToChange is a user who is there, as the end of the log has them: an edit
// has to be later than the last one, whose clock may be ahead.
func (s *Service) userToChange(ctx context.Context, id string) (*projections.User, error) {
	states, err := s.config.Log.SubjectStates(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if !states[0].Taken {
		return nil, ErrNoUser
	}
	if err := s.caughtUp(ctx, s.config.VerdictWithin); err != nil {
		return nil, err
	}
	found, err := s.config.Reader.FindUsers(ctx, []string{id}, nil, s.now())
	return cmp.Or(found.ByID[id], &projections.User{}), err
}

// settleAbout publishes an event about a user who is there, and returns when the
// read models show it.
func (s *Service) settleAbout(ctx context.Context, event ownEvent) error {
	e, refusal := s.compose(event)
	if refusal != nil {
		return refusedHere(refusal)
	}
	v, err := s.settleOne(ctx, e)
	switch {
	case err != nil:
		return err
	case v.Refused == nil:
		return nil
	case v.Refused.Reason == domain.Erased:
		return ErrNoUser
	}
	return refusedByLog()
}

// userNow is a user as they are now; an event of theirs has just been recorded
// at an instant, which may be a little ahead.
func (s *Service) userNow(ctx context.Context, id string, at domain.Instant) (projections.UserDetail, error) {
	detail, ok, err := s.config.Reader.User(ctx, id, max(at, s.now()))
	if err == nil && !ok {
		err = ErrNoUser // erased since
	}
	return detail, err
}
