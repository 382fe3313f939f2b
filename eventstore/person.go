// This file reads what the log and the refused events have about one user, for
// those who have a right to all of it.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrUserGone is the error of reading the events of a user who is erased
// meanwhile.
var ErrUserGone = errors.New("the user has been erased meanwhile")

// eventsAtOnce and refusedAtOnce are how many are in memory at a time.
const (
	eventsAtOnce  = 100
	refusedAtOnce = 20
)

// UserEvents returns the recorded events about the user of an id, readable, in
// log order, up to the log's end; none where there is no such user. It ends at
// the first error, which is [ErrUserGone] where the user is erased before the
// end: what came until then isn't all.
func (s *Store) UserEvents(ctx context.Context, id string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		state, err := s.subjectState(ctx, id)
		if err == nil && state.Taken {
			err = s.eachEvent(ctx, id, state.User, func(r *Record) bool { return yield(r, nil) })
		}
		if err != nil {
			yield(nil, fmt.Errorf("read a user's events: %w", err))
		}
	}
}

// eachEvent calls f with the events of a user until it says that it has enough.
func (s *Store) eachEvent(ctx context.Context, id string, user UserKey, f func(*Record) bool) error {
	for q := (SealedQuery{UserID: id, Limit: eventsAtOnce}); ; {
		page, err := s.ReadSealed(ctx, q)
		if err != nil {
			return err
		}
		records, err := s.Unseal(ctx, page.Records)
		if err != nil {
			return err
		}
		for i := range records {
			if records[i].Erased || records[i].User != user {
				return ErrUserGone
			}
			if !f(&records[i]) {
				return nil
			}
		}
		if q.After = page.Next; page.End {
			break
		}
	}
	now, err := s.subjectState(ctx, id)
	if err == nil && (!now.Taken || now.User != user) {
		err = ErrUserGone
	}
	return err
}

// UserHistory yields the events of the user of a pseudonym after a position up to
// upTo, included, in log order and with the instants at which they were recorded;
// those of a user who has been erased as far as they can be read still. It ends at
// the first error. Events are opened some at a time, with the keys of that moment:
// whoever keeps what they say has to see that Head's Erasures is the same before
// reading and when saving.
func (s *Store) UserHistory(ctx context.Context, user UserKey, after, upTo Position) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for after < upTo {
			scan := &sealedScan{store: s, query: &SealedQuery{Limit: eventsAtOnce}, head: upTo, at: max(after, 0), user: &user}
			err := scan.run(ctx)
			var records []Record
			if err == nil {
				records, err = s.Unseal(ctx, scan.found)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read a user's history: %w", err))
				return
			}
			for i := range records {
				if !yield(&records[i], nil) {
					return
				}
			}
			after = scan.at
		}
	}
}

// RefusedAbout returns the refused events that are kept about a user's id, the
// latest first, whether there is such a user or not; those too that have been
// sent again and recorded since. It ends at the first error.
func (s *Store) RefusedAbout(ctx context.Context, id string) iter.Seq2[*RefusedEvent, error] {
	return func(yield func(*RefusedEvent, error) bool) {
		subject := s.vault.SubjectHash(id)
		for before, more := int64(1)<<62, true; more; {
			events, err := s.readRefused(ctx, "r.subject = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3", subject[:], before, refusedAtOnce)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range events {
				if !yield(&events[i], nil) {
					return
				}
				before = events[i].ID
			}
			more = len(events) == refusedAtOnce
		}
	}
}
