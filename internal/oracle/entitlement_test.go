package oracle_test

import (
	"fmt"
	"testing"
)

// Each history has one user, u, and is looked at at some instants; what is
// wanted was worked out by hand.
func TestEntitlements(t *testing.T) {
	type look struct{ at, want string }
	for _, c := range []struct {
		rule, events string
		looks        []look
	}{
		{"a renewal before the end moves it, one at the end begins a period that touches", `
			2026-01-10T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","amount":999,"currency":"EUR","ends_at":"2026-02-10T00:00:00Z"}
			2026-02-09T23:59:59.999999Z subscription.renewed u {"subscription_id":"s","ends_at":"2026-03-10T00:00:00Z","amount":1099,"currency":"EUR"}
			2026-03-10T00:00:00Z subscription.renewed u {"subscription_id":"s","ends_at":"2026-04-10T00:00:00Z"}`,
			[]look{
				{"2026-01-09T23:59:59.999999Z", `null`},
				{"2026-03-09T00:00:00Z", `{"status":"active","status_since":"2026-01-10T00:00:00Z","registered_at":null,"subscriptions":[
					{"status":"active","offer_id":"o","amount":1099,"started_at":"2026-01-10T00:00:00Z","ends_at":"2026-03-10T00:00:00Z","periods":[
						{"from":"2026-01-10T00:00:00Z","to":"2026-03-10T00:00:00Z","trial_to":null}]}]}`},
				{"2026-03-10T00:00:00Z", `{"status":"active","status_since":"2026-01-10T00:00:00Z","subscriptions":[
					{"status":"active","started_at":"2026-03-10T00:00:00Z","periods":[
						{"from":"2026-03-10T00:00:00Z"},{"from":"2026-01-10T00:00:00Z"}]}]}`},
				{"2026-04-10T00:00:00Z", `{"status":"canceled","status_since":"2026-04-10T00:00:00Z","subscriptions":[{"status":"ended"}]}`},
			}},
		{"a cancellation takes effect when it says, and is withdrawn by a renewal", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o"}
			2026-01-05T00:00:00Z subscription.canceled u {"subscription_id":"s","ends_at":"2026-01-20T00:00:00Z","comment":"why"}`,
			[]look{
				{"2026-01-04T00:00:00Z", `{"subscriptions":[{"status":"active","canceled_at":"2026-01-05T00:00:00Z","reason":"voluntary","comment":"why","ends_at":"2026-01-20T00:00:00Z"}]}`},
				{"2026-01-05T00:00:00Z", `{"status":"active","subscriptions":[{"status":"canceling"}]}`},
				{"2026-01-20T00:00:00Z", `{"status":"canceled","subscriptions":[{"status":"ended"}]}`},
			}},
		{"… the same with the renewal", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o"}
			2026-01-05T00:00:00Z subscription.canceled u {"subscription_id":"s","ends_at":"2026-01-20T00:00:00Z"}
			2026-01-06T00:00:00Z subscription.resumed u {"subscription_id":"s","ends_at":null}`,
			[]look{{"2026-01-05T00:00:00Z", `{"subscriptions":[{"status":"active","canceled_at":null,"reason":null,"ends_at":null}]}`}}},
		{"a cancellation without an end is at once, and one before the start empties the period", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"b","offer_id":"o"}
			2026-01-05T00:00:00Z subscription.canceled u {"subscription_id":"a","ends_at":null,"reason":"other"}
			2026-01-05T00:00:00Z subscription.canceled u {"subscription_id":"b","ends_at":"2025-01-01T00:00:00Z"}`,
			[]look{{"2026-01-06T00:00:00Z", `{"status":"canceled","status_since":"2026-01-05T00:00:00Z","subscriptions":[
				{"subscription_id":"a","ends_at":"2026-01-05T00:00:00Z","reason":"other"},
				{"subscription_id":"b","ends_at":"2026-01-01T00:00:00Z","status":"ended"}]}`}}},
		{"an empty period gives no status but registered", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o","ends_at":"2025-12-01T00:00:00Z"}`,
			[]look{{"2026-01-06T00:00:00Z", `{"status":"registered","status_since":"2026-01-01T00:00:00Z","subscriptions":[
				{"status":"ended","started_at":"2026-01-01T00:00:00Z","ends_at":"2026-01-01T00:00:00Z"}]}`}}},
		{"a cancellation after the end goes to the last period, once, and moves no end", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o","ends_at":"2026-01-10T00:00:00Z"}
			2026-01-11T00:00:00Z subscription.canceled u {"subscription_id":"a","reason":"non_payment","ends_at":"2026-02-01T00:00:00Z"}
			2026-01-12T00:00:00Z subscription.canceled u {"subscription_id":"a","reason":"other"}`,
			[]look{{"2026-01-15T00:00:00Z", `{"subscriptions":[{"ends_at":"2026-01-10T00:00:00Z","reason":"non_payment","canceled_at":"2026-01-11T00:00:00Z"}]}`}}},
		{"a cancellation without a period does nothing", `
			2026-01-11T00:00:00Z subscription.canceled u {"subscription_id":"a"}`,
			[]look{{"2026-01-15T00:00:00Z", `{"status":"registered","subscriptions":[]}`}}},
		{"a trial: its end can't be after the period's, and a cancellation ends the status", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o","trial_ends_at":"2026-01-15T00:00:00Z","ends_at":"2026-01-10T00:00:00Z"}
			2026-01-03T00:00:00Z subscription.canceled u {"subscription_id":"a","ends_at":"2026-01-10T00:00:00Z"}`,
			[]look{
				{"2026-01-02T00:00:00Z", `{"subscriptions":[{"status":"trialing","trial_ends_at":"2026-01-15T00:00:00Z","periods":[{"trial_to":"2026-01-10T00:00:00Z"}]}]}`},
				{"2026-01-03T00:00:00Z", `{"subscriptions":[{"status":"canceling"}]}`},
			}},
		{"a trial end that starts again without one stays, and null takes it away", `
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o","trial_ends_at":"2026-01-15T00:00:00Z"}
			2026-01-02T00:00:00Z subscription.started u {"subscription_id":"a","offer_id":"o"}
			2026-01-01T00:00:00Z subscription.started u {"subscription_id":"b","offer_id":"o","trial_ends_at":"2026-01-15T00:00:00Z"}
			2026-01-02T00:00:00Z subscription.started u {"subscription_id":"b","offer_id":"o","trial_ends_at":null}
			2026-01-03T00:00:00Z subscription.renewed u {"subscription_id":"b","trial_ends_at":"2026-01-15T00:00:00Z"}`,
			[]look{{"2026-01-03T00:00:00Z", `{"subscriptions":[{"subscription_id":"a","status":"trialing"},{"subscription_id":"b","status":"active","trial_ends_at":null}]}`}}},
		{"a rental: the first play moves the end; kind null is as absent", `
			2026-01-01T00:00:00Z rental.started u {"rental_id":"r","content_id":"c","kind":"purchase","title":"T","expires_at":"2026-01-31T00:00:00Z"}
			2026-01-01T00:00:00.000001Z rental.started u {"rental_id":"r","content_id":"c","kind":null,"title":null,"expires_at":"2026-01-31T00:00:00Z"}
			2026-01-02T00:00:00Z rental.activated u {"rental_id":"r","expires_at":"2026-01-04T00:00:00Z"}
			2026-01-03T00:00:00Z rental.revoked u {"rental_id":"r"}`,
			[]look{
				{"2026-01-02T12:00:00Z", `{"status":"active","rentals":[{"status":"active","kind":"purchase","title":null,"expires_at":"2026-01-03T00:00:00Z","revoked_at":"2026-01-03T00:00:00Z","reason":null}]}`},
				{"2026-01-03T00:00:00Z", `{"status":"canceled","rentals":[{"status":"ended"}]}`},
			}},
		{"an activation without a start opens, and its kind is rental", `
			2026-01-02T00:00:00Z rental.activated u {"rental_id":"r","expires_at":"2026-01-04T00:00:00Z"}`,
			[]look{{"2026-01-03T00:00:00Z", `{"status":"active","rentals":[{"kind":"rental","content_id":null,"amount":null}]}`}}},
		{"status is that of the union over all entitlements", `
			2026-01-01T00:00:00Z rental.started u {"rental_id":"r","content_id":"c","expires_at":"2026-01-05T00:00:00Z"}
			2026-01-03T00:00:00Z free_copy.granted u {"free_copy_id":"f","offer_id":"o","expires_at":"2026-01-07T00:00:00Z"}
			2026-01-07T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-01-08T00:00:00Z"}
			2026-01-20T00:00:00Z user.registered u {}`,
			[]look{
				{"2026-01-07T00:00:00Z", `{"status":"active","status_since":"2026-01-01T00:00:00Z","registered_at":"2026-01-20T00:00:00Z",
					"rentals":[{}],"free_copies":[{"content_id":null,"offer_id":"o","granted_at":"2026-01-03T00:00:00Z"}]}`},
				{"2026-02-01T00:00:00Z", `{"status":"canceled","status_since":"2026-01-08T00:00:00Z"}`},
			}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := history(t, "UTC", c.events)
			for _, l := range c.looks {
				d, ok := o.Detail("u", at(t, l.at))
				if !ok {
					is(t, l.at, nil, l.want)
					continue
				}
				is(t, fmt.Sprint("at ", l.at), d, l.want)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	o := history(t, "UTC", `
		2026-01-02T00:00:00Z user.updated u {"email":"new@example.org","custom":{"a":null,"b":2}}
		2026-01-01T00:00:00Z user.registered u {"email":"old@example.org","first_name":"Ana","custom":{"a":1,"c":["x"]}}
		2026-01-03T00:00:00Z user.registered u {"first_name":null}
		2025-12-31T00:00:00Z playback.started u {"session_id":"s","content_id":"c"}`)
	d, _ := o.Detail("u", at(t, "2025-12-31T00:00:00Z"))
	is(t, "profile", d, `{"email":"new@example.org","first_name":null,"last_name":null,"custom":{"b":2,"c":["x"]},
		"registered_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-03T00:00:00Z","status":"registered","status_since":"2026-01-01T00:00:00Z"}`)
	if _, ok := o.Detail("u", at(t, "2025-12-30T23:59:59.999999Z")); ok {
		t.Error("the user is there before the first event")
	}
	add(t, o, "x", `2026-01-04T00:00:00Z user.updated u {"custom":null}`)
	d, _ = o.Detail("u", at(t, "2026-02-01T00:00:00Z"))
	is(t, "profile", d, `{"custom":{},"updated_at":"2026-01-04T00:00:00Z"}`)
}
