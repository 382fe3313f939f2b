// This file holds questions against many users: they are found by index, at
// instants near to now, and quickly.

package projections

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// A platformLog is the log of a large platform, made while it is read: three
// years in which users come at an even pace, and one in a hundred is erased.
type platformLog struct {
	testLog // waits for nothing
	users   int
	now     domain.Instant
	// soon says that all complete their profile a day after they registered, and
	// not three in ten of them some day.
	soon bool
}

const (
	platformYears = 3 * 365 * 24 * hour
	day           = 24 * hour
	eventsPerUser = 6
)

func (l *platformLog) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{Position: eventstore.Position(l.users * eventsPerUser), Epoch: "test"}, nil
}

func (l *platformLog) Read(_ context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	var records []eventstore.Record
	for i := int(after); i < l.users*eventsPerUser && len(records) < limit; i++ {
		records = append(records, l.record(i/eventsPerUser, i%eventsPerUser, eventstore.Position(i+1)))
	}
	return records, nil
}

// record returns the n-th event of a user.
func (l *platformLog) record(user, n int, position eventstore.Position) eventstore.Record {
	r := eventstore.Record{Position: position, RecordedAt: l.now, User: scatteredKey(user), Erased: user%100 == 99}
	registered := l.now - platformYears + domain.Instant(user)*(platformYears/domain.Instant(l.users))
	later := min(l.now-1, registered+domain.Instant(scattered(user)%1000)*day) // some day since
	e := &r.Event
	*e = domain.Event{Stamp: domain.Stamp{Time: registered, Source: "s", ID: fmt.Sprint(position)}}
	if !r.Erased {
		e.Subject = fmt.Sprintf("user-%08x", scattered(user))
	}
	subscriber := user%4 > 0
	updated := later
	if l.soon {
		updated = min(l.now-1, registered+day)
	}
	switch {
	case n == 0:
		e.Type, e.Profile = domain.UserRegistered, &domain.ProfileChange{Registers: true}
		if !r.Erased {
			e.Profile.FirstName, e.Profile.LastName = domain.Some("Ana"), domain.Some(fmt.Sprint("Nº ", user))
		}
	case n == 1 && subscriber:
		e.Type, e.Time = domain.SubscriptionStarted, registered+hour
		e.Entitlement = &domain.EntitlementEvent{Kind: domain.Subscription, ID: "1", Action: domain.Open, OfferID: domain.Some("o")}
		if user%2 > 0 {
			e.Entitlement.TrialEnd = domain.Some(e.Time + 14*day)
		}
	case n == 2 && subscriber && user%3 == 0:
		e.Type, e.Time = domain.SubscriptionCanceled, max(later, registered+hour)
		e.Entitlement = &domain.EntitlementEvent{Kind: domain.Subscription, ID: "1", Action: domain.Close, Reason: domain.Some("voluntary")}
	case n == 3 && (l.soon || user%10 < 3):
		e.Type, e.Time, e.Profile = domain.UserUpdated, updated, &domain.ProfileChange{}
	default:
		e.Type, e.Time = domain.PlaybackProgressed, later+domain.Instant(n)
		e.Playback = &domain.PlaybackReport{SessionID: fmt.Sprint(user), ContentID: fmt.Sprint("film-", scattered(user)%300),
			ContentLength: domain.Some(int64(5_400_000)), Played: []domain.Range{{From: 0, To: int64(n) * 600_000}}}
	}
	return r
}

// scattered returns a number of a user that has nothing to do with when they came.
func scattered(user int) uint32 {
	h := fnv.New32a()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(user)))
	return h.Sum32()
}

func scatteredKey(user int) eventstore.UserKey {
	var key eventstore.UserKey
	binary.BigEndian.PutUint32(key[:], scattered(user))
	binary.BigEndian.PutUint64(key[8:], uint64(user))
	return key
}

// openPlatform builds the read models of a large platform.
func openPlatform(t testing.TB, open func() *sqldb.DB, users int, now domain.Instant) *Reader {
	t.Helper()
	return openPlatformOf(t, open, &platformLog{users: users, now: now})
}

func openPlatformOf(t testing.TB, open func() *sqldb.DB, l *platformLog) *Reader {
	t.Helper()
	models := openModels(t, open)
	if err := build(models, l, time.UTC, l.now, 20_000); err != nil {
		t.Fatal(err)
	}
	if err := analyzeLive(t, models); err != nil {
		t.Fatal(err)
	}
	return NewReader(models, plainTimeout)
}

// analyzeLive does what a follower does that has caught up.
func analyzeLive(t testing.TB, m *Models) error {
	number, _, err := m.live(t.Context())
	if err != nil {
		return err
	}
	g, err := m.acquire(t.Context(), number)
	if err != nil {
		return err
	}
	defer m.release(g)
	return g.analyze(t.Context())
}
