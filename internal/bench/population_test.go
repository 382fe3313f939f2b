package bench

import (
	"testing"
	"time"

	"boxoffice/domain"
)

// Every event about the population is good, the last ones of many users too.
func TestPopulation(t *testing.T) {
	now := time.Now()
	for _, users := range []int64{1000, 1_000_000} {
		p := population{users: users, now: now}
		kinds := map[domain.Type]int{}
		for n := max(0, users-2000) * eventsPerUser; n < users*eventsPerUser; n++ {
			body := p.event(n)
			event, refusal := domain.Decode(&domain.Message{Body: body}, domain.InstantOf(now.Add(-5*time.Minute)))
			if refusal != nil {
				t.Fatalf("%s: %v", body, refusal)
			}
			kinds[event.Type]++
		}
		for _, kind := range []domain.Type{domain.UserRegistered, domain.UserUpdated, domain.SubscriptionStarted, domain.SubscriptionCanceled, domain.PlaybackProgressed} {
			if kinds[kind] == 0 {
				t.Errorf("with %d users there is no %s: %v", users, kind, kinds)
			}
		}
	}
}
