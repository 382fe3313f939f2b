package projections

import (
	"context"
	"errors"

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

func (l *testLog) ErasedSince(context.Context, *eventstore.Keys) ([]eventstore.UserKey, error) {
	return nil, errNotInBulk
}
