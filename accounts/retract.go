// This file takes back an event about a user: by an event like anybody's.

package accounts

import (
	"context"
	"encoding/json"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// Retract has an event about a user count for nothing, and returns once the read
// models show the user without it. It can't be undone. What is of another user, or
// can't be retracted, counts as before; doing it again changes nothing.
//
// Its errors are [ErrNoUser] where there is no user of the id, or not any more, an
// [InvalidError] and an [UnavailableError].
func (s *Service) Retract(ctx context.Context, userID string, event eventstore.EventID) error {
	patient, cancel := s.patiently(ctx)
	defer cancel()
	states, err := s.config.Log.SubjectStates(patient, []string{userID})
	if err != nil {
		return err
	}
	if !states[0].Taken {
		return ErrNoUser
	}
	data, err := json.Marshal(struct {
		Source string `json:"source"`
		ID     string `json:"id"`
	}{event.Source, event.ID})
	if err != nil {
		return err
	}
	return s.settleAbout(patient, ownEvent{eventType: domain.EventRetracted, userID: userID, time: after(s.now(), states[0].ErasedAt), data: data})
}
