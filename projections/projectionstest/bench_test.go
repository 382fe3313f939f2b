// This file measures how fast an existing log is projected.

package projectionstest

import (
	"fmt"
	"math"
	"testing"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// BenchmarkProject projects a log of some 60,000 events, 85 % of them playback,
// from its first event to its last into an empty generation, batch by batch.
func BenchmarkProject(b *testing.B) {
	for _, engine := range sqltest.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			h := newHouse(b, func(t testing.TB) func() *sqldb.DB { return sqltest.New(t, engine) })
			events := newMaker(b, 50).year(1500)
			for rest := events; len(rest) > 0; {
				n := min(5000, len(rest))
				h.append(rest[:n]...)
				rest = rest[n:]
			}
			for round := 0; b.Loop(); round++ {
				// Another zone each time makes another generation.
				h.project(projections.Config{TimeZone: []string{"UTC", paris}[round%2], FillFrom: math.MaxInt, Now: h.quick().Now})
			}
			b.ReportMetric(float64(len(events)*b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// year makes the events of users over months, in the order of their times; of
// each user six others and 34 reports of playback.
func (m *maker) year(users int) []*domain.Event {
	var all []*domain.Event
	m.eachOfYear(users, func(e *domain.Event) { all = append(all, e) })
	return all
}

// eachOfYear makes them one after the other.
func (m *maker) eachOfYear(users int, take func(*domain.Event)) {
	for step := range eventsOfYear {
		for i := range users {
			take(m.ofYear(fmt.Sprintf("user-%05d", i), start+domain.Instant(i*7919%86_400)*second, step))
		}
	}
}

// eventsOfYear is how many events a user has.
const eventsOfYear = 40

func (m *maker) ofYear(user string, at domain.Instant, step int) *domain.Event {
	sub := func(kind domain.Type, at, end domain.Instant) *domain.Event {
		return m.event(kind, user, at, fields{"subscription_id": "sub-" + user, "offer_id": "monthly",
			"amount": 999, "currency": "EUR", "ends_at": end.String()})
	}
	switch step {
	case 0:
		return m.event(domain.UserRegistered, user, at, fields{"email": user + "@example.org", "first_name": "Ana",
			"last_name": "Groß", "custom": fields{"plan": "a"}})
	case 1:
		return sub(domain.SubscriptionStarted, at+hour, at+30*day)
	case 19:
		return m.event(domain.UserUpdated, user, at+20*day, fields{"country": "FR"})
	case 20:
		return sub(domain.SubscriptionRenewed, at+29*day, at+60*day)
	case 38:
		return sub(domain.SubscriptionRenewed, at+59*day, at+90*day)
	case 39:
		return sub(domain.SubscriptionCanceled, at+80*day, at+90*day)
	}
	if step < 19 {
		return m.report(user, "s1-"+user, "film-1", at+day, step-2)
	}
	return m.report(user, "s2-"+user, "film-2", at+40*day, step-21)
}

// report makes the n-th report of a viewing session, one each ten seconds.
func (m *maker) report(user, session, content string, at domain.Instant, n int) *domain.Event {
	return m.event(domain.PlaybackProgressed, user, at+domain.Instant(n)*10*second, fields{
		"session_id": session, "content_id": content, "content_length_s": 5400, "title": "A film", "device": "tv",
		"position_s": 10 * (n + 1), "play_time_s": 10 * (n + 1), "played": [][]int{{10 * n, 10 * (n + 1)}},
	})
}
