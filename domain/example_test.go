package domain_test

import (
	"fmt"

	"boxoffice/domain"
)

// What is said of a user follows from the facts of their events, in whatever
// order and however often these come.
func Example() {
	now, _ := domain.ParseInstant("2026-11-23T12:00:00Z")
	var facts domain.UserFacts
	for _, body := range []string{
		`{"specversion": "1.0", "id": "2", "source": "/billing", "type": "subscription.canceled", "subject": "ana",
			"time": "2026-11-20T09:00:00Z", "data": {"subscription_id": "s1", "reason": "non_payment"}}`,
		`{"specversion": "1.0", "id": "1", "source": "/billing", "type": "subscription.started", "subject": "ana",
			"time": "2026-10-20T09:00:00Z", "data": {"subscription_id": "s1", "offer_id": "gold"}}`,
		`{"specversion": "1.0", "id": "3", "source": "/billing", "type": "subscription.started", "subject": "ana",
			"time": "2026-11-21T09:00:00Z", "data": {"subscription_id": "s2"}}`,
	} {
		event, refusal := domain.Decode(&domain.Message{Body: []byte(body)}, now)
		if refusal != nil {
			fmt.Println(refusal)
			continue
		}
		facts.Add(event)
	}
	for _, change := range facts.Timeline(0) {
		fmt.Println(change.Status, "from", change.From)
	}
	november, calendar := domain.Month{Year: 2026, Month: 11}, domain.Calendar{}
	contributions := facts.Contributions(calendar, 0)
	fmt.Println("active:", calendar.Figure(contributions, domain.CounterActive, november, now))
	fmt.Println("unsubscribed for want of payment:", calendar.Figure(contributions, domain.UnsubscribedCounter(domain.ChurnNonPayment), november, now))

	// Output:
	// invalid_data: offer_id is missing
	// active from 2026-10-20T09:00:00Z
	// canceled from 2026-11-20T09:00:00Z
	// active: 1
	// unsubscribed for want of payment: 1
}
