// This file compares the fold of domain with the oracle: two readings of the
// same rules, over histories in which everything meets everything else.

package oracle_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/internal/oracle"
	"boxoffice/internal/platform"
)

// At every instant the fold says the same as the oracle, whatever the order in
// which it was given the events, and however often.
func TestFoldAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := oracle.Histories().Draw(t, "history")
		compareDomain(t, h)
	})
}

// compareDomain holds the fold of one history against the oracle.
func compareDomain(t *rapid.T, h oracle.History) {
	o := oracle.New(oracle.Options{Zone: h.Zone, RenewalGrace: h.Grace})
	for _, e := range h.Events {
		if outcome, err := o.Add(e); err != nil || outcome != oracle.Recorded {
			t.Fatalf("%v %v: %s", outcome, err, e)
		}
	}
	f := foldShuffled(t, h)
	for range 4 {
		at := h.AnyInstant(t, "T")
		f.compareUsers(t, o, at)
		f.compareSessions(t, o, at)
		f.compareKPIs(t, o, h, at)
	}
	f.compareContents(t, o, h)
	f.eraseSome(t, o)
	f.compareKPIs(t, o, h, h.AnyInstant(t, "T after erasures"))
}

// eraseSome erases some of the users, who are then in no count of users and in
// every figure that they were in.
func (f *folded) eraseSome(t *rapid.T, o *oracle.Oracle) {
	for _, id := range f.ids {
		if !rapid.Bool().Draw(t, "erased") {
			continue
		}
		erased := fmt.Appendf(nil, `{"source":"/erasures","id":%q,"type":"user.erased","subject":%q,"time":"2030-01-01T00:00:00Z"}`, id, id)
		if outcome, err := o.Add(erased); err != nil || outcome != oracle.Recorded {
			t.Fatalf("%v %v: %s", outcome, err, erased)
		}
		f.users[id].Forget()
		for _, c := range f.users[id].Contributions(f.calendar, f.grace) {
			if strings.HasPrefix(string(c.Counter), "users:") {
				t.Fatalf("an erased user contributes to %s", c.Counter)
			}
		}
		b, err := f.users[id].AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.users[id], err = domain.DecodeUserFacts(b); err != nil {
			t.Fatal(err)
		}
	}
}

// folded holds what domain has made of a history.
type folded struct {
	calendar  domain.Calendar
	grace     domain.Grace
	ids       []string
	retracted map[string]domain.Retractions
	users     map[string]*domain.UserFacts
	sessions  map[string]map[[2]string]*domain.SessionFacts
}

func newFolded(zone *time.Location, grace time.Duration) *folded {
	return &folded{
		calendar:  domain.Calendar{Zone: zone},
		grace:     domain.Grace(grace.Microseconds()),
		retracted: map[string]domain.Retractions{},
		users:     map[string]*domain.UserFacts{},
		sessions:  map[string]map[[2]string]*domain.SessionFacts{},
	}
}

// foldShuffled decodes a history's events and folds them in any order, some of
// them twice, and writes the facts out and reads them back now and then.
func foldShuffled(t *rapid.T, h oracle.History) *folded {
	var events []*domain.Event
	for _, raw := range h.Events {
		e, refusal := domain.Decode(&domain.Message{Body: raw}, domain.InstantOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)))
		if refusal != nil {
			t.Fatalf("%v: %s", refusal, raw)
		}
		events = append(events, e)
	}
	if len(events) > 0 {
		events = append(events, rapid.SliceOfN(rapid.SampledFrom(events), 0, 3).Draw(t, "twice")...)
	}
	events = rapid.Permutation(events).Draw(t, "order")
	saved := rapid.IntRange(0, len(events)).Draw(t, "saved after")
	f := newFolded(h.Zone, h.Grace)
	f.retract(events)
	for i, e := range events {
		if i == saved {
			f.saveAndLoad(t)
		}
		f.add(e)
	}
	return f
}

// retract takes up what is retracted by any of the events that are to be added.
func (f *folded) retract(events []*domain.Event) {
	for _, e := range events {
		if f.retracted[e.Subject] == nil {
			f.retracted[e.Subject] = domain.Retractions{}
		}
		if e.Retraction != nil {
			f.retracted[e.Subject].Retract(*e.Retraction)
		}
	}
}

func (f *folded) add(e *domain.Event) {
	u := f.users[e.Subject]
	if u == nil {
		u = &domain.UserFacts{}
		f.ids = append(f.ids, e.Subject)
		f.users[e.Subject] = u
		f.sessions[e.Subject] = map[[2]string]*domain.SessionFacts{}
	}
	if !f.retracted[e.Subject].Counts(e) {
		return
	}
	u.Add(e)
	if e.Playback != nil {
		key := [2]string{e.Playback.SessionID, e.Playback.ContentID}
		s := f.sessions[e.Subject][key]
		if s == nil {
			s = &domain.SessionFacts{}
			f.sessions[e.Subject][key] = s
		}
		s.Add(e)
	}
}

func (f *folded) saveAndLoad(t *rapid.T) {
	for id, u := range f.users {
		b, err := u.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.users[id], err = domain.DecodeUserFacts(b); err != nil {
			t.Fatal(err)
		}
		for key, s := range f.sessions[id] {
			if b, err = s.AppendBinary(nil); err != nil {
				t.Fatal(err)
			}
			if f.sessions[id][key], err = domain.DecodeSessionFacts(key[0], key[1], b); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (f *folded) compareUsers(t fataler, o *oracle.Oracle, at oracle.Instant) {
	for _, id := range f.ids {
		want, wantOK := o.Detail(id, at)
		got, gotOK := f.detail(id, at)
		if gotOK != wantOK {
			t.Fatalf("user %q at %v: is there: %v, want %v", id, at, gotOK, wantOK)
		}
		if gotOK {
			same(t, fmt.Sprintf("user %q at %v", id, domain.Instant(at)), got, want)
		}
	}
	counts := oracle.Counts{}
	for _, id := range f.ids {
		var n [3]int
		for _, c := range f.users[id].Contributions(f.calendar, f.grace) {
			for i, counter := range []domain.Counter{domain.CounterUsersRegistered, domain.CounterUsersActive, domain.CounterUsersCanceled} {
				if c.Counter == counter && c.At <= domain.Instant(at) {
					n[i] += c.Delta
				}
			}
		}
		counts.Registered, counts.Active, counts.Canceled = counts.Registered+n[0], counts.Active+n[1], counts.Canceled+n[2]
		counts.Total += n[0] + n[1] + n[2]
	}
	same(t, fmt.Sprintf("user counts at %v", domain.Instant(at)), counts, o.UserCounts(at))
}

func (f *folded) compareSessions(t fataler, o *oracle.Oracle, at oracle.Instant) {
	for _, id := range f.ids {
		got := map[string]oracle.Session{}
		want := map[string]oracle.Session{}
		for key, s := range f.sessions[id] {
			got[key[0]+" "+key[1]] = session(s.View(domain.Instant(at), 30*time.Minute))
		}
		for _, s := range o.Sessions(oracle.SessionsQuery{At: at, UserID: id}) {
			want[s.SessionID+" "+s.ContentID] = s.Session
		}
		same(t, fmt.Sprintf("sessions of %q at %v", id, domain.Instant(at)), got, want)
	}
}

func (f *folded) compareContents(t *rapid.T, o *oracle.Oracle, h oracle.History) {
	from, to := h.AnyInstant(t, "from"), h.AnyInstant(t, "to")
	for _, id := range f.ids {
		in := map[string][]*domain.SessionFacts{}
		for _, s := range f.sessions[id] {
			if at := oracle.Instant(s.StartedAt()); from <= at && at < to {
				in[s.ContentID()] = append(in[s.ContentID()], s)
			}
		}
		got := []oracle.Content{}
		for _, of := range in {
			v := domain.ViewedContent(of)
			got = append(got, oracle.Content{
				ContentID: v.ContentID, Title: v.Title, Sessions: int(v.Sessions), Duration: oracle.Seconds(v.DurationMS),
				Watched: oracle.Seconds(v.WatchedMS), ContentLength: (*oracle.Seconds)(v.ContentLengthMS),
				CompletionRate: (*oracle.Rate)(v.CompletionRate), FirstStartedAt: oracle.Instant(v.FirstStartedAt),
				LastEventAt: oracle.Instant(v.LastEventAt),
			})
		}
		slices.SortFunc(got, func(a, b oracle.Content) int {
			return cmp.Or(cmp.Compare(b.LastEventAt, a.LastEventAt), cmp.Compare(a.ContentID, b.ContentID))
		})
		same(t, fmt.Sprintf("contents of %q", id), got, o.UserContents(id, &from, &to))
	}
}

func (f *folded) compareKPIs(t fataler, o *oracle.Oracle, h oracle.History, at oracle.Instant) {
	for _, m := range h.Months {
		want, err := o.KPI(m, at)
		if err != nil {
			t.Fatal(err)
		}
		got := f.kpi(m, domain.Instant(at))
		got.Position = want.Position
		same(t, fmt.Sprintf("figures of %v at %v in %v", m, domain.Instant(at), h.Zone), got, want)
		for _, kpi := range []string{"registered", "active", "trial", "unsubscribed", "cancellations"} {
			members, err := o.Members(m, kpi, "", at)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(members.Users) + members.Erased; n != count(want, kpi) {
				t.Fatalf("%s of %v at %v: %d members of %d", kpi, m, domain.Instant(at), n, count(want, kpi))
			}
		}
	}
}

func count(k oracle.MonthKPI, kpi string) int {
	switch {
	case k.Active == nil:
		return 0
	case kpi == "registered":
		return k.Registered.Count
	case kpi == "active":
		return k.Active.Count
	case kpi == "trial":
		return k.Trial.Count
	case kpi == "unsubscribed":
		return k.Unsubscribed.Count
	}
	return k.Cancellations.Count
}

// kpi sums the users' contributions to a month's figures.
func (f *folded) kpi(month string, at domain.Instant) oracle.MonthKPI {
	k := oracle.MonthKPI{Month: month, TimeZone: f.calendar.Zone.String(), AsOf: oracle.Instant(at)}
	m, _ := domain.ParseMonth(month)
	if _, _, begun := f.calendar.Window(m, at); !begun {
		return k
	}
	sum := func(counter domain.Counter, m domain.Month, at domain.Instant) (n int) {
		for _, id := range f.ids {
			n += f.calendar.Figure(f.users[id].Contributions(f.calendar, f.grace), counter, m, at)
		}
		return n
	}
	r := &oracle.Registered{Count: sum(domain.CounterRegistered, m, at)}
	r.PreviousMonth.Count = sum(domain.CounterRegistered, m.Prev(), at)
	r.PreviousMonth.ToDate = r.PreviousMonth.Count
	if cut, whole := f.calendar.SameTimeInPreviousMonth(m, at); !whole {
		r.PreviousMonth.ToDate = sum(domain.CounterRegistered, m.Prev(), cut)
	}
	if to := r.PreviousMonth.ToDate; to != 0 { // exact: there are few users
		change := oracle.Rate(math.Floor(float64(r.Count-to)/float64(to)*10_000 + .5))
		r.Change = &change
	}
	u := &oracle.Unsubscribed{ByReason: oracle.ByReason{
		Voluntary:  sum(domain.UnsubscribedCounter(domain.ChurnVoluntary), m, at),
		NonPayment: sum(domain.UnsubscribedCounter(domain.ChurnNonPayment), m, at),
		Switched:   sum(domain.UnsubscribedCounter(domain.ChurnSwitched), m, at),
		Other:      sum(domain.UnsubscribedCounter(domain.ChurnOther), m, at),
		Expired:    sum(domain.UnsubscribedCounter(domain.ChurnExpired), m, at),
		Paused:     sum(domain.UnsubscribedCounter(domain.ChurnPaused), m, at),
	}}
	by := u.ByReason
	u.Count = by.Voluntary + by.NonPayment + by.Switched + by.Other + by.Expired + by.Paused
	k.Registered, k.Unsubscribed = r, u
	k.Active = &oracle.Count{Count: sum(domain.CounterActive, m, at)}
	k.Trial = &oracle.Count{Count: sum(domain.CounterTrial, m, at)}
	k.Cancellations = &oracle.Cancellations{Count: sum(domain.CounterCancellations, m, at), ByReason: oracle.CancellationReasons{
		Voluntary:  sum(domain.CancellationsCounter(domain.ChurnVoluntary), m, at),
		NonPayment: sum(domain.CancellationsCounter(domain.ChurnNonPayment), m, at),
		Switched:   sum(domain.CancellationsCounter(domain.ChurnSwitched), m, at),
		Other:      sum(domain.CancellationsCounter(domain.ChurnOther), m, at),
	}}
	return k
}

// A fataler is a test: one of the testing package, or one that rapid repeats.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// same fails where two answers aren't the same JSON.
func same(t fataler, what string, got, want any) {
	t.Helper()
	a, b := canonical(t, got), canonical(t, want)
	if d := gocmp.Diff(b, a); d != "" {
		t.Fatalf("%s (-oracle +domain):\n%s", what, d)
	}
}

func canonical(t fataler, v any) (decoded any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// A year of the simulated platform gives the same figures, details and
// sessions in both, at instants all over it.
func TestFoldAgreesOnAYear(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	const grace = 3 * time.Hour // some of those who are charged late are in it
	o := oracle.New(oracle.Options{Zone: zone, RenewalGrace: grace})
	var events []*domain.Event
	for raw := range platform.New(platform.Options{Seed: 9, Users: 200, Until: until}).History() {
		if outcome, err := o.Add(raw); err != nil || outcome != oracle.Recorded {
			t.Fatalf("%v %v: %s", outcome, err, raw)
		}
		e, refusal := domain.Decode(&domain.Message{Body: raw}, domain.InstantOf(until))
		if refusal != nil {
			t.Fatalf("%v: %s", refusal, raw)
		}
		events = append(events, e)
	}
	f := newFolded(zone, grace)
	f.retract(events)
	for _, e := range events {
		f.add(e)
	}
	h := oracle.History{Zone: zone}
	for m := range 14 {
		h.Months = append(h.Months, time.Date(2025, time.Month(11+m), 1, 0, 0, 0, 0, zone).Format("2006-01"))
	}
	for _, at := range []time.Time{until, until.AddDate(0, 2, 0), until.AddDate(0, -3, 8), time.Date(2026, 3, 1, 0, 0, 0, 0, zone)} {
		f.compareUsers(t, o, oracle.Of(at))
		f.compareSessions(t, o, oracle.Of(at))
		f.compareKPIs(t, o, h, oracle.Of(at))
	}
}
