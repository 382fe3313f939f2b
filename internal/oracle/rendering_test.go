// This file renders what domain says of a user as the API would, so that it
// can be compared with the oracle's answers.

package oracle_test

import (
	"encoding/json"

	"boxoffice/domain"
	"boxoffice/internal/oracle"
)

func (f *folded) detail(id string, at oracle.Instant) (d oracle.Detail, ok bool) {
	u, t := f.users[id], domain.Instant(at)
	var now *domain.StatusChange
	for _, c := range u.Timeline(f.grace) {
		if c.From <= t {
			now = &c
		}
	}
	if now == nil {
		return d, false
	}
	p := u.Profile()
	d.User = oracle.User{
		ID: id, Status: string(now.Status), StatusSince: oracle.Instant(now.Since),
		RegisteredAt: (*oracle.Instant)(u.RegisteredAt()), UpdatedAt: (*oracle.Instant)(u.UpdatedAt()),
		Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, Country: p.Country, Platform: p.Platform,
	}
	if err := json.Unmarshal(p.Custom, &d.Custom); err != nil {
		panic(err)
	}
	d.Subscriptions, d.Rentals, d.FreeCopies = []oracle.Subscription{}, []oracle.Rental{}, []oracle.FreeCopy{}
	for _, e := range u.EntitlementsAt(domain.Subscription, t, f.grace) {
		d.Subscriptions = append(d.Subscriptions, subscription(e))
	}
	for _, e := range u.EntitlementsAt(domain.Rental, t, f.grace) {
		d.Rentals = append(d.Rentals, rental(e))
	}
	for _, e := range u.EntitlementsAt(domain.FreeCopy, t, f.grace) {
		d.FreeCopies = append(d.FreeCopies, freeCopy(e))
	}
	for _, s := range f.sessions[id] {
		d.Viewing.Sessions++
		d.Viewing.Duration += oracle.Seconds(s.DurationMS())
		if last := oracle.Instant(s.LastEventAt()); d.Viewing.LastViewedAt == nil || last > *d.Viewing.LastViewedAt {
			d.Viewing.LastViewedAt = &last
		}
	}
	return d, true
}

func subscription(e domain.EntitlementView) oracle.Subscription {
	p := e.Current
	s := oracle.Subscription{
		SubscriptionID: e.ID, Status: string(e.Status), OfferID: raw(e.OfferID), OfferName: raw(e.OfferName),
		StartedAt: oracle.Instant(p.From), TrialEndsAt: (*oracle.Instant)(p.TrialEnd), EndsAt: oracle.Instant(p.To),
		Amount: e.Amount, Currency: raw(e.Currency), Interval: raw(e.Interval), PaymentInterface: raw(e.PaymentInterface),
		IntervalCount: e.IntervalCount, ResumesAt: (*oracle.Instant)(p.ResumesAt()), Comment: p.Comment(),
		Periods: []oracle.Period{},
	}
	s.CanceledAt, s.Reason = cancellation(p)
	for _, p := range e.Periods {
		row := oracle.Period{From: oracle.Instant(p.From), To: oracle.Instant(p.To)}
		row.CanceledAt, row.Reason = cancellation(p)
		if trial := p.Trial(); !trial.Empty() {
			row.TrialTo = (*oracle.Instant)(&trial.To)
		}
		s.Periods = append(s.Periods, row)
	}
	return s
}

func rental(e domain.EntitlementView) oracle.Rental {
	p := e.Current
	r := oracle.Rental{
		RentalID: e.ID, Status: string(e.Status), Kind: e.RentalKind, ContentID: raw(e.ContentID), Title: raw(e.Title),
		StartedAt: oracle.Instant(p.From), ExpiresAt: oracle.Instant(p.To),
		Amount: e.Amount, Currency: raw(e.Currency), PaymentInterface: raw(e.PaymentInterface),
	}
	r.RevokedAt, r.Reason = cancellation(p)
	return r
}

func freeCopy(e domain.EntitlementView) oracle.FreeCopy {
	p := e.Current
	c := oracle.FreeCopy{
		FreeCopyID: e.ID, Status: string(e.Status), OfferID: raw(e.OfferID), ContentID: raw(e.ContentID), Title: raw(e.Title),
		GrantedAt: oracle.Instant(p.From), ExpiresAt: oracle.Instant(p.To),
	}
	c.RevokedAt, c.Reason = cancellation(p)
	return c
}

func cancellation(p domain.Period) (*oracle.Instant, *string) {
	if p.Cancellation == nil {
		return nil, p.Reason()
	}
	return (*oracle.Instant)(&p.Cancellation.RequestedAt), p.Reason()
}

func session(v domain.SessionView) oracle.Session {
	return oracle.Session{
		SessionID: v.SessionID, ContentID: v.ContentID, Title: v.Title, State: string(v.State),
		StartedAt: oracle.Instant(v.StartedAt), LastEventAt: oracle.Instant(v.LastEventAt),
		Duration: oracle.Seconds(v.DurationMS), Watched: oracle.Seconds(v.WatchedMS),
		ContentLength: (*oracle.Seconds)(v.ContentLengthMS), CompletionRate: (*oracle.Rate)(v.CompletionRate),
		Completed: v.Completed, Position: (*oracle.Seconds)(v.PositionMS), Device: v.Device, Platform: v.Platform,
	}
}

// raw returns a text as JSON, null where there is none.
func raw(s *string) json.RawMessage {
	b, _ := json.Marshal(s)
	return b
}
