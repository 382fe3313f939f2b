// This file holds what was viewed of contents, and unions of ranges and spans,
// against their definitions.

package domain_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
)

func TestViewedContentIsThatOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := make(map[[2]string][]*domain.Event)
		for _, e := range drawHistory(t, c, m, playbackTypes) {
			e.Playback.SessionID = rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(t, "session")
			e.Playback.ContentID = rapid.SampledFrom([]string{"film", "news"}).Draw(t, "content")
			key := [2]string{e.Playback.SessionID, e.Playback.ContentID}
			events[key] = append(events[key], e)
		}
		sessions := make(map[string][]*domain.SessionFacts)
		byContent := make(map[string][][]*domain.Event)
		for key, of := range events {
			sessions[key[1]] = append(sessions[key[1]], sessionFacts(of...))
			byContent[key[1]] = append(byContent[key[1]], of)
		}
		for content, of := range byContent {
			if diff := gocmp.Diff(directContent(of), domain.ViewedContent(sessions[content])); diff != "" {
				t.Errorf("what was viewed of %s (-by the definition +folded):\n%s", content, diff)
			}
		}
	})
}

// directContent returns what was viewed of one content, from the events of each
// of its sessions.
func directContent(sessions [][]*domain.Event) domain.ContentView {
	var views []domain.SessionView
	var ranges []domain.Range
	for _, events := range sessions {
		views = append(views, directSession(events, 0))
		for _, e := range events {
			ranges = append(ranges, e.Playback.Played...)
		}
	}
	slices.SortFunc(views, func(a, b domain.SessionView) int {
		return cmp.Or(cmp.Compare(b.StartedAt, a.StartedAt), cmp.Compare(b.SessionID, a.SessionID))
	})
	v := domain.ContentView{
		ContentID:      views[0].ContentID,
		Sessions:       int64(len(views)),
		FirstStartedAt: domain.Never,
		LastEventAt:    domain.Always,
	}
	for _, s := range views { // the latest first
		if v.Title == nil {
			v.Title = s.Title
		}
		if v.ContentLengthMS == nil {
			v.ContentLengthMS = s.ContentLengthMS
		}
		v.DurationMS += s.DurationMS
		v.FirstStartedAt = min(v.FirstStartedAt, s.StartedAt)
		v.LastEventAt = max(v.LastEventAt, s.LastEventAt)
	}
	// As if one session had played it all.
	all := &domain.Event{Playback: &domain.PlaybackReport{Played: ranges}}
	if v.ContentLengthMS != nil {
		all.Playback.ContentLength = domain.Some(*v.ContentLengthMS)
	}
	whole := directSession([]*domain.Event{all}, 0)
	v.WatchedMS, v.CompletionRate = whole.WatchedMS, whole.CompletionRate
	return v
}

func TestUnionsHoldWhatTheirPartsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []domain.Span
		var ranges []domain.Range
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			from := rapid.Int64Range(0, 40).Draw(t, "from")
			to := rapid.Int64Range(0, 45).Draw(t, "to")
			spans = append(spans, domain.Span{From: domain.Instant(from), To: domain.Instant(to)})
			ranges = append(ranges, domain.Range{From: from, To: to})
		}
		if rapid.Bool().Draw(t, "for ever") {
			spans = append(spans, domain.Span{From: 43, To: domain.Never})
			ranges = append(ranges, domain.Range{From: 43, To: int64(domain.Never)})
		}
		given := slices.Clone(spans)
		united, unitedRanges := domain.Unite(spans), domain.UniteRanges(ranges)
		if !slices.Equal(given, spans) {
			t.Errorf("the spans were changed")
		}
		if len(united) != len(unitedRanges) {
			t.Fatalf("%v, but ranges %v", united, unitedRanges)
		}
		for i, s := range united {
			if s.Empty() || i > 0 && s.From <= united[i-1].To {
				t.Errorf("%v isn't a union", united)
			}
			if r := unitedRanges[i]; r.From != int64(s.From) || r.To != int64(s.To) {
				t.Errorf("%v, but ranges %v", united, unitedRanges)
			}
		}
		for i := range domain.Instant(50) {
			contains := func(s domain.Span) bool { return s.Contains(i) }
			if slices.ContainsFunc(united, contains) != slices.ContainsFunc(given, contains) {
				t.Errorf("%v unites to %v, which differs at %d", given, united, i)
			}
		}
	})
}

func TestEntitlementsAreListedByStart(t *testing.T) {
	open := func(id string, start, end domain.Instant) *domain.Event {
		return &domain.Event{
			Stamp: domain.Stamp{Time: start, Source: "/billing", ID: id}, Type: domain.SubscriptionStarted,
			Entitlement: &domain.EntitlementEvent{Kind: domain.Subscription, ID: id, Action: domain.Open, End: domain.Some(end)},
		}
	}
	again := open("a", 50, 60)
	again.ID = "again"
	facts := userFacts(open("a", 10, 20), again, open("b", 30, 40), open("Z", 30, 40), open("c", 30, 30), open("d", 70, 80))
	for at, want := range map[domain.Instant][]string{
		9:  nil,
		10: {"a"},
		49: {"Z", "b", "c", "a"},
		50: {"a", "Z", "b", "c"},
		70: {"d", "a", "Z", "b", "c"},
	} {
		var got []string
		for _, e := range facts.EntitlementsAt(domain.Subscription, at, 0) {
			got = append(got, e.ID)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("at %d (-want +got):\n%s", at, diff)
		}
	}
	if rentals := facts.EntitlementsAt(domain.Rental, 100, 0); rentals != nil {
		t.Errorf("subscriptions are listed as rentals: %v", rentals)
	}
}
