// This file draws histories of a user, and has what the tests of facts share.

package domain_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"boxoffice/domain"
)

// What follows draws histories of one user in which much happens at the same
// instants, at the edges of months, and to the same few things.

const (
	micro = domain.Instant(1)
	hour  = domain.Instant(3_600_000_000)
	day   = 24 * hour
)

// drawInstant draws an instant near the edge of one of four months in the
// calendar, or anywhere in them.
func drawInstant(t *rapid.T, c domain.Calendar, m domain.Month, label string) domain.Instant {
	for range rapid.IntRange(0, 3).Draw(t, label+" month") {
		m = m.Next()
	}
	start := c.Start(m)
	switch rapid.IntRange(0, 3).Draw(t, label+" place") {
	case 0:
		return start + domain.Instant(rapid.IntRange(-2, 2).Draw(t, label+" micros"))
	case 1:
		return start + hour*domain.Instant(rapid.IntRange(-3, 3).Draw(t, label+" hours"))
	case 2:
		return start + 5*day*domain.Instant(rapid.IntRange(0, 6).Draw(t, label+" fifths"))
	}
	return start + domain.Instant(rapid.Int64Range(0, int64(31*day)).Draw(t, label+" anywhere"))
}

// drawHistory draws the events of one user, in any order, no two with the same
// stamp.
func drawHistory(t *rapid.T, c domain.Calendar, m domain.Month, types []domain.Type) []*domain.Event {
	var events []*domain.Event
	taken := make(map[domain.Stamp]bool)
	for n := range rapid.IntRange(1, 14).Draw(t, "events") {
		e := drawEvent(t, c, m, rapid.SampledFrom(types).Draw(t, "type"))
		if rapid.Bool().Draw(t, "at the time of another") && n > 0 {
			e.Time = rapid.SampledFrom(events).Draw(t, "other").Time
		}
		if !taken[e.Stamp] {
			taken[e.Stamp] = true
			events = append(events, e)
		}
	}
	return events
}

func drawEvent(t *rapid.T, c domain.Calendar, m domain.Month, kind domain.Type) *domain.Event {
	e := &domain.Event{Type: kind, Subject: "ana", Stamp: domain.Stamp{
		Time:   drawInstant(t, c, m, "time"),
		Source: rapid.SampledFrom([]string{"/billing", "/crm", "/player"}).Draw(t, "source"),
		ID:     fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "id")),
	}}
	switch kind {
	case domain.UserRegistered, domain.UserUpdated:
		e.Profile = drawProfile(t, kind == domain.UserRegistered)
	case domain.PlaybackStarted, domain.PlaybackProgressed, domain.PlaybackEnded:
		e.Playback = drawPlayback(t, kind)
	case domain.UserErased:
	default:
		e.Entitlement = drawEntitlement(t, c, m, kind)
	}
	return e
}

// drawField draws a field that is absent, null or one of the values.
func drawField[T any](t *rapid.T, label string, values ...T) domain.Field[T] {
	switch i := rapid.IntRange(-2, len(values)-1).Draw(t, label); i {
	case -2:
		return domain.Field[T]{}
	case -1:
		return domain.Cleared[T]()
	default:
		return domain.Some(values[i])
	}
}

func drawProfile(t *rapid.T, registers bool) *domain.ProfileChange {
	p := &domain.ProfileChange{
		Registers: registers,
		Email:     drawField(t, "email", "a@example.org", "b@example.org"),
		FirstName: drawField(t, "first_name", "Ana", ""),
		Country:   drawField(t, "country", "FR"),
		Platform:  drawField(t, "platform", "ios", "web"),
	}
	if p.CustomCleared = rapid.IntRange(0, 4).Draw(t, "custom") == 0; p.CustomCleared {
		return p
	}
	p.Custom = make(map[string][]byte)
	for _, key := range []string{"a", "b", "ä\"\u0001"} {
		switch value, _ := drawField(t, key, `"x"`, `1.50`, `["y","z"]`).Get(); {
		case value != "":
			p.Custom[key] = []byte(value)
		case rapid.Bool().Draw(t, "removed"):
			p.Custom[key] = nil
		}
	}
	return p
}

func drawEntitlement(t *rapid.T, c domain.Calendar, m domain.Month, kind domain.Type) *domain.EntitlementEvent {
	e := &domain.EntitlementEvent{ID: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "entitlement")}
	end := func(label string) domain.Field[domain.Instant] {
		return drawField(t, label, drawInstant(t, c, m, label+" a"), drawInstant(t, c, m, label+" b"))
	}
	e.End = end("end")
	switch kind {
	case domain.SubscriptionStarted, domain.SubscriptionRenewed, domain.SubscriptionResumed, domain.SubscriptionCanceled,
		domain.SubscriptionChanged, domain.SubscriptionPaused, domain.SubscriptionPaymentFailed:
		e.Kind = domain.Subscription
	case domain.RentalStarted, domain.RentalActivated, domain.RentalRevoked:
		e.Kind = domain.Rental
	default:
		e.Kind = domain.FreeCopy
	}
	switch kind {
	case domain.SubscriptionStarted:
		e.Action, e.TrialEnd = domain.Open, end("trial end")
	case domain.RentalStarted, domain.FreeCopyGranted:
		e.Action = domain.Open
	case domain.SubscriptionRenewed, domain.SubscriptionResumed, domain.RentalActivated:
		e.Action = domain.Extend
	case domain.SubscriptionChanged:
		e.Action, e.End, e.TrialEnd = domain.Change, domain.Field[domain.Instant]{}, end("trial end")
	case domain.SubscriptionPaused:
		e.Action, e.ResumesAt, e.Comment = domain.Pause, end("resumes at"), drawField(t, "comment", "away")
		return e
	case domain.SubscriptionPaymentFailed:
		e.Action, e.Comment = domain.Fail, drawField(t, "comment", "the card expired", "no money")
		return e
	default:
		e.Action = domain.Close
		e.Reason = drawField(t, "reason", "voluntary", "non_payment", "switched", "other")
		if e.Kind == domain.Subscription {
			e.Comment = drawField(t, "comment", "too dear")
		} else {
			e.End = domain.Field[domain.Instant]{}
		}
		return e
	}
	e.OfferName = drawField(t, "offer_name", "Gold", "Basic")
	e.Amount = drawField(t, "amount", int64(0), 990)
	e.Currency = drawField(t, "currency", "EUR")
	if e.Kind == domain.Subscription {
		e.Interval = drawField(t, "interval", "month", "quarter")
		e.IntervalCount = drawField(t, "interval_count", int64(1), 3)
	}
	if kind == domain.RentalStarted {
		e.RentalKind = drawField(t, "kind", "rental", "purchase")
	}
	return e
}

func drawPlayback(t *rapid.T, kind domain.Type) *domain.PlaybackReport {
	p := &domain.PlaybackReport{
		SessionID:     "v1",
		ContentID:     "film",
		Ended:         kind == domain.PlaybackEnded,
		Title:         drawField(t, "title", "Film", "Le film"),
		ContentLength: drawField(t, "length", int64(1), 90_500, 100_000),
		Device:        drawField(t, "device", "tv"),
		Position:      drawField(t, "position", int64(0), 61_001),
		PlayTime:      drawField(t, "play time", int64(0), 30_000, 30_001),
	}
	for range rapid.IntRange(0, 4).Draw(t, "ranges") {
		from := rapid.Int64Range(0, 110_000).Draw(t, "from")
		p.Played = append(p.Played, domain.Range{From: from, To: from + rapid.Int64Range(0, 30_000).Draw(t, "length")})
	}
	return p
}

// The types of which histories are drawn.
var (
	playbackTypes = []domain.Type{domain.PlaybackStarted, domain.PlaybackProgressed, domain.PlaybackEnded}

	subscriptionTypes = []domain.Type{
		domain.SubscriptionStarted, domain.SubscriptionRenewed, domain.SubscriptionCanceled, domain.SubscriptionResumed,
		domain.SubscriptionChanged, domain.SubscriptionPaused, domain.SubscriptionPaymentFailed,
	}
	livingTypes = append([]domain.Type{
		domain.UserRegistered, domain.UserUpdated, domain.RentalStarted, domain.RentalActivated, domain.RentalRevoked,
		domain.FreeCopyGranted, domain.FreeCopyRevoked, domain.PlaybackStarted,
	}, subscriptionTypes...)
)

// drawGrace draws a renewal grace.
func drawGrace(t *rapid.T) domain.Grace {
	return domain.Grace(rapid.SampledFrom([]domain.Instant{0, micro, 2 * hour, 5 * day, 31 * day}).Draw(t, "renewal grace"))
}

// drawPlace draws a calendar, and the first of the months in which a history plays.
func drawPlace(t *rapid.T) (domain.Calendar, domain.Month) {
	c := calendarOf(t, rapid.SampledFrom(foldZones).Draw(t, "zone"))
	return c, month(t, rapid.SampledFrom(clockChanges).Draw(t, "first month"))
}

func userFacts(events ...*domain.Event) *domain.UserFacts {
	f := new(domain.UserFacts)
	for _, e := range events {
		f.Add(e)
	}
	return f
}

func sessionFacts(events ...*domain.Event) *domain.SessionFacts {
	f := new(domain.SessionFacts)
	for _, e := range events {
		f.Add(e)
	}
	return f
}

// inHistoryOrder returns the events in history order.
func inHistoryOrder(events []*domain.Event) []*domain.Event {
	return slices.SortedFunc(slices.Values(events), func(a, b *domain.Event) int { return a.Compare(b.Stamp) })
}

// shuffledAndRepeated returns the events in another order, some of them twice.
func shuffledAndRepeated(t *rapid.T, events []*domain.Event) []*domain.Event {
	again := rapid.SliceOfN(rapid.SampledFrom(events), 0, len(events)).Draw(t, "again")
	return rapid.Permutation(slices.Concat(events, again)).Draw(t, "order")
}

// encoded returns the canonical form of facts, by which they are compared.
func encoded(t require, facts interface {
	AppendBinary([]byte) ([]byte, error)
}) string {
	t.Helper()
	b, err := facts.AppendBinary(nil)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return string(b)
}

const timeout = 30 * time.Minute
