// This file makes the events that the cases are about.

package projectionstest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"boxoffice/domain"
)

// A maker makes events with identities of their own.
type maker struct {
	t    testing.TB
	rand *rand.Rand
	made int
}

func newMaker(t testing.TB, seed uint64) *maker {
	return &maker{t: t, rand: rand.New(rand.NewPCG(seed, 1))}
}

type fields map[string]any

// event makes an event as a publisher would send it.
func (m *maker) event(kind domain.Type, subject string, at domain.Instant, data fields) *domain.Event {
	m.t.Helper()
	m.made++
	if data == nil {
		data = fields{}
	}
	body, err := json.Marshal(fields{
		"specversion": "1.0", "source": "/tests", "id": fmt.Sprintf("e%06d", m.made),
		"type": kind, "subject": subject, "time": at.String(), "data": data,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	e, refusal := domain.Decode(&domain.Message{Body: body}, now)
	if refusal != nil {
		m.t.Fatalf("an event of the case is refused: %v", refusal)
	}
	return e
}

const (
	second domain.Instant = 1e6
	minute                = 60 * second
	hour                  = 60 * minute
	day                   = 24 * hour
)

// history makes the events of some users over four and a half months, in an
// order in which they could have happened to each.
func (m *maker) history(users int) []*domain.Event {
	var all []*domain.Event
	for i := range users {
		all = append(all, m.user(fmt.Sprintf("user-%03d", i))...)
	}
	return all
}

// start is when histories begin.
var start = domain.InstantOf(time.Date(2026, 1, 3, 9, 30, 0, 0, time.UTC))

// user makes the events of one user.
func (m *maker) user(id string) []*domain.Event {
	at := start + m.within(30*day)
	events := []*domain.Event{m.event(domain.UserRegistered, id, at, fields{
		"email": id + "@Example.org", "first_name": "Ána", "last_name": "Groß " + id, "country": "FR",
		"custom": fields{"plan": "b", "tags": []string{"x", "y"}, "age": 30.50},
	})}
	for range m.rand.IntN(3) {
		events = append(events, m.event(domain.UserUpdated, id, at+m.within(90*day), fields{
			"first_name": m.pick("Ana", "Änne", nil), "custom": fields{"plan": m.pick("a", nil), "n": m.rand.IntN(9)},
		}))
	}
	for i := range m.rand.IntN(3) {
		events = append(events, m.subscription(id, fmt.Sprint("sub", i), at)...)
	}
	if m.rand.IntN(3) == 0 {
		events = append(events, m.rental(id, at)...)
	}
	if m.rand.IntN(4) == 0 {
		granted := at + m.within(60*day)
		events = append(events,
			m.event(domain.FreeCopyGranted, id, granted, fields{"free_copy_id": "f", "content_id": "film-1"}),
			m.event(domain.FreeCopyRevoked, id, granted+m.within(20*day), fields{"free_copy_id": "f", "reason": "mistake"}))
	}
	for i := range m.rand.IntN(4) {
		events = append(events, m.session(id, fmt.Sprintf("session-%d-%d", m.made, i), at+m.within(100*day))...)
	}
	return events
}

func (m *maker) subscription(user, id string, from domain.Instant) []*domain.Event {
	at := from + m.within(10*day)
	end := at + 30*day
	data := fields{"subscription_id": id, "offer_id": "monthly", "offer_name": "Monthly", "amount": 999,
		"currency": "EUR", "interval": "month", "payment_interface": "card", "ends_at": end.String()}
	if m.rand.IntN(2) == 0 {
		data["trial_ends_at"] = (at + 7*day).String()
	}
	events := []*domain.Event{m.event(domain.SubscriptionStarted, user, at, data)}
	for range m.rand.IntN(3) {
		at = end - m.within(2*day)
		end += 30 * day
		if at > now {
			return events
		}
		events = append(events, m.event(domain.SubscriptionRenewed, user, at,
			fields{"subscription_id": id, "ends_at": end.String()}))
	}
	if at += m.within(20 * day); at < now && m.rand.IntN(3) == 0 {
		events = append(events, m.trouble(user, id, at, end)...)
	}
	if at += m.within(20 * day); at < now && m.rand.IntN(2) == 0 {
		events = append(events, m.event(domain.SubscriptionCanceled, user, at, fields{"subscription_id": id,
			"ends_at": end.String(), "reason": m.pick("voluntary", "non_payment", "switched", "other"), "comment": "too dear for " + user}))
	}
	return events
}

// trouble makes what may happen to a subscription besides: it is changed, not paid
// for, paused, or renewed a little late.
func (m *maker) trouble(user, id string, at, end domain.Instant) []*domain.Event {
	switch m.rand.IntN(4) {
	case 0:
		return []*domain.Event{m.event(domain.SubscriptionChanged, user, at, fields{"subscription_id": id, "offer_id": "yearly",
			"interval": "year", "interval_count": 2, "trial_ends_at": (at + 3*day).String()})}
	case 1:
		return []*domain.Event{m.event(domain.SubscriptionPaymentFailed, user, at, fields{"subscription_id": id,
			"grace_ends_at": (end + 5*day).String(), "comment": "no money, says " + user})}
	case 2:
		return []*domain.Event{m.event(domain.SubscriptionPaused, user, at, fields{"subscription_id": id,
			"resumes_at": (at + 9*day).String(), "comment": user + " is away"})}
	}
	late := min(end+m.within(36*hour), now-1)
	return []*domain.Event{m.event(domain.SubscriptionRenewed, user, late, fields{"subscription_id": id, "ends_at": (late + 20*day).String()})}
}

func (m *maker) rental(user string, from domain.Instant) []*domain.Event {
	at := from + m.within(60*day)
	return []*domain.Event{
		m.event(domain.RentalStarted, user, at, fields{"rental_id": "r1", "content_id": "film-2", "title": "Two",
			"kind": m.pick("rental", "purchase"), "expires_at": (at + 30*day).String(), "amount": 399, "currency": "EUR"}),
		m.event(domain.RentalActivated, user, at+hour, fields{"rental_id": "r1", "expires_at": (at + 49*hour).String()}),
	}
}

func (m *maker) session(user, id string, at domain.Instant) []*domain.Event {
	data := fields{"session_id": id, "content_id": m.pick("film-1", "film-2", "series-3"), "content_length_s": 600.5,
		"title": "A film", "device": "tv"}
	events := []*domain.Event{m.event(domain.PlaybackStarted, user, at, data)}
	played := 0
	for i := range m.rand.IntN(12) {
		from := played
		played += 1 + m.rand.IntN(60)
		if m.rand.IntN(5) == 0 {
			played += 30 // a jump
			from = played - 10
		}
		events = append(events, m.event(domain.PlaybackProgressed, user, at+domain.Instant(i+1)*10*second, fields{
			"session_id": id, "content_id": data["content_id"], "position_s": played, "play_time_s": played,
			"played": [][]int{{from, played}},
		}))
	}
	if m.rand.IntN(2) == 0 {
		events = append(events, m.event(domain.PlaybackEnded, user, at+10*minute,
			fields{"session_id": id, "content_id": data["content_id"], "position_s": played + 1}))
	}
	return events
}

func (m *maker) within(length domain.Instant) domain.Instant {
	return domain.Instant(m.rand.Int64N(int64(length)))
}

func (m *maker) pick(values ...any) any { return values[m.rand.IntN(len(values))] }

// shuffled returns the events in another order, a tenth of them twice.
func (m *maker) shuffled(events []*domain.Event) []*domain.Event {
	mixed := append([]*domain.Event(nil), events...)
	for range len(events) / 10 {
		mixed = append(mixed, events[m.rand.IntN(len(events))])
	}
	m.rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed
}
