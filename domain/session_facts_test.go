// This file holds viewing sessions against their definition, and measures how
// fast reports are folded.

package domain_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"boxoffice/domain"
)

// directSession returns a session's view by its definition: second by second of
// the content, and with exact fractions.
func directSession(events []*domain.Event, now domain.Instant) domain.SessionView {
	events = inHistoryOrder(events)
	first, last := events[0], events[len(events)-1]
	v := domain.SessionView{
		SessionID: first.Playback.SessionID, ContentID: first.Playback.ContentID,
		StartedAt: first.Time, LastEventAt: last.Time,
	}
	latest := func(field func(*domain.PlaybackReport) domain.Field[string]) *string {
		for i := len(events) - 1; i >= 0; i-- {
			if f := field(events[i].Playback); f.Carried {
				return valueOf(f)
			}
		}
		return nil
	}
	latestNumber := func(field func(*domain.PlaybackReport) domain.Field[int64]) *int64 {
		for i := len(events) - 1; i >= 0; i-- {
			if f := field(events[i].Playback); f.Carried {
				return valueOf(f)
			}
		}
		return nil
	}
	v.Title = latest(func(p *domain.PlaybackReport) domain.Field[string] { return p.Title })
	v.Device = latest(func(p *domain.PlaybackReport) domain.Field[string] { return p.Device })
	v.Platform = latest(func(p *domain.PlaybackReport) domain.Field[string] { return p.Platform })
	v.ContentLengthMS = latestNumber(func(p *domain.PlaybackReport) domain.Field[int64] { return p.ContentLength })
	v.PositionMS = latestNumber(func(p *domain.PlaybackReport) domain.Field[int64] { return p.Position })

	played := make(map[int64]bool) // seconds of the content
	playTime := int64(-1)
	for _, e := range events {
		for _, r := range e.Playback.Played {
			for s := halfUp(r.From, 1000); s < halfUp(r.To, 1000); s++ {
				played[s] = true
			}
		}
		if t, ok := e.Playback.PlayTime.Get(); ok {
			playTime = max(playTime, t)
		}
	}
	for s := range played {
		from, to := s*1000, s*1000+1000
		if v.ContentLengthMS != nil {
			to = min(to, *v.ContentLengthMS)
		}
		v.WatchedMS += max(0, to-from)
	}
	if v.DurationMS = playTime; playTime < 0 {
		v.DurationMS = halfUp(int64(last.Time-first.Time), 1000)
	}
	if v.ContentLengthMS != nil {
		rate := halfUp(v.WatchedMS*10_000, *v.ContentLengthMS)
		completed := big.NewRat(rate, 10_000).Cmp(big.NewRat(9, 10)) >= 0
		v.CompletionRate, v.Completed = &rate, &completed
	}
	switch {
	case last.Type == domain.PlaybackEnded:
		v.State = domain.SessionEnded
	case now < last.Time+30*60*1_000_000:
		v.State = domain.SessionInProgress
	default:
		v.State = domain.SessionAbandoned
	}
	return v
}

func valueOf[T any](f domain.Field[T]) *T {
	v, ok := f.Get()
	if !ok {
		return nil
	}
	return &v
}

// halfUp rounds a ÷ b half up, for a ≥ 0, by way of fractions.
func halfUp(a, b int64) int64 {
	r := new(big.Rat).Add(big.NewRat(a, b), big.NewRat(1, 2))
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64()
}

func TestSessionIsThatOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		events := drawHistory(t, c, m, playbackTypes)
		last := inHistoryOrder(events)[len(events)-1].Time
		for _, now := range []domain.Instant{
			last - 1, last, last + hour/2 - 1, last + hour/2, drawInstant(t, c, m, "now"), domain.Never, domain.Always,
		} {
			want := directSession(events, now)
			if diff := cmp.Diff(want, sessionFacts(events...).View(now, timeout)); diff != "" {
				t.Fatalf("at %v (-by the definition +folded):\n%s", now, diff)
			}
		}
	})
}

func TestRangesOfASessionAreDisjointWholeSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawPlace(t)
		before := int64(-1)
		for _, r := range sessionFacts(drawHistory(t, c, m, playbackTypes)...).Ranges() {
			if r.From <= before || r.To <= r.From || r.From%1000 != 0 || r.To%1000 != 0 {
				t.Fatalf("%v after %d", r, before)
			}
			before = r.To
		}
	})
}

func TestRoundHalfUp(t *testing.T) {
	for _, c := range []struct{ numerator, denominator, want int64 }{
		{0, 3, 0}, {1, 3, 0}, {1, 2, 1}, {2, 3, 1}, {3, 2, 2}, {5, 2, 3},
		{-1, 3, 0}, {-1, 2, 0}, {-2, 3, -1}, {-3, 2, -1}, {-5, 2, -2}, {-8, 20, 0}, {-4000, 10_000, 0}, {-3, 1, -3},
	} {
		if got := domain.RoundHalfUp(c.numerator, c.denominator); got != c.want {
			t.Errorf("%d ÷ %d is %d, not %d", c.numerator, c.denominator, got, c.want)
		}
	}
}

// A report as a player sends it every ten seconds.
func playerReport(n int) *domain.Event {
	to := int64(n+1) * 10_000
	return &domain.Event{
		Stamp: domain.Stamp{
			Time:   domain.Instant(1_780_000_000_000_000 + int64(n)*10_000_000),
			Source: "/player/web",
			ID:     time.UnixMicro(int64(n)).UTC().Format("150405.000000") + "-3fa85f64-5717-4562",
		},
		Type:    domain.PlaybackProgressed,
		Subject: "ana",
		Playback: &domain.PlaybackReport{
			SessionID: "v1", ContentID: "film",
			Position: domain.Some(to), PlayTime: domain.Some(to),
			Played: []domain.Range{{From: to - 10_000, To: to}},
		},
	}
}

// viewing returns the facts after a start and an hour of reports, with a seek.
func viewing() *domain.SessionFacts {
	start := playerReport(0)
	start.Type, start.ID = domain.PlaybackStarted, "0000-3fa85f64-5717-4562"
	start.Playback.Title = domain.Some("A film")
	start.Playback.ContentLength = domain.Some(int64(5_400_000))
	start.Playback.Device = domain.Some("tv")
	start.Playback.Platform = domain.Some("web")
	f := sessionFacts(start)
	for n := range 360 {
		if n != 100 {
			f.Add(playerReport(n))
		}
	}
	return f
}

func BenchmarkSessionFactsAdd(b *testing.B) {
	f := viewing()
	reports := make([]*domain.Event, 1000)
	for n := range reports {
		reports[n] = playerReport(400 + n)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		f.Add(reports[n%len(reports)])
	}
}

func BenchmarkSessionFactsEncode(b *testing.B) {
	f := viewing()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = f.AppendBinary(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkSessionFactsDecode(b *testing.B) {
	buf, _ := viewing().AppendBinary(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := domain.DecodeSessionFacts("v1", "film", buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionFactsView(b *testing.B) {
	f := viewing()
	b.ReportAllocs()
	for b.Loop() {
		f.View(0, timeout)
	}
}
