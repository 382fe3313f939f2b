// This file tells what has been retracted of the users of a batch. The log is
// asked, which remembers all retractions by user: so read models keep none, one
// that comes before its event is found when the event comes, and there is nothing
// to forget when a user is erased.

package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A RetractionLog tells what has been retracted.
type RetractionLog interface {
	// Retractions returns the retractions about users that were recorded up to a
	// position, included, in log order.
	Retractions(ctx context.Context, users []eventstore.UserKey, upTo eventstore.Position) ([]eventstore.Retraction, error)
	// Locate tells where the events of identities are recorded, in the order in
	// which they are given; the zero value for those that aren't.
	Locate(ctx context.Context, ids []eventstore.EventID) ([]eventstore.Located, error)
}

// refoldsAtOnce is how many users are folded again in one transaction at most,
// so that it stays short: the rest of the batch is left to the next.
const refoldsAtOnce = 256

// retracted is what has been retracted up to the last event of a batch.
type retracted struct {
	of map[eventstore.UserKey]domain.Retractions
	// again are the users who have to be folded again from their history: an event
	// that was folded before the batch is retracted in it.
	again map[eventstore.UserKey]bool
}

// findRetracted asks the log what has been retracted of the users of records,
// which begin after a position. Where more users would have to be folded again
// than are at once, it returns fewer of the records, of which there is at least one.
func findRetracted(ctx context.Context, log RetractionLog, after eventstore.Position, records []eventstore.Record) ([]eventstore.Record, *retracted, error) {
	users := map[eventstore.UserKey]bool{}
	for i := range records {
		users[records[i].User] = true
	}
	last := records[len(records)-1].Position
	all, err := log.Retractions(ctx, slices.Collect(maps.Keys(users)), last)
	if err != nil {
		return nil, nil, fmt.Errorf("read the log: %w", err)
	}
	found := &retracted{of: map[eventstore.UserKey]domain.Retractions{}, again: map[eventstore.UserKey]bool{}}
	var fresh []eventstore.Retraction // what the batch retracts that nothing before it did
	for _, r := range all {
		if _, before := found.of[r.User][r.Names]; r.Position > after && !before {
			fresh = append(fresh, r)
		}
		found.add(r)
	}
	end, err := found.folded(ctx, log, after, last, fresh)
	if err != nil || end == last {
		return records, found, err
	}
	return findRetracted(ctx, log, after, records[:end-after])
}

func (r *retracted) add(one eventstore.Retraction) {
	if r.of[one.User] == nil {
		r.of[one.User] = domain.Retractions{}
	}
	r.of[one.User].Retract(one.Names)
}

// folded finds whom the fresh retractions have folded again, and up to which
// position of the batch there aren't too many of them.
func (r *retracted) folded(ctx context.Context, log RetractionLog, after, last eventstore.Position, fresh []eventstore.Retraction) (eventstore.Position, error) {
	ids := make([]eventstore.EventID, len(fresh))
	for i := range fresh {
		ids[i] = eventstore.EventID(fresh[i].Names)
	}
	located, err := log.Locate(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("read the log: %w", err)
	}
	for i, at := range located {
		user := fresh[i].User
		if at.Position == 0 || at.Position > after || at.User != user || !domain.CanBeRetracted(at.Type) || r.again[user] {
			continue
		}
		if len(r.again) == refoldsAtOnce {
			return fresh[i].Position - 1, nil
		}
		r.again[user] = true
	}
	return last, nil
}
