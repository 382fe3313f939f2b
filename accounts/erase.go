// This file erases users: by events like anybody's, done once nothing of the
// people can be read any more.

package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/pause"
)

// MaxErased is how many users are erased at once.
const MaxErased = maxSettled

// Erase erases those of the ids that are users, and returns them in their order,
// once every generation of the read models has forgotten them, and those who were
// erased before. The others are nobody's: never heard of, or erased before. It
// can't be undone.
//
// Its errors are an [InvalidError] and an [UnavailableError].
func (s *Service) Erase(ctx context.Context, ids []string) (erased []string, err error) {
	patient, cancel := s.patiently(ctx)
	defer cancel()
	events, users, known, err := s.composeErasures(patient, ids)
	if err != nil || !known {
		return nil, err
	}
	verdicts, err := s.settle(patient, events, s.config.VerdictWithin)
	if errors.Is(err, errNotSettled) {
		return nil, notForgotten(err)
	}
	if err != nil {
		return nil, err
	}
	if err := s.forgotten(patient); err != nil {
		if outOfPatience(patient) {
			return nil, notForgotten(err)
		}
		return nil, err
	}
	return whoIsErased(users, verdicts)
}

// notForgotten is the error where an erasure takes longer than it is waited for.
func notForgotten(err error) error {
	return notSettled(err, "the erasure is %s, and takes effect then, but has not in all read models yet; ask again in a moment")
}

// whoIsErased are the users whose erasures are recorded.
func whoIsErased(users []string, verdicts []verdict) ([]string, error) {
	var erased []string
	refused := 0
	for i, v := range verdicts {
		switch {
		case v.Refused == nil:
			erased = append(erased, users[i])
		case v.Refused.Reason != domain.Erased: // by somebody else, meanwhile
			refused++
		}
	}
	switch {
	case refused == 0:
		return erased, nil
	case len(erased) == 0:
		return nil, refusedByLog()
	}
	return nil, &UnavailableError{Cause: CauseSome, Reason: fmt.Sprintf("%d users are erased, but %d are not, since others change them at the same time; ask again",
		len(erased), refused)}
}

// composeErasures makes an event for each of the ids that is a user's. known
// says whether any is, or was before they were erased.
func (s *Service) composeErasures(ctx context.Context, ids []string) (events []*composedEvent, users []string, known bool, err error) {
	states, err := s.config.Log.SubjectStates(ctx, ids)
	if err != nil {
		return nil, nil, false, err
	}
	for i, state := range states {
		if state.Taken {
			users = append(users, ids[i])
		}
		known = known || state.Taken || state.ErasedAt != nil
	}
	if len(users) == 0 {
		return nil, nil, known, nil
	}
	// A profile event that isn't shown yet may be later than the clock. That is
	// rare, and read models that are behind are no reason not to erase.
	_ = s.caughtUp(ctx, min(time.Second, s.config.VerdictWithin/4))
	now := s.now()
	found, err := s.config.Reader.FindUsers(ctx, users, nil, now)
	if err != nil {
		return nil, nil, false, err
	}
	events = make([]*composedEvent, len(users))
	for i, id := range users {
		at := now
		if user := found.ByID[id]; user != nil {
			at = after(now, user.UpdatedAt)
		}
		e, refusal := s.compose(ownEvent{eventType: domain.UserErased, userID: id, time: at})
		if refusal != nil {
			return nil, nil, false, refusedHere(refusal)
		}
		events[i] = e
	}
	return events, users, true, nil
}

// forgotten waits until every generation of the read models has forgotten all
// who have been erased until now.
func (s *Service) forgotten(ctx context.Context) error {
	erasure, err := s.config.Log.LastErasure(ctx)
	if err != nil {
		return err
	}
	for pauses := pause.New(lookFirst, lookAgain); ; {
		done, err := s.config.Reader.Forgotten(ctx, erasure)
		if err != nil || done {
			return err
		}
		if err := pause.Wait(ctx, pauses.NextBackOff()); err != nil {
			return err
		}
	}
}
