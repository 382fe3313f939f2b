// This file publishes events of the service's own, like anybody's, and waits
// for the log's verdict on them: create, edit, import and erase are events too.

package accounts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/pause"
	"boxoffice/wire"
)

// ownSource is the source of the events that the service publishes itself.
const ownSource = "/boxoffice"

// maxSettled is how many events are published and waited for at once: what the
// broker stores whole or not at all.
const maxSettled = 1000

// An ownEvent is an event that is published on behalf of who calls.
type ownEvent struct {
	eventType domain.Type
	userID    string
	time      domain.Instant
	// data is a JSON object; nil for none.
	data json.RawMessage
	// mustBeNew says that the log has to refuse the event, as a conflict, where
	// there is a user of that id already.
	mustBeNew bool
}

// A composedEvent is an event that keeps every rule which can be judged without
// the log, ready to be published.
type composedEvent struct {
	id      eventstore.EventID
	message wire.Message
}

// compose makes the CloudEvent, with an id that there never was before, and
// judges it as ingest will. A refusal names a field of data as "data.…".
func (s *Service) compose(e ownEvent) (*composedEvent, *domain.Refusal) {
	now := s.now()
	id := rand.Text()
	body, err := json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        domain.Type     `json:"type"`
		Subject     string          `json:"subject"`
		Time        time.Time       `json:"time"`
		Data        json.RawMessage `json:"data,omitempty"`
	}{"1.0", id, ownSource, e.eventType, e.userID, e.time.Time(), e.data})
	if err != nil {
		return nil, &domain.Refusal{Reason: domain.InvalidData, Message: "data must be JSON"}
	}
	a := wire.Judge(&domain.Message{Body: body}, now)
	if a.Refusal != nil {
		return nil, a.Refusal
	}
	a.MustBeNew = e.mustBeNew
	return &composedEvent{eventstore.EventID{Source: ownSource, ID: id}, a.Forward(wire.ReceivedAt(now))}, nil
}

// A verdict is what the log says of one event. Refused is nil where it is
// recorded, at Position.
type verdict struct {
	Position eventstore.Position
	// Duplicate says that it was recorded before it was published this time.
	Duplicate bool
	Refused   *refusedFor
}

// A refusedFor is why the log has refused an event.
type refusedFor struct {
	Reason  domain.Reason
	Message string
}

// errOutOfPatience is the cause of the end of a context in which an answer has
// been waited for long enough.
var errOutOfPatience = errors.New("that takes longer than is waited for")

// patiently returns the context for all that one answer waits for, so that several
// waits don't add up.
func (s *Service) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return patientlyFor(ctx, s.config.VerdictWithin)
}

func patientlyFor(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, within, errOutOfPatience)
}

// outOfPatience says that a context of patiently has ended for having lasted, and
// not because nobody is there any more.
func outOfPatience(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errOutOfPatience)
}

var (
	// errNotSettled says that the log's verdict, or the read models, took too
	// long. The events are safe: the broker has stored them.
	errNotSettled = errors.New("the log or the read models take longer than that")
	// errMaybeStored is an errNotSettled where the broker itself took too long:
	// it may have stored the events or not.
	errMaybeStored = fmt.Errorf("the broker hasn't answered: %w", errNotSettled)
)

// howStored says of events that aren't settled how sure it is that they are stored.
func howStored(err error) Stored {
	if errors.Is(err, errMaybeStored) {
		return PerhapsStored
	}
	return StoredSafely
}

// notSettled is the error of events that aren't settled. The reason has a %s for
// how they are stored.
func notSettled(err error, reason string) *UnavailableError {
	stored := howStored(err)
	return &UnavailableError{Cause: CauseUnsettled, Reason: fmt.Sprintf(reason, stored), Stored: stored}
}

// settle publishes up to maxSettled events, in their order, and returns the
// log's verdict on each once the read models show those that are recorded. After
// an error that wraps errNotSettled the events are stored and will be judged, or
// may be, where it is errMaybeStored; after another they may have been stored.
func (s *Service) settle(ctx context.Context, events []*composedEvent, within time.Duration) ([]verdict, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if len(events) > maxSettled {
		return nil, fmt.Errorf("settle %d events at once", len(events))
	}
	patient, cancel := patientlyFor(ctx, within)
	defer cancel()
	before, err := s.config.Log.Head(patient)
	if err != nil {
		return nil, err
	}
	if err := s.publishOwn(patient, events); err != nil {
		if outOfPatience(patient) {
			return nil, fmt.Errorf("%w: %w", errMaybeStored, err)
		}
		return nil, err
	}
	verdicts, err := s.judged(patient, events, before.Position)
	if err == nil {
		err = s.shown(patient, last(verdicts))
	}
	if err != nil && outOfPatience(patient) {
		return nil, fmt.Errorf("%w: %w", errNotSettled, err)
	}
	return verdicts, err
}

// settleOne is settle for one event, with an [UnavailableError] where there is no
// verdict in time.
func (s *Service) settleOne(ctx context.Context, e *composedEvent) (verdict, error) {
	verdicts, err := s.settle(ctx, []*composedEvent{e}, s.config.VerdictWithin)
	if errors.Is(err, errNotSettled) {
		return verdict{}, notSettled(err, "the event is %s, but the read models don't show it yet; look again in a moment rather than repeating")
	}
	if err != nil {
		return verdict{}, err
	}
	return verdicts[0], nil
}

func (s *Service) publishOwn(ctx context.Context, events []*composedEvent) error {
	messages := make([]wire.Message, len(events))
	for i, e := range events {
		messages[i] = e.message
	}
	if err := s.config.Publisher.PublishBatch(ctx, messages); err != nil {
		s.config.Logger.ErrorContext(ctx, "events could not be published", "events", len(messages), "error", err)
		return &UnavailableError{Cause: CauseBroker, Reason: "the broker can't take the event at the moment; try again"}
	}
	return nil
}

// lookAgain is after how long the log is asked again where it hasn't moved:
// refusals don't move it.
const lookAgain = 50 * time.Millisecond

// lookFirst is about after how long the read models are asked again at first;
// the pauses grow from there to lookAgain.
const lookFirst = 2 * time.Millisecond

// judged waits until the log has judged every event.
func (s *Service) judged(ctx context.Context, events []*composedEvent, before eventstore.Position) ([]verdict, error) {
	verdicts := make([]verdict, len(events))
	open := make([]int, len(events)) // the events that have no verdict yet
	for i := range open {
		open[i] = i
	}
	for {
		head, err := s.config.Log.Head(ctx)
		if err != nil {
			return nil, err
		}
		if open, err = s.stillOpen(ctx, events, open, verdicts, before); err != nil || len(open) == 0 {
			return verdicts, err
		}
		if err := s.waitForLog(ctx, head.Position); err != nil {
			return nil, err
		}
	}
}

// stillOpen takes the verdicts that there are, and returns the events that have
// none. The last is asked for first: where it isn't judged, the others hardly
// are.
func (s *Service) stillOpen(ctx context.Context, events []*composedEvent, open []int, verdicts []verdict, before eventstore.Position) ([]int, error) {
	probe := open[len(open)-1:]
	for _, asked := range [][]int{probe, open} {
		ids := make([]eventstore.EventID, len(asked))
		for i, n := range asked {
			ids[i] = events[n].id
		}
		found, err := s.config.Log.Verdicts(ctx, ids)
		if err != nil {
			return nil, err
		}
		var left []int
		for i, n := range asked {
			if found[i] == (eventstore.Verdict{}) {
				left = append(left, n)
				continue
			}
			verdicts[n] = verdictOf(found[i], before)
		}
		if len(left) > 0 || len(open) == 1 {
			if len(asked) < len(open) {
				return open, nil
			}
			return left, nil
		}
	}
	return nil, nil
}

func verdictOf(v eventstore.Verdict, before eventstore.Position) verdict {
	if v.Position != 0 {
		return verdict{Position: v.Position, Duplicate: v.Position <= before}
	}
	return verdict{Refused: &refusedFor{v.Refused.Reason, v.Refused.Message}}
}

// waitForLog waits until the log is past a position, or it is time to look again.
func (s *Service) waitForLog(ctx context.Context, position eventstore.Position) error {
	wait, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	err := s.config.Log.Wait(wait, position)
	if err != nil && wait.Err() != nil {
		return ctx.Err()
	}
	return err
}

// last returns the last position among the verdicts; 0 where all were refused.
func last(verdicts []verdict) eventstore.Position {
	var position eventstore.Position
	for _, v := range verdicts {
		position = max(position, v.Position)
	}
	return position
}

// shown waits until the read models that answer have reached a position.
// Nobody tells of that across processes, so they are asked, ever less often.
func (s *Service) shown(ctx context.Context, position eventstore.Position) error {
	if position == 0 {
		return nil
	}
	for pauses := pause.New(lookFirst, lookAgain); ; {
		status, err := s.config.Reader.Status(ctx)
		if err != nil {
			return err
		}
		if status.Position >= position {
			return nil
		}
		if err := pause.Wait(ctx, pauses.NextBackOff()); err != nil {
			return err
		}
	}
}

// caughtUp waits until the read models show what is in the log now.
func (s *Service) caughtUp(ctx context.Context, within time.Duration) error {
	patient, cancel := patientlyFor(ctx, within)
	defer cancel()
	head, err := s.config.Log.Head(patient)
	if err == nil {
		err = s.shown(patient, head.Position)
	}
	if err != nil && outOfPatience(patient) {
		return &UnavailableError{Cause: CauseModels, Reason: "the read models are behind the log; try again in a moment"}
	}
	return err
}
