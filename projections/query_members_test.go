// This file has what is rare among histories that are drawn: somebody who
// unsubscribes and comes back, several times in one month.

package projections

import (
	"testing"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// TestWhoComesBackIsNoMember has one subscription end on the 5th, begin again
// on the 10th, end on the 15th for another reason, and begin on the 20th.
func TestWhoComesBackIsNoMember(t *testing.T) {
	t.Parallel()
	on := func(day int) domain.Instant {
		return domain.InstantOf(time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC))
	}
	p := &person{key: keyOf(0), id: "ana", sessions: map[[2]string]*domain.SessionFacts{}}
	w := &world{calendar: domain.Calendar{Zone: time.UTC}, people: []*person{p}}
	subscription := func(typ domain.Type, day int, reason string) {
		data := map[string]any{"subscription_id": "1", "offer_id": "o"}
		if reason != "" {
			data["reason"] = reason
		}
		w.happen(t, p, sent{typ: typ, at: on(day), data: data})
	}
	subscription(domain.SubscriptionStarted, 1, "")
	subscription(domain.SubscriptionCanceled, 5, "voluntary")
	subscription(domain.SubscriptionStarted, 10, "")
	subscription(domain.SubscriptionCanceled, 15, "non_payment")
	subscription(domain.SubscriptionStarted, 20, "")

	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		models := openModels(t, open)
		if err := build(models, &w.log, time.UTC, on(31), 10); err != nil {
			t.Fatal(err)
		}
		reader := NewReader(models, plainTimeout)
		for _, c := range []struct {
			day      int
			counting domain.ChurnReason // the reason under which she is counted
		}{
			{4, ""}, {5, domain.ChurnVoluntary}, {9, domain.ChurnVoluntary}, {10, ""}, {14, ""},
			{15, domain.ChurnNonPayment}, {19, domain.ChurnNonPayment}, {20, ""}, {31, ""}, {60, ""},
		} {
			for _, reason := range append([]domain.ChurnReason{""}, domain.ChurnReasons...) {
				page, err := reader.Members(t.Context(), MembersQuery{
					Month: domain.Month{Year: 2026, Month: 3}, KPI: KPIUnsubscribed, Reason: reason, At: on(c.day), Limit: 10})
				if err != nil {
					t.Fatal(err)
				}
				want := 0
				if c.counting != "" && (reason == "" || reason == c.counting) {
					want = 1
				}
				if len(page.Users) != want {
					t.Errorf("on day %d, %d users unsubscribed for reason %q, want %d", c.day, len(page.Users), reason, want)
				}
			}
		}
	})
}
