package oracle_test

import (
	"testing"
	"time"

	"boxoffice/internal/oracle"
)

// What billing systems tell: failed payments, pauses, changes, late renewals, and
// what is taken back. Each history has one user, u; what is wanted was worked out by
// hand from the rules. A retraction names an event by its line.
func TestBilling(t *testing.T) {
	type look struct{ at, want string }
	for _, c := range []struct {
		rule, events string
		grace        time.Duration
		looks        []look
	}{
		{"a pause while past due: past due while it runs, then paused; the failure before it isn't forgotten", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-10T00:00:00Z subscription.payment_failed u {"subscription_id":"s","grace_ends_at":"2026-02-10T00:00:00Z","comment":"card"}
			2026-01-12T00:00:00Z subscription.paused u {"subscription_id":"s","ends_at":"2026-01-20T00:00:00Z","resumes_at":"2026-03-01T00:00:00Z"}
			2026-01-15T00:00:00Z subscription.payment_failed u {"subscription_id":"s","grace_ends_at":"2026-05-01T00:00:00Z","comment":"does nothing"}`, 0,
			[]look{
				{"2026-01-09T23:59:59.999999Z", `{"subscriptions":[{"status":"active","ends_at":"2026-01-20T00:00:00Z"}]}`},
				{"2026-01-10T00:00:00Z", `{"subscriptions":[{"status":"past_due","reason":"paused","comment":null,"canceled_at":null}]}`},
				{"2026-01-19T23:59:59.999999Z", `{"status":"active","subscriptions":[{"status":"past_due","resumes_at":"2026-03-01T00:00:00Z"}]}`},
				{"2026-01-20T00:00:00Z", `{"status":"canceled","status_since":"2026-01-20T00:00:00Z","subscriptions":[{"status":"paused"}]}`},
			}},
		{"a failure at the period's end finds nothing; one a microsecond before moves the end, never before itself", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o","ends_at":"2026-02-01T00:00:00Z"}
			2026-02-01T00:00:00Z subscription.payment_failed u {"subscription_id":"a","grace_ends_at":"2026-03-01T00:00:00Z"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"b","offer_id":"o","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-31T23:59:59.999999Z subscription.payment_failed u {"subscription_id":"b","grace_ends_at":"2026-03-01T00:00:00Z"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"c","offer_id":"o","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-15T00:00:00Z subscription.payment_failed u {"subscription_id":"c","grace_ends_at":"2026-01-02T00:00:00Z"}`, time.Hour,
			[]look{{"2026-02-15T00:00:00Z", `{"subscriptions":[
				{"subscription_id":"a","status":"ended","reason":null,"ends_at":"2026-02-01T00:00:00Z"},
				{"subscription_id":"b","status":"past_due","reason":"non_payment","ends_at":"2026-03-01T00:00:00Z"},
				{"subscription_id":"c","status":"ended","reason":"non_payment","ends_at":"2026-01-15T00:00:00Z"}]}`}}},
		{"a pause withdraws a cancellation, a resumption what paused it; after a pause is over, a cancellation is of the period that it ended", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o"}
			2026-01-02T00:00:00Z subscription.canceled u {"subscription_id":"s","ends_at":"2026-01-20T00:00:00Z","reason":"other"}
			2026-01-03T00:00:00Z subscription.paused u {"subscription_id":"s","ends_at":"2026-01-10T00:00:00Z","comment":"away"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"t","offer_id":"o"}
			2026-01-03T00:00:00Z subscription.paused u {"subscription_id":"t"}
			2026-01-05T00:00:00Z subscription.canceled u {"subscription_id":"t","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-06T00:00:00Z subscription.canceled u {"subscription_id":"t","reason":"other"}
			2026-01-07T00:00:00Z subscription.resumed u {"subscription_id":"t","ends_at":"2026-01-08T00:00:00Z"}`, 0,
			[]look{
				{"2026-01-04T00:00:00Z", `{"subscriptions":[
					{"subscription_id":"s","status":"active","reason":"paused","comment":"away","canceled_at":null},
					{"subscription_id":"t","status":"ended","reason":"voluntary","canceled_at":"2026-01-05T00:00:00Z","ends_at":"2026-01-03T00:00:00Z"}]}`},
				{"2026-01-10T00:00:00Z", `{"subscriptions":[
					{"subscription_id":"t","status":"ended","reason":null,"periods":[{"from":"2026-01-07T00:00:00Z","reason":null},{"from":"2026-01-01T00:00:00Z","reason":"voluntary"}]},
					{"subscription_id":"s","status":"paused"}]}`},
			}},
		{"of events at one instant the order is that of their ids: a change before the start finds no period", `
			2026-01-01T00:00:00Z subscription.changed u {"subscription_id":"s","trial_ends_at":"2026-01-10T00:00:00Z","offer_id":"first"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","interval":"month","interval_count":3}
			2026-01-01T00:00:00Z subscription.changed u {"subscription_id":"t","offer_id":"p"}`, 0,
			[]look{{"2026-01-02T00:00:00Z", `{"subscriptions":[{"subscription_id":"s","status":"active","trial_ends_at":null,"offer_id":"o","interval":"month","interval_count":3}]}`}}},
		{"a change moves a trial's end, keeps a cancellation, and an interval without a count is one", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","trial_ends_at":"2026-01-10T00:00:00Z","interval":"month","interval_count":3,"amount":900,"currency":"eur"}
			2026-01-03T00:00:00Z subscription.changed u {"subscription_id":"s","trial_ends_at":"2026-01-20T00:00:00Z","interval":"year","ends_at":"2026-01-04T00:00:00Z"}
			2026-01-12T00:00:00Z subscription.canceled u {"subscription_id":"s","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-13T00:00:00Z subscription.changed u {"subscription_id":"s","offer_id":5.0,"amount":null,"interval_count":null}`, 0,
			[]look{
				{"2026-01-11T00:00:00Z", `{"subscriptions":[{"status":"trialing","trial_ends_at":"2026-01-20T00:00:00Z","ends_at":"2026-02-01T00:00:00Z"}]}`},
				{"2026-01-14T00:00:00Z", `{"subscriptions":[{"status":"canceling","offer_id":"5","amount":null,"currency":"EUR","interval":"year","interval_count":null}]}`},
			}},
		{"a renewal at most the grace after the end: the one before ran on, with its own fields; one of another id doesn't help", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-01-10T00:00:00Z"}
			2026-01-09T00:00:00Z subscription.canceled u {"subscription_id":"s","ends_at":"2026-01-10T00:00:00Z"}
			2026-01-10T01:00:00Z subscription.renewed u {"subscription_id":"s","ends_at":"2026-01-20T00:00:00Z"}
			2026-01-20T00:30:00Z subscription.started u {"subscription_id":"t","offer_id":"o","ends_at":"2026-01-25T00:00:00Z"}
			2026-01-25T01:00:00.000001Z subscription.renewed u {"subscription_id":"t"}`, time.Hour,
			[]look{
				{"2026-01-10T00:59:59.999999Z", `{"status":"active","status_since":"2026-01-01T00:00:00Z","subscriptions":[
					{"status":"canceling","started_at":"2026-01-01T00:00:00Z","ends_at":"2026-01-10T00:00:00Z","periods":[{"to":"2026-01-10T00:00:00Z"}]}]}`},
				{"2026-01-10T01:00:00Z", `{"status":"active","status_since":"2026-01-01T00:00:00Z","subscriptions":[
					{"status":"active","started_at":"2026-01-10T01:00:00Z","periods":[{"from":"2026-01-10T01:00:00Z"},{"to":"2026-01-10T00:00:00Z"}]}]}`},
				{"2026-01-20T00:00:00Z", `{"status":"canceled","status_since":"2026-01-20T00:00:00Z","subscriptions":[{"status":"ended"}]}`},
				{"2026-01-25T00:30:00Z", `{"status":"canceled","status_since":"2026-01-25T00:00:00Z"}`},
				{"2026-02-01T00:00:00Z", `{"status":"active","status_since":"2026-01-25T01:00:00.000001Z"}`},
			}},
		{"what is retracted never was, and the user is there from what is left on; a retraction can't be retracted", `
			2026-01-01T00:00:00Z user.registered u {"email":"a@example.org"}
			2026-01-02T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-03-01T00:00:00Z"}
			2026-01-03T00:00:00Z subscription.paused u {"subscription_id":"s"}
			2025-12-01T00:00:00Z event.retracted u {"source":"/s","id":"line 1"}
			2026-01-05T00:00:00Z event.retracted u {"source":"/s","id":"line 3"}
			2026-01-06T00:00:00Z event.retracted u {"source":"/s","id":"line 5"}
			2026-01-07T00:00:00Z event.retracted someone {"source":"/s","id":"line 2"}
			2026-01-08T00:00:00Z event.retracted u {"source":"/S","id":"line 2"}
			2026-01-08T00:00:00Z event.retracted u {"source":"/s","id":"line 10"}
			2026-01-09T00:00:00Z user.registered u {"email":"b@example.org"}`, 0,
			[]look{
				{"2026-01-01T12:00:00Z", `null`},
				{"2026-01-04T00:00:00Z", `{"status":"active","registered_at":null,"updated_at":null,"email":null,"subscriptions":[{"status":"active","reason":null}]}`},
			}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := historyOf(t, oracle.Options{Zone: time.UTC, RenewalGrace: c.grace}, c.events)
			for _, l := range c.looks {
				if d, ok := o.Detail("u", at(t, l.at)); ok {
					is(t, "at "+l.at, d, l.want)
				} else {
					is(t, "at "+l.at, nil, l.want)
				}
			}
		})
	}
}
