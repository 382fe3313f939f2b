package oracle_test

import (
	"testing"
)

func TestKPI(t *testing.T) {
	type look struct{ month, at, want string }
	for _, c := range []struct {
		rule, zone, events string
		looks              []look
	}{
		{"months are local, an hour shorter or longer on a change of clocks", "Europe/Paris", `
			2026-02-28T22:59:59.999999Z user.registered a {}
			2026-02-28T23:00:00Z user.registered b {}
			2026-03-31T21:59:59.999999Z user.registered c {}
			2026-03-31T22:00:00Z user.registered d {}`,
			[]look{
				{"2026-02", "2026-06-01T00:00:00Z", `{"registered":{"count":1}}`},
				{"2026-03", "2026-06-01T00:00:00Z", `{"registered":{"count":2,"previous_month":{"count":1,"to_date":1},"change":1}}`},
				{"2026-04", "2026-06-01T00:00:00Z", `{"registered":{"count":1,"previous_month":{"count":2,"to_date":2},"change":-0.5}}`},
				{"2026-03", "2026-02-28T22:59:59.999999Z", `{"registered":null,"active":null,"trial":null,"unsubscribed":null,"cancellations":null}`},
				{"2026-03", "2026-02-28T23:00:00Z", `{"registered":{"count":1,"previous_month":{"count":1,"to_date":0},"change":null}}`},
			}},
		{"to date: the same local day and time, that included", "Europe/Paris", `
			2026-02-10T10:00:00Z user.registered a {}
			2026-02-10T10:00:00.000001Z user.registered b {}
			2026-02-28T22:00:00Z user.registered c {}
			2026-03-01T00:00:00Z user.registered d {}`,
			[]look{
				{"2026-03", "2026-03-10T10:00:00Z", `{"registered":{"count":1,"previous_month":{"count":3,"to_date":1},"change":0}}`},
				// Summer time: 12:00 local is 10:00 UTC now, and was 11:00 UTC then.
				{"2026-03", "2026-03-28T21:59:59Z", `{"registered":{"previous_month":{"count":3,"to_date":2},"change":-0.5}}`},
				{"2026-03", "2026-03-28T22:00:00Z", `{"registered":{"previous_month":{"count":3,"to_date":3},"change":-0.6667}}`},
				{"2026-03", "2026-03-29T00:00:00Z", `{"registered":{"previous_month":{"to_date":3}}}`},
			}},
		{"to date: a time that the clock skips is read with the offset before", "Europe/Paris", `
			2026-03-29T00:59:59.999999Z user.registered a {}
			2026-03-29T01:30:00Z user.registered b {}
			2026-03-29T01:30:00.000001Z user.registered c {}`,
			// 29 April, 02:30 local; 29 March has no 02:30, so it is 01:30 UTC, shown as 03:30.
			[]look{{"2026-04", "2026-04-29T00:30:00Z", `{"registered":{"count":0,"previous_month":{"count":3,"to_date":2},"change":-1}}`}}},
		{"to date: a time that the clock shows twice is the first", "Europe/Paris", `
			2026-10-25T00:30:00Z user.registered a {}
			2026-10-25T01:30:00Z user.registered b {}`,
			[]look{{"2026-11", "2026-11-25T01:30:00Z", `{"registered":{"previous_month":{"count":2,"to_date":1}}}`}}},
		{"to date: a day that the clocks skip is one that the month doesn't have", "Pacific/Apia", `
			2011-12-30T22:00:00Z user.registered a {}
			2011-12-30T22:30:00Z user.registered b {}`,
			[]look{
				{"2012-01", "2012-01-29T22:00:00Z", `{"registered":{"previous_month":{"count":2,"to_date":2}}}`}, // 30 January
				{"2012-01", "2012-01-30T22:00:00Z", `{"registered":{"previous_month":{"count":2,"to_date":1}}}`}, // 31 January
			}},
		{"active: a span reaches into the month up to T", "UTC", `
			2026-01-10T00:00:00Z rental.started u {"rental_id":"r","content_id":"c","expires_at":"2026-02-01T00:00:00Z"}
			2026-03-31T23:59:59.999999Z free_copy.granted u {"free_copy_id":"f","offer_id":"o","expires_at":"2026-04-01T00:00:00.000001Z"}`,
			[]look{
				{"2026-01", "2026-01-09T23:59:59.999999Z", `{"active":{"count":0}}`},
				{"2026-01", "2026-01-10T00:00:00Z", `{"active":{"count":1}}`},
				{"2026-02", "2026-02-10T00:00:00Z", `{"active":{"count":0}}`},
				{"2026-03", "2026-03-31T23:00:00Z", `{"active":{"count":0}}`},
				{"2026-03", "2026-04-02T00:00:00Z", `{"active":{"count":1}}`},
				{"2026-04", "2026-04-02T00:00:00Z", `{"active":{"count":1},"unsubscribed":{"count":0}}`},
			}},
		{"unsubscribed: a gap after a subscription that lasts past T, or to the month's end", "UTC", `
			2026-01-10T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-02-10T00:00:00Z"}
			2026-02-25T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o","ends_at":"2026-03-31T00:00:00Z"}
			2026-04-01T00:00:00Z subscription.started u {"subscription_id":"t","offer_id":"o","trial_ends_at":"2026-04-08T00:00:00Z"}
			2026-04-02T00:00:00Z subscription.canceled u {"subscription_id":"t","reason":"other","ends_at":"2026-05-01T00:00:00Z"}
			2026-04-03T00:00:00Z subscription.resumed u {"subscription_id":"t"}`,
			[]look{
				{"2026-02", "2026-02-09T23:59:59Z", `{"unsubscribed":{"count":0}}`},
				{"2026-02", "2026-02-10T00:00:00Z", `{"unsubscribed":{"count":1,"by_reason":{"voluntary":0,"non_payment":0,"other":0,"expired":1}}}`},
				{"2026-02", "2026-02-24T23:59:59Z", `{"unsubscribed":{"count":1}}`},
				{"2026-02", "2026-02-25T00:00:00Z", `{"unsubscribed":{"count":0}}`},
				{"2026-02", "2026-06-01T00:00:00Z", `{"unsubscribed":{"count":0}}`},
				{"2026-03", "2026-06-01T00:00:00Z", `{"unsubscribed":{"count":1}}`}, // back on the 1st, which isn't in March
				{"2026-04", "2026-04-01T00:00:00Z", `{"trial":{"count":1},"cancellations":{"count":0}}`},
				{"2026-04", "2026-04-02T00:00:00Z", `{"cancellations":{"count":1}}`}, // withdrawn later
				{"2026-05", "2026-06-01T00:00:00Z", `{"unsubscribed":{"count":0},"trial":{"count":0},"active":{"count":1},"cancellations":{"count":0}}`},
			}},
		{"unsubscribed: the reason is of the period that ended, of several the one that began last, then the greatest id", "UTC", `
			2026-01-01T00:00:00Z subscription.started a {"subscription_id":"s","offer_id":"o"}
			2026-01-02T00:00:00Z subscription.started a {"subscription_id":"t","offer_id":"o"}
			2026-01-10T00:00:00Z subscription.canceled a {"subscription_id":"s","reason":"other"}
			2026-01-10T00:00:00Z subscription.canceled a {"subscription_id":"t","reason":"non_payment"}
			2026-01-01T00:00:00Z subscription.started b {"subscription_id":"Z","offer_id":"o"}
			2026-01-01T00:00:00Z subscription.started b {"subscription_id":"a","offer_id":"o","ends_at":"2026-01-10T00:00:00Z"}
			2026-01-10T00:00:00Z subscription.canceled b {"subscription_id":"Z","reason":"other"}
			2026-01-01T00:00:00Z subscription.started c {"subscription_id":"s","offer_id":"o"}
			2026-01-10T00:00:00Z subscription.canceled c {"subscription_id":"s"}
			2026-01-10T00:00:00Z subscription.started c {"subscription_id":"s","offer_id":"o","ends_at":"2026-01-10T00:00:00Z"}`,
			// a: t began last. b: a is greater than Z, and ended without a cancellation. c: the empty period at the end counts for nothing.
			[]look{{"2026-01", "2026-01-20T00:00:00Z", `{"unsubscribed":{"count":3,"by_reason":{"voluntary":1,"non_payment":1,"other":0,"expired":1}}}`}}},
		{"cancellations: only what was recorded on a period, users once", "UTC", `
			2026-01-01T00:00:00Z subscription.canceled a {"subscription_id":"s"}
			2026-01-02T00:00:00Z subscription.started b {"subscription_id":"s","offer_id":"o","ends_at":"2026-01-03T00:00:00Z"}
			2026-01-05T00:00:00Z subscription.canceled b {"subscription_id":"s"}
			2026-02-05T00:00:00Z subscription.canceled b {"subscription_id":"s"}
			2026-01-02T00:00:00Z rental.started c {"rental_id":"r","content_id":"c"}
			2026-01-03T00:00:00Z rental.revoked c {"rental_id":"r"}`,
			[]look{
				{"2026-01", "2026-03-01T00:00:00Z", `{"cancellations":{"count":1},"unsubscribed":{"count":1,"by_reason":{"voluntary":1,"non_payment":0,"other":0,"expired":0}}}`},
				{"2026-02", "2026-03-01T00:00:00Z", `{"cancellations":{"count":0}}`},
			}},
		{"a first hour of the month that clocks skip, and one that they show twice", "America/Havana", `
			2020-11-01T03:59:59.999999Z user.registered a {}
			2020-11-01T04:00:00Z user.registered b {}
			2020-11-01T05:00:00Z user.registered c {}`,
			[]look{{"2020-11", "2021-01-01T00:00:00Z", `{"registered":{"count":2,"previous_month":{"count":1}}}`}}},
		{"… and that they skip", "America/Asuncion", `
			2017-10-01T03:59:59.999999Z user.registered a {}
			2017-10-01T04:00:00Z user.registered b {}`,
			[]look{{"2017-10", "2018-01-01T00:00:00Z", `{"registered":{"count":1,"previous_month":{"count":1}}}`}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := history(t, c.zone, c.events)
			for _, l := range c.looks {
				k, err := o.KPI(l.month, at(t, l.at))
				if err != nil {
					t.Fatal(err)
				}
				is(t, l.month+" at "+l.at, k, l.want)
			}
		})
	}
}

// The shape of a month, whole.
func TestKPIShape(t *testing.T) {
	o := history(t, "Europe/Paris", `
		2026-10-01T00:00:00Z user.registered a {}
		2026-11-01T00:00:00Z user.registered b {"first_name":"B"}`)
	k, err := o.KPIs("2026-11", "2026-12", at(t, "2026-11-23T12:00:00.5Z"))
	if err != nil {
		t.Fatal(err)
	}
	is(t, "months", k, `[{"month":"2026-11","time_zone":"Europe/Paris","as_of":"2026-11-23T12:00:00.5Z",
		"registered":{"count":1,"previous_month":{"count":1,"to_date":1},"change":0},"active":{"count":0},"trial":{"count":0},
		"unsubscribed":{"count":0,"by_reason":{"voluntary":0,"non_payment":0,"other":0,"expired":0}},"cancellations":{"count":0},"position":2},
		{"month":"2026-12","registered":null}]`)
	m, err := o.Members("2026-11", "registered", "", at(t, "2026-11-23T12:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	is(t, "members", m, `{"users":[{"id":"b","first_name":"B"}],"erased":0}`)
}
