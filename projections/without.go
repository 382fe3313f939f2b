// This file says what would be said of a user without one of their events.

package projections

import (
	"context"
	"fmt"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A FoldedUser is what the log says of a user at an instant.
type FoldedUser struct {
	UserDetail
	// There says that the user is in lists then; nothing else is said of one who
	// isn't.
	There bool
	// Counted are the months that count the user, each with the counter of the
	// figure, up to the month of the instant.
	Counted []CountedIn
}

// A CountedIn is one figure of a month that counts a user.
type CountedIn struct {
	Month   domain.Month
	Counter domain.Counter
}

// Without returns what the log says of a user at an instant, up to the position
// of the read models, and what it would say if one more event of theirs were
// retracted. It reads their whole history.
func (r *Reader) Without(ctx context.Context, log HistoryLog, user eventstore.UserKey, event domain.Retraction, at domain.Instant) (with, without FoldedUser, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		for folded, more := range map[*FoldedUser][]domain.Retraction{&with: nil, &without: {event}} {
			u, id, err := refold(ctx, log, user, s.Position, more...)
			if err == nil {
				*folded, err = foldedUser(u, id, platform{s.Calendar, s.RenewalGrace}, at)
			}
			if err != nil {
				return fmt.Errorf("fold a user without an event: %w", err)
			}
			folded.Position = s.Position
		}
		return nil
	})
	return with, without, err
}

func foldedUser(u *shardUser, id string, p platform, at domain.Instant) (FoldedUser, error) {
	if u.first > at {
		return FoldedUser{}, nil
	}
	facts, _, err := u.allFacts()
	if err != nil {
		return FoldedUser{}, err
	}
	f := FoldedUser{There: true, Counted: countedIn(facts.Contributions(p.calendar, p.renewalGrace), p.calendar, at)}
	f.User = User{ID: id, RegisteredAt: facts.RegisteredAt(), UpdatedAt: facts.UpdatedAt(), Profile: facts.Profile()}
	for _, change := range facts.Timeline(p.renewalGrace) {
		if change.From <= at {
			f.Status, f.StatusSince = change.Status, change.Since
		}
	}
	f.Subscriptions = facts.EntitlementsAt(domain.Subscription, at, p.renewalGrace)
	f.Rentals = facts.EntitlementsAt(domain.Rental, at, p.renewalGrace)
	f.FreeCopies = facts.EntitlementsAt(domain.FreeCopy, at, p.renewalGrace)
	err = u.eachSession(func(_ sessionName, session *domain.SessionFacts, _ []byte) {
		f.Viewing.Sessions++
		f.Viewing.DurationMS += session.DurationMS()
		if last := session.LastEventAt(); f.Viewing.LastViewedAt == nil || last > *f.Viewing.LastViewedAt {
			f.Viewing.LastViewedAt = &last
		}
	})
	return f, err
}

// countedIn lists the figures that contributions count in, by month.
func countedIn(contributions []domain.Contribution, c domain.Calendar, at domain.Instant) []CountedIn {
	counters := []domain.Counter{domain.CounterRegistered, domain.CounterActive, domain.CounterTrial}
	for _, reason := range domain.ChurnReasons {
		counters = append(counters, domain.UnsubscribedCounter(reason))
	}
	counters = append(counters, domain.CounterCancellations)
	first := at
	for _, entry := range contributions {
		first = min(first, entry.At)
	}
	var counted []CountedIn
	for m := c.MonthOf(first); c.Start(m) <= at; m = m.Next() {
		for _, counter := range counters {
			if c.Figure(contributions, counter, m, at) != 0 {
				counted = append(counted, CountedIn{m, counter})
			}
		}
	}
	return counted
}
