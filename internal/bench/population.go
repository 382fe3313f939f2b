// This file makes the users that answers are measured with, and appends what
// happened to them to a log: in bounded memory, as fast as the log takes it.

package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

const (
	eventsPerUser = 4
	appendAtOnce  = 5000
	day           = 24 * time.Hour
	popularYears  = 3 * 365 * day
)

// A population is a platform's users who came at an even pace in the three
// years before now.
type population struct {
	users int64
	now   time.Time
}

// id returns the id of a user, from 0 on in the order in which they came.
func (p population) id(user int64) string { return fmt.Sprintf("auth0|%016x", mixed(uint64(user))) }

func (p population) registered(user int64) time.Time {
	return p.now.Add(-popularYears + time.Duration(user)*(popularYears/time.Duration(p.users)))
}

// event returns the n-th event of all: a user registers; three in four subscribe,
// half of them with a trial, and a third of those leave some day; three in ten
// change their profile; all others watch.
func (p population) event(n int64) []byte {
	user, nth := n/eventsPerUser, n%eventsPerUser
	registered := p.registered(user)
	later := registered.Add(time.Duration(mixed(uint64(user)^1)%1000) * day)
	if last := p.now.Add(-time.Hour); later.After(last) {
		later = last
	}
	at, kind, data := later, domain.PlaybackProgressed, fmt.Sprintf(`{"session_id":"%x","content_id":"film-%d","content_length_s":5400,`+
		`"device":"tv","platform":"android-tv","position_s":%d,"played":[[0,%d]],"play_time_s":%d}`, user, user%300, nth*600, nth*600, nth*600)
	switch {
	case nth == 0:
		at, kind = registered, domain.UserRegistered
		data = fmt.Sprintf(`{"email":"user-%d@mail.example","first_name":"Ana","last_name":"Nº %d","locale":"fr-FR","country":"FR","platform":"web"}`, user, user)
	case nth == 1 && user%4 > 0:
		at, kind = registered.Add(time.Hour), domain.SubscriptionStarted
		trial := ""
		if user%2 > 0 {
			trial = fmt.Sprintf(`,"trial_ends_at":%q`, at.Add(14*day).Format(time.RFC3339))
		}
		data = fmt.Sprintf(`{"subscription_id":"sub-%x","offer_id":"monthly","amount":999,"currency":"EUR","interval":"month"%s}`, user, trial)
	case nth == 2 && user%4 > 0 && user%3 == 0:
		kind, data = domain.SubscriptionCanceled, fmt.Sprintf(`{"subscription_id":"sub-%x","reason":"voluntary"}`, user)
	case nth == 2 && user%10 < 3:
		kind, data = domain.UserUpdated, `{"locale":"en-GB"}`
	}
	if at.After(p.now) { // of those who came just now
		at = p.now
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"https://platform.example/users","type":%q,"subject":%q,"time":%q,"data":%s}`,
		n, kind, p.id(user), at.UTC().Format(time.RFC3339Nano), data)
}

// appendAll appends everything to a log.
func (p population) appendAll(ctx context.Context, store *eventstore.Store, progress func(int64)) error {
	prepared := make(chan *eventstore.Prepared, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(prepared)
		return p.prepareAll(ctx, store, prepared)
	})
	group.Go(func() error {
		done := int64(0)
		for batch := range prepared {
			account, err := store.AppendPrepared(ctx, batch)
			if err != nil {
				return err
			}
			if account.Refused+account.Duplicates > 0 {
				return fmt.Errorf("%d events of a batch were refused and %d known", account.Refused, account.Duplicates)
			}
			done += int64(account.Appended)
			progress(done)
		}
		return nil
	})
	return group.Wait()
}

func (p population) prepareAll(ctx context.Context, store *eventstore.Store, to chan<- *eventstore.Prepared) error {
	total := p.users * eventsPerUser
	for from := int64(0); from < total; from += appendAtOnce {
		batch, err := p.batch(from, min(appendAtOnce, total-from))
		if err != nil {
			return err
		}
		prepared, err := store.Prepare(ctx, batch)
		if err != nil {
			return err
		}
		select {
		case to <- prepared:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p population) batch(from, n int64) (eventstore.Batch, error) {
	now := domain.InstantOf(p.now)
	batch := eventstore.Batch{Stream: "bench", Messages: make([]eventstore.Incoming, n)}
	for i := range batch.Messages {
		text := p.event(from + int64(i))
		event, refusal := domain.Decode(&domain.Message{Body: text}, now)
		if refusal != nil {
			return batch, fmt.Errorf("event %d: %w", from+int64(i), refusal)
		}
		batch.Messages[i] = eventstore.Incoming{Sequence: uint64(from + int64(i) + 1), Event: event, Raw: text, ReceivedAt: now}
	}
	return batch, nil
}
