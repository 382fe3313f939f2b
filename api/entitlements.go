// This file is how subscriptions, rentals and free copies are shown.

package api

import (
	"time"

	"boxoffice/domain"
)

// A subscription is one subscription; fields of a period are the latest period's,
// or those of the one that counts as running on.
type subscription struct {
	SubscriptionID   string     `json:"subscription_id"`
	Status           string     `json:"status" enum:"past_due,trialing,canceling,active,paused,ended"`
	OfferID          *string    `json:"offer_id"`
	OfferName        *string    `json:"offer_name"`
	StartedAt        time.Time  `json:"started_at"`
	TrialEndsAt      *time.Time `json:"trial_ends_at" doc:"As given"`
	EndsAt           *time.Time `json:"ends_at"`
	CanceledAt       *time.Time `json:"canceled_at"`
	Reason           *string    `json:"reason" doc:"The cancellation's; paused or non_payment where the period is paused or past due"`
	Comment          *string    `json:"comment" doc:"Of what the reason comes from"`
	Amount           *int64     `json:"amount" doc:"Minor units"`
	Currency         *string    `json:"currency"`
	Interval         *string    `json:"interval" doc:"day, week, month, quarter or year"`
	IntervalCount    *int64     `json:"interval_count" doc:"For how many intervals the price is"`
	PaymentInterface *string    `json:"payment_interface"`
	ResumesAt        *time.Time `json:"resumes_at" doc:"When a paused period is to go on"`
	Periods          []period   `json:"periods" doc:"Latest first"`
}

// A period is one period of a subscription.
type period struct {
	From       time.Time  `json:"from"`
	To         *time.Time `json:"to"`
	TrialTo    *time.Time `json:"trial_to" doc:"End of the trial's span; null where that is empty"`
	CanceledAt *time.Time `json:"canceled_at"`
	Reason     *string    `json:"reason" doc:"The cancellation's; paused or non_payment where the period is paused or past due"`
}

// A rental is one rental or purchase.
type rental struct {
	RentalID         string     `json:"rental_id"`
	Status           string     `json:"status" enum:"canceling,active,ended"`
	Kind             string     `json:"kind" enum:"rental,purchase"`
	ContentID        *string    `json:"content_id"`
	Title            *string    `json:"title"`
	StartedAt        time.Time  `json:"started_at"`
	ExpiresAt        *time.Time `json:"expires_at"`
	RevokedAt        *time.Time `json:"revoked_at"`
	Reason           *string    `json:"reason"`
	Amount           *int64     `json:"amount" doc:"Minor units"`
	Currency         *string    `json:"currency"`
	PaymentInterface *string    `json:"payment_interface"`
}

// A freeCopy is one copy or offer that was given for nothing.
type freeCopy struct {
	FreeCopyID string     `json:"free_copy_id"`
	Status     string     `json:"status" enum:"canceling,active,ended"`
	OfferID    *string    `json:"offer_id"`
	ContentID  *string    `json:"content_id"`
	Title      *string    `json:"title"`
	GrantedAt  time.Time  `json:"granted_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	Reason     *string    `json:"reason"`
}

func showSubscription(e *domain.EntitlementView) subscription {
	latest := &e.Current
	return subscription{
		SubscriptionID:   e.ID,
		Status:           string(e.Status),
		OfferID:          e.OfferID,
		OfferName:        e.OfferName,
		StartedAt:        instant(latest.From),
		TrialEndsAt:      optionalInstant(latest.TrialEnd),
		EndsAt:           end(latest.To),
		CanceledAt:       canceledAt(latest),
		Reason:           latest.Reason(),
		Comment:          latest.Comment(),
		Amount:           e.Amount,
		Currency:         e.Currency,
		Interval:         e.Interval,
		IntervalCount:    e.IntervalCount,
		PaymentInterface: e.PaymentInterface,
		ResumesAt:        optionalInstant(latest.ResumesAt()),
		Periods:          show(e.Periods, showPeriod),
	}
}

func showPeriod(p *domain.Period) period {
	shown := period{From: instant(p.From), To: end(p.To), CanceledAt: canceledAt(p), Reason: p.Reason()}
	if trial := p.Trial(); !trial.Empty() {
		shown.TrialTo = end(trial.To)
	}
	return shown
}

func canceledAt(p *domain.Period) *time.Time {
	if p.Cancellation == nil {
		return nil
	}
	return optionalInstant(&p.Cancellation.RequestedAt)
}

func showRental(e *domain.EntitlementView) rental {
	latest := &e.Current
	return rental{
		RentalID:         e.ID,
		Status:           string(e.Status),
		Kind:             e.RentalKind,
		ContentID:        e.ContentID,
		Title:            e.Title,
		StartedAt:        instant(latest.From),
		ExpiresAt:        end(latest.To),
		RevokedAt:        canceledAt(latest),
		Reason:           latest.Reason(),
		Amount:           e.Amount,
		Currency:         e.Currency,
		PaymentInterface: e.PaymentInterface,
	}
}

func showFreeCopy(e *domain.EntitlementView) freeCopy {
	latest := &e.Current
	return freeCopy{
		FreeCopyID: e.ID,
		Status:     string(e.Status),
		OfferID:    e.OfferID,
		ContentID:  e.ContentID,
		Title:      e.Title,
		GrantedAt:  instant(latest.From),
		ExpiresAt:  end(latest.To),
		RevokedAt:  canceledAt(latest),
		Reason:     latest.Reason(),
	}
}
