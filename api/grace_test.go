package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"boxoffice/accounts/accountstest"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A renewal at most the grace after the end is no gap, in any answer; a microsecond
// more, and the user was gone. Where the one that comes in time is on trial, so are
// the figures from the end before on.
func TestRenewalGrace(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		w := newWorldOn(t, accountstest.NewIn(t, open(), "Europe/Paris", 36*time.Hour))
		for user, renewed := range map[string]string{
			"in time":  happened("2026-11-06T12:00:00Z", "in time", "subscription.renewed", `{"subscription_id":"s","ends_at":"2026-12-05T00:00:00Z"}`),
			"too late": happened("2026-11-06T12:00:00.000001Z", "too late", "subscription.renewed", `{"subscription_id":"s","ends_at":"2026-12-05T00:00:00Z"}`),
			"on trial": happened("2026-11-06T00:00:00Z", "on trial", "subscription.started",
				`{"subscription_id":"s","offer_id":"o","trial_ends_at":"2026-11-13T00:00:00Z","ends_at":"2026-12-05T00:00:00Z"}`),
		} {
			w.happen(happened("2026-10-05T00:00:00Z", user, "subscription.started", `{"subscription_id":"s","offer_id":"o","ends_at":"2026-11-05T00:00:00Z"}`), renewed)
		}
		const between = "as_of=2026-11-05T12:00:00Z"
		w.shows(RoleAdmin, "/v1/user-counts?"+between, `{"registered":0,"active":2,"canceled":1,"total":3}`)
		for path, want := range map[string][]string{
			"/v1/users?status=active&" + between:                               {"in time", "on trial"},
			"/v1/users?status=canceled&" + between:                             {"too late"},
			"/v1/kpis/2026-11/active/users?" + between:                         {"in time", "on trial", "too late"},
			"/v1/kpis/2026-11/trial/users?" + between:                          {"on trial"},
			"/v1/kpis/2026-11/trial/users?as_of=2026-11-04T23:59:59.999999Z":   {},
			"/v1/kpis/2026-11/unsubscribed/users?reason=expired&" + between:    {"too late"},
			"/v1/kpis/2026-11/unsubscribed/users?as_of=2026-11-06T12:00:00.1Z": {},
		} {
			if got := w.idsOf(path); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
		for user, want := range map[string]string{"in time": "active", "on trial": "active", "too late": "ended"} {
			w.showsSubscription(user, between, subscriptionShown{want, "2026-10-05T00:00:00Z", "2026-11-05T00:00:00Z", 1})
		}
		for user, want := range map[string]subscriptionShown{
			"in time":  {"active", "2026-11-06T12:00:00Z", "2026-12-05T00:00:00Z", 2},
			"on trial": {"trialing", "2026-11-06T00:00:00Z", "2026-12-05T00:00:00Z", 2},
			"too late": {"active", "2026-11-06T12:00:00.000001Z", "2026-12-05T00:00:00Z", 2},
		} {
			w.showsSubscription(user, "as_of=2026-11-07T00:00:00Z", want)
		}
	})
}

// idsOf lists the ids of the users that are answered, in ascending order.
func (w *world) idsOf(path string) []string {
	w.t.Helper()
	var page struct{ Users []struct{ ID string } }
	if err := json.Unmarshal(w.get(RoleAdmin, path).ok(http.StatusOK).Body.Bytes(), &page); err != nil {
		w.t.Fatal(err)
	}
	ids := []string{}
	for _, u := range page.Users {
		ids = append(ids, u.ID)
	}
	slices.Sort(ids)
	return ids
}

// A subscriptionShown is what is looked at of a subscription.
type subscriptionShown struct {
	status, startedAt, endsAt string
	periods                   int
}

// showsSubscription holds a user's only subscription to be shown so.
func (w *world) showsSubscription(user, asOf string, want subscriptionShown) {
	w.t.Helper()
	var detail struct {
		Subscriptions []struct {
			Status    string
			StartedAt string `json:"started_at"`
			EndsAt    string `json:"ends_at"`
			Periods   []any
		}
	}
	body := w.get(RoleAdmin, "/v1/users/"+url.PathEscape(user)+"?"+asOf).ok(http.StatusOK).Body.Bytes()
	if err := json.Unmarshal(body, &detail); err != nil || len(detail.Subscriptions) != 1 {
		w.t.Fatalf("%v: %s", err, body)
	}
	s := detail.Subscriptions[0]
	if got := (subscriptionShown{s.Status, s.StartedAt, s.EndsAt, len(s.Periods)}); got != want {
		w.t.Errorf("%s, %s: %v, want %v", user, asOf, got, want)
	}
}
