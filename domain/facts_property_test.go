// This file shows that facts are a function of the set of events, and what is
// left of them after an erasure.

package domain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
)

// results is all that is said of a user.
type results struct {
	First               domain.Instant
	Registered, Updated *domain.Instant
	Profile             domain.Profile
	Entitlements        []domain.Entitlement
	Subscriptions       []domain.EntitlementView
	Timeline            []domain.StatusChange
	Contributions       []domain.Contribution
	Forgotten           bool
}

func resultsOf(f *domain.UserFacts, c domain.Calendar, grace domain.Grace) results {
	return results{
		f.FirstEventAt(), f.RegisteredAt(), f.UpdatedAt(), f.Profile(),
		f.Entitlements(), f.EntitlementsAt(domain.Subscription, c.Start(domain.Month{Year: 2026, Month: 3}), grace),
		f.Timeline(grace), f.Contributions(c, grace), f.Forgotten(),
	}
}

// statusAt returns what the timeline says at t; it is not ok before the first event.
func statusAt(f *domain.UserFacts, grace domain.Grace, t domain.Instant) (status domain.Status, since domain.Instant, ok bool) {
	for _, c := range f.Timeline(grace) {
		if c.From <= t {
			status, since, ok = c.Status, c.Since, true
		}
	}
	return status, since, ok
}

// throughBytes writes the facts and reads them again.
func throughBytes(t require, f *domain.UserFacts) *domain.UserFacts {
	t.Helper()
	again, err := domain.DecodeUserFacts([]byte(encoded(t, f)))
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	return again
}

func sessionThroughBytes(t require, f *domain.SessionFacts) *domain.SessionFacts {
	t.Helper()
	again, err := domain.DecodeSessionFacts(f.View(0, timeout).SessionID, f.ContentID(), []byte(encoded(t, f)))
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	return again
}

func TestUserFactsAreAFunctionOfTheSetOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := drawHistory(t, c, m, append(livingTypes, domain.UserErased))
		want := userFacts(inHistoryOrder(events)...)
		grace := drawGrace(t)

		got := new(domain.UserFacts)
		for _, e := range shuffledAndRepeated(t, events) {
			got.Add(e)
			if rapid.IntRange(0, 2).Draw(t, "written in between") == 0 {
				got = throughBytes(t, got)
			}
		}
		if encoded(t, got) != encoded(t, want) {
			t.Errorf("the facts differ by the order of arrival")
		}
		if diff := cmp.Diff(resultsOf(want, c, grace), resultsOf(got, c, grace)); diff != "" {
			t.Errorf("the results differ by the order of arrival (-in order +as they came):\n%s", diff)
		}
		if diff := cmp.Diff(resultsOf(want, c, grace), resultsOf(throughBytes(t, want), c, grace)); diff != "" {
			t.Errorf("the results differ after writing (-before +after):\n%s", diff)
		}
	})
}

func TestSessionFactsAreAFunctionOfTheSetOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := drawHistory(t, c, m, playbackTypes)
		want := sessionFacts(inHistoryOrder(events)...)

		got := new(domain.SessionFacts)
		for _, e := range shuffledAndRepeated(t, events) {
			got.Add(e)
			if rapid.IntRange(0, 2).Draw(t, "written in between") == 0 {
				got = sessionThroughBytes(t, got)
			}
		}
		if encoded(t, got) != encoded(t, want) {
			t.Errorf("the facts differ by the order of arrival")
		}
		now := drawInstant(t, c, m, "now")
		if diff := cmp.Diff(want.View(now, timeout), got.View(now, timeout)); diff != "" {
			t.Errorf("the view differs by the order of arrival (-in order +as they came):\n%s", diff)
		}
		if diff := cmp.Diff(want.View(now, timeout), sessionThroughBytes(t, want).View(now, timeout)); diff != "" {
			t.Errorf("the view differs after writing (-before +after):\n%s", diff)
		}
	})
}

// withoutPersonal returns the event as it is read back after the erasure of its
// user.
func withoutPersonal(e *domain.Event) *domain.Event {
	bare := *e
	bare.Subject, bare.Personal = "", nil
	if e.Profile != nil {
		bare.Profile = &domain.ProfileChange{Registers: e.Profile.Registers}
	}
	if e.Entitlement != nil {
		entitlement := *e.Entitlement
		entitlement.Comment = domain.Field[string]{}
		bare.Entitlement = &entitlement
	}
	return &bare
}

func TestForgettingEqualsTheEventsWithoutWhatIsPersonal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := drawHistory(t, c, m, livingTypes)
		before := userFacts(events...)
		full := userFacts(events...)
		full.Forget()
		restored := new(domain.UserFacts)
		for _, e := range shuffledAndRepeated(t, events) {
			restored.Add(withoutPersonal(e))
		}
		restored.Forget()
		if encoded(t, restored) != encoded(t, full) {
			t.Errorf("forgotten facts are not those of the events without what is personal")
		}

		erased := drawEvent(t, c, m, domain.UserErased)
		full.Add(erased)
		if byEvent := userFacts(append(events, erased)...); encoded(t, byEvent) != encoded(t, full) {
			t.Errorf("an event of erasure doesn't forget as Forget does")
		}
		var counted []domain.Contribution
		for _, e := range before.Contributions(c, domain.Grace(hour)) {
			switch e.Counter {
			case domain.CounterUsersActive, domain.CounterUsersCanceled, domain.CounterUsersRegistered:
			default:
				counted = append(counted, e)
			}
		}
		if diff := cmp.Diff(counted, append([]domain.Contribution(nil), full.Contributions(c, domain.Grace(hour))...)); diff != "" {
			t.Errorf("an erased user doesn't count where they counted (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(domain.Profile{Custom: []byte("{}")}, full.Profile()); diff != "" {
			t.Errorf("an erased user has a profile (-none +theirs):\n%s", diff)
		}
		for _, e := range full.Entitlements() {
			for _, p := range e.Periods {
				if p.Comment() != nil || p.PastDue != nil && p.PastDue.Comment != nil {
					t.Errorf("an erased user has a comment")
				}
			}
		}
	})
}

func TestContributionsDiffTurnsOneLedgerIntoTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := drawHistory(t, c, m, livingTypes)
		facts := userFacts(events[:len(events)/2]...)
		old := facts.Contributions(c, domain.Grace(hour))
		for _, e := range events[len(events)/2:] {
			facts.Add(e)
		}
		diff := domain.ContributionsDiff(old, facts.Contributions(c, domain.Grace(hour)))
		sum := make(map[domain.Contribution]int)
		for _, e := range append(old, diff...) {
			sum[domain.Contribution{Counter: e.Counter, At: e.At}] += e.Delta
		}
		for _, e := range facts.Contributions(c, domain.Grace(hour)) {
			sum[domain.Contribution{Counter: e.Counter, At: e.At}] -= e.Delta
		}
		for e, left := range sum {
			if left != 0 {
				t.Errorf("%s at %v is off by %d", e.Counter, e.At, left)
			}
		}
		for _, e := range diff {
			if e.Delta == 0 {
				t.Errorf("%s at %v is there with nothing", e.Counter, e.At)
			}
		}
	})
}

// Whoever holds the old ledger and asks for the difference keeps it as it was.
func TestContributionsDiffLeavesItsArgumentsAlone(t *testing.T) {
	ledger := func() []domain.Contribution {
		return []domain.Contribution{{Counter: "b", At: 2, Delta: 1}, {Counter: "a", At: 1, Delta: 2}}
	}
	old, new := ledger(), ledger()
	domain.ContributionsDiff(nil, new)
	domain.ContributionsDiff(old, nil)
	if diff := cmp.Diff([][]domain.Contribution{ledger(), ledger()}, [][]domain.Contribution{old, new}); diff != "" {
		t.Errorf("the ledgers changed (-were +are):\n%s", diff)
	}
}
