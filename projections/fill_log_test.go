package projections

import (
	"context"
	"errors"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// This file completes the log in memory: it can't be read in bulk.

var errNotInBulk = errors.New("the log of the test can't be read in bulk")

func (l *testLog) Keys(context.Context, eventstore.UserRange, int) (*eventstore.Keys, error) {
	return nil, errNotInBulk
}

func (l *testLog) ReadOf(context.Context, *eventstore.Keys, eventstore.UserRange, eventstore.Position, eventstore.Position,
	func(eventstore.UserKey, *domain.Event) error) error {
	return errNotInBulk
}

func (l *testLog) RetractionsOf(context.Context, eventstore.UserRange, eventstore.Position, func(eventstore.Retraction)) error {
	return errNotInBulk
}

func (l *testLog) Retractions(_ context.Context, users []eventstore.UserKey, upTo eventstore.Position) ([]eventstore.Retraction, error) {
	var found []eventstore.Retraction
	for i := range l.records[:min(int(upTo), len(l.records))] { // a log that embeds this one has records of its own
		r := &l.records[i]
		if r.Event.Retraction != nil && slices.Contains(users, r.User) {
			found = append(found, eventstore.Retraction{Position: r.Position, User: r.User, Names: *r.Event.Retraction})
		}
	}
	return found, nil
}

func (l *testLog) Locate(_ context.Context, ids []eventstore.EventID) ([]eventstore.Located, error) {
	located := make([]eventstore.Located, len(ids))
	for i, id := range ids {
		for n := range l.records {
			if r := &l.records[n]; r.Event.Source == id.Source && r.Event.ID == id.ID {
				located[i] = eventstore.Located{Position: r.Position, User: r.User, Type: r.Event.Type}
			}
		}
	}
	return located, nil
}

func (l *testLog) ErasedSince(context.Context, *eventstore.Keys) ([]eventstore.UserKey, error) {
	return nil, errNotInBulk
}
