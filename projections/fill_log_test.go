package projections

import (
	"context"

	"boxoffice/eventstore"
)

// This file lets a log in memory be read in bulk. Nobody is erased from it.

func (l *testLog) Keys(_ context.Context, users eventstore.UserRange, _ int) (*eventstore.Keys, error) {
	return &eventstore.Keys{Users: users}, nil
}

func (l *testLog) ReadOf(_ context.Context, _ *eventstore.Keys, users eventstore.UserRange, after, last eventstore.Position,
	take func(*eventstore.Record) error) error {
	for i := range l.records[after:last] {
		r := &l.records[int(after)+i]
		if p := r.User.Prefix(); p < users.First || p > users.Last {
			continue
		}
		if err := take(r); err != nil {
			return err
		}
	}
	return nil
}

func (l *testLog) ErasedSince(context.Context, *eventstore.Keys) ([]eventstore.UserKey, error) {
	return nil, nil
}
