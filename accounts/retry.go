// This file sends a refused event again, as it was kept or repaired.

package accounts

import (
	"context"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

// A Retry is an event that is to be sent in the place of a refused one.
type Retry struct {
	// Kept is the refused event.
	Kept eventstore.RefusedEvent
	// Arrival is the event, judged as far as that needs no log. One that is still
	// refused can't be sent.
	Arrival wire.Arrival

	service *Service
	now     domain.Instant
}

// Retry reads the refused event of an id, and judges it, or the repaired event
// that is to take its place; nil for none. Nothing is published yet.
//
// Its errors are [ErrNoRefused], and a [ConflictError] where the kept event can't
// be sent as it is: only a part of it was kept, or nothing.
func (s *Service) Retry(ctx context.Context, id int64, repaired []byte) (*Retry, error) {
	kept, ok, err := s.config.Log.RefusedEvent(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNoRefused
	}
	if repaired == nil {
		if repaired, err = keptBody(&kept); err != nil {
			return nil, err
		}
	}
	now := s.now()
	return &Retry{Kept: kept, Arrival: wire.Judge(&domain.Message{Body: repaired}, now), service: s, now: now}, nil
}

// keptBody is the event that was kept, where it was kept whole.
func keptBody(kept *eventstore.RefusedEvent) ([]byte, error) {
	const send = "; send the event as the request's body, or delete it"
	switch {
	case kept.Body == nil && kept.Reason == domain.Conflict:
		return nil, &ConflictError{"nothing is kept of this event, since it was to make a user who is there already: delete it"}
	case kept.Body == nil:
		return nil, &ConflictError{"nothing is kept of this event, since its user was erased" + send}
	case kept.Reason == domain.TooLarge:
		return nil, &ConflictError{"only the first part of this event is kept" + send}
	}
	return kept.Body, nil
}

// Send publishes the event, which has no refusal, and returns once the broker has
// stored it durably. The refused event leaves the list when it is recorded.
//
// Its errors are [ErrNoRefused], a [ConflictError] where an event of its source
// and id is recorded already, and an [UnavailableError].
func (r *Retry) Send(ctx context.Context) error {
	log, event := r.service.config.Log, r.Arrival.Event
	position, err := log.Recorded(ctx, event.Source, event.ID)
	switch {
	case err != nil:
		return err
	case position != 0:
		return &ConflictError{"an event of this source and id is recorded already: send it with another id, or delete it"}
	}
	// What is noted first does no harm should publishing fail; the other way
	// round it might be recorded and never leave the list.
	marked, err := log.MarkRetried(ctx, r.Kept.ID, event.Source, event.ID)
	switch {
	case err != nil:
		return err
	case !marked:
		return ErrNoRefused
	}
	message := r.Arrival.Forward(wire.ReceivedAt(r.now))
	if err := r.service.config.Publisher.PublishBatch(ctx, []wire.Message{message}); err != nil {
		r.service.config.Logger.ErrorContext(ctx, "events could not be published", "events", 1, "error", err)
		return &UnavailableError{Cause: CauseBroker, Reason: "the broker can't take the events at the moment; try again: repeating is safe"}
	}
	return nil
}
