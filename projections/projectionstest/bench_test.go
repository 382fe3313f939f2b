// This file measures how fast an existing log is projected.

package projectionstest

import (
	"fmt"
	"testing"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
	"boxoffice/projections"
)

// BenchmarkProject projects a log of some 60,000 events, 85 % of them playback,
// from its first event to its last into an empty generation.
func BenchmarkProject(b *testing.B) {
	for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
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
				h.project(projections.Config{TimeZone: []string{"UTC", paris}[round%2], Now: h.quick().Now})
			}
			b.ReportMetric(float64(len(events)*b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// year makes the events of users over months, in the order of their times; of
// each user six others and 34 reports of playback.
func (m *maker) year(users int) []*domain.Event {
	var steps [40][]*domain.Event
	for i := range users {
		user := fmt.Sprintf("user-%05d", i)
		for at, e := range m.yearOf(user, start+m.within(day)) {
			steps[at] = append(steps[at], e)
		}
	}
	var all []*domain.Event
	for _, events := range steps {
		all = append(all, events...)
	}
	return all
}

func (m *maker) yearOf(user string, at domain.Instant) []*domain.Event {
	sub := func(kind domain.Type, at, end domain.Instant) *domain.Event {
		return m.event(kind, user, at, fields{"subscription_id": "sub-" + user, "offer_id": "monthly",
			"amount": 999, "currency": "EUR", "ends_at": end.String()})
	}
	events := []*domain.Event{
		m.event(domain.UserRegistered, user, at, fields{"email": user + "@example.org", "first_name": "Ana",
			"last_name": "Groß", "custom": fields{"plan": "a"}}),
		sub(domain.SubscriptionStarted, at+hour, at+30*day),
	}
	events = append(events, m.reports(user, "s1-"+user, "film-1", at+day, 17)...)
	events = append(events,
		m.event(domain.UserUpdated, user, at+20*day, fields{"country": "FR"}),
		sub(domain.SubscriptionRenewed, at+29*day, at+60*day))
	events = append(events, m.reports(user, "s2-"+user, "film-2", at+40*day, 17)...)
	return append(events,
		sub(domain.SubscriptionRenewed, at+59*day, at+90*day),
		sub(domain.SubscriptionCanceled, at+80*day, at+90*day))
}

// reports makes the reports of a viewing session, one each ten seconds.
func (m *maker) reports(user, session, content string, at domain.Instant, n int) []*domain.Event {
	events := make([]*domain.Event, n)
	for i := range events {
		events[i] = m.event(domain.PlaybackProgressed, user, at+domain.Instant(i)*10*second, fields{
			"session_id": session, "content_id": content, "content_length_s": 5400, "title": "A film", "device": "tv",
			"position_s": 10 * (i + 1), "play_time_s": 10 * (i + 1), "played": [][]int{{10 * i, 10 * (i + 1)}},
		})
	}
	return events
}
