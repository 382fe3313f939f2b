package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"boxoffice/domain"
)

var until = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type envelope struct {
	ID, Source, Type, Subject string
	Time                      time.Time
}

func parse(t *testing.T, e []byte) envelope {
	t.Helper()
	var v envelope
	if err := json.Unmarshal(e, &v); err != nil {
		t.Fatalf("%v: %s", err, e)
	}
	return v
}

// skim reads an event as parse does, in a fraction of the time, from where its
// members stand first. That the events are valid is tested elsewhere.
func skim(t *testing.T, e []byte) envelope {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, member(e, "time"))
	if err != nil {
		t.Fatalf("%v: %s", err, e)
	}
	return envelope{member(e, "id"), member(e, "source"), member(e, "type"), member(e, "subject"), at}
}

// member returns the text that follows a name, empty where there is none.
func member(e []byte, name string) string {
	_, after, _ := bytes.Cut(e, []byte(`"`+name+`":"`))
	text, _, _ := bytes.Cut(after, []byte(`"`))
	return string(text)
}

// The history of a default platform has the size and the mix it promises.
func TestYear(t *testing.T) {
	const users = DefaultUsers
	ids := map[string]bool{}
	types := map[string]int{}
	reasons := map[string]int{}
	subjects := map[string]bool{}
	size, n, late := 0, 0, 0
	var last time.Time
	for e := range New(Options{Seed: 7, Users: users, Until: until}).History() {
		v := skim(t, e)
		if ids[v.ID] {
			t.Fatalf("id twice: %s", e)
		}
		if v.Time.Before(last) {
			late++
		} else {
			last = v.Time
		}
		if !v.Time.Before(until) || v.Time.Before(until.AddDate(-1, 0, -3)) {
			t.Fatalf("not in the year: %s", e)
		}
		ids[v.ID] = true
		subjects[v.Subject] = true
		types[v.Type]++
		if v.Type == "subscription.canceled" {
			reasons[member(e, "reason")]++
		}
		n++
		size += len(e)
	}
	playback := types["playback.started"] + types["playback.progressed"] + types["playback.ended"]
	t.Logf("%d events, %d bytes each, %.1f %% playback, %d late, %v %v", n, size/n, 100*float64(playback)/float64(n), late, types, reasons)
	if n < 300_000 {
		t.Errorf("%d events, want 300,000 at least", n)
	}
	if share := float64(playback) / float64(n); share < .8 || share > .9 {
		t.Errorf("playback is %.2f of all, want about 0.85", share)
	}
	if mean := size / n; mean < 300 || mean > 500 {
		t.Errorf("%d bytes an event, want 300 to 500", mean)
	}
	if len(subjects) != users {
		t.Errorf("%d users, want %d", len(subjects), users)
	}
	if share := float64(late) / float64(n); share == 0 || share > .03 {
		t.Errorf("%d of %d events are late, want a few", late, n)
	}
	for _, typ := range domain.Types() {
		if types[string(typ)] == 0 && typ != domain.UserErased {
			t.Errorf("no %s", typ)
		}
	}
	if types["user.erased"] != 0 {
		t.Errorf("%d erasures, want none unless asked for", types["user.erased"])
	}
	for _, r := range []string{"", "voluntary", "non_payment", "switched", "other"} {
		if reasons[r] == 0 {
			t.Errorf("no cancellation with reason %q", r)
		}
	}
}

func digest(p *Platform) (sum uint64, n int) {
	h := fnv.New64a()
	for e := range p.History() {
		h.Write(e)
		n++
	}
	return h.Sum64(), n
}

// The same options give the same bytes, and another seed gives others.
func TestSameSeedSameEvents(t *testing.T) {
	o := Options{Seed: 3, Users: 60, Until: until, Erasures: 5}
	a, n := digest(New(o))
	b, m := digest(New(o))
	if a != b || n != m {
		t.Errorf("%d events with digest %x, then %d with %x", n, a, m, b)
	}
	o.Seed = 4
	if c, _ := digest(New(o)); c == a {
		t.Error("another seed gave the same events")
	}
}

// A history that is left goes on where it was.
func TestHistoryGoesOn(t *testing.T) {
	o := Options{Seed: 3, Users: 40, Until: until}
	whole, n := digest(New(o))
	p, h, m := New(o), fnv.New64a(), 0
	for e := range p.History() {
		h.Write(e)
		if m++; m == n/2 {
			break
		}
	}
	for e := range p.History() {
		h.Write(e)
		m++
	}
	if m != n || h.Sum64() != whole {
		t.Errorf("in two parts %d events, at once %d; or they differ", m, n)
	}
}

// Every event is one that the service accepts.
func TestValid(t *testing.T) {
	p := New(Options{Seed: 11, Users: 400, Until: until, Erasures: 20})
	check := func(e []byte, now time.Time) {
		t.Helper()
		if _, refusal := domain.Decode(&domain.Message{Body: e}, domain.InstantOf(now)); refusal != nil {
			t.Fatalf("%v: %s", refusal, e)
		}
	}
	for e := range p.History() {
		check(e, until)
	}
	now := until
	for range 20_000 {
		now = now.Add(50 * time.Millisecond)
		check(p.Happen(now), now)
	}
}

// Erased people are erased as often as asked for, and nothing is published
// about them after it, save where they register again.
func TestErasures(t *testing.T) {
	p := New(Options{Seed: 5, Users: 200, Until: until, Erasures: 24})
	erased := map[string]time.Time{}
	again := 0
	n := 0
	for e := range p.History() {
		v := parse(t, e)
		at, was := erased[v.Subject]
		switch {
		case v.Type == "user.erased":
			erased[v.Subject] = v.Time
			n++
		case was && v.Type == "user.registered":
			delete(erased, v.Subject)
			again++
			fallthrough
		default:
			if was && (!v.Time.After(at) || v.Type != "user.registered") {
				t.Fatalf("after the erasure: %s", e)
			}
		}
	}
	if n != 24 || again == 0 {
		t.Errorf("%d erasures and %d that registered again, want 24 and some", n, again)
	}
}

// What happens live happens at that time, or was due since, and goes on with
// the people of the history; new ones join.
func TestLive(t *testing.T) {
	p := New(Options{Seed: 5, Users: 300, Until: until})
	known := map[string]bool{}
	for e := range p.History() {
		known[parse(t, e).Subject] = true
	}
	now, playback, old, ids := until, 0, 0, map[string]bool{}
	const n = 5000
	for range n {
		now = now.Add(100 * time.Millisecond)
		v := parse(t, p.Happen(now))
		if v.Time.After(now) || v.Time.Before(until.Add(-4*24*time.Hour)) {
			t.Fatalf("at %v an event of %v", now, v.Time)
		}
		if ids[v.ID] {
			t.Fatalf("id twice: %v", v)
		}
		ids[v.ID] = true
		if strings.HasPrefix(v.Type, "playback.") {
			playback++
		}
		if known[v.Subject] {
			old++
		}
	}
	if playback < n*3/4 || old < n*3/4 || old == n {
		t.Errorf("of %d events %d are playback and %d of known people", n, playback, old)
	}
}

// Live returns as many events a second as asked for, until its context ends.
func TestLiveRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Seed: 5, Users: 30, Until: time.Now()})
		for range p.History() {
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		n := 0
		for e := range p.Live(ctx, 7.5) {
			if at := parse(t, e).Time; at.After(time.Now()) {
				t.Fatalf("at %v: %s", time.Now(), e)
			}
			n++
		}
		if n < 149 || n > 150 {
			t.Errorf("%d events in 20 s at 7.5 a second, want 150", n)
		}
	})
}

func BenchmarkYear(b *testing.B) {
	n := 0
	for b.Loop() {
		n = 0
		for range New(Options{Seed: 1, Users: 500, Until: until}).History() {
			n++
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
