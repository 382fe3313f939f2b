// This file is the API's JSON: the structures of its answers.

package oracle

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// MarshalJSON returns an instant in RFC 3339, in UTC, with no more decimals than
// it has; one that is never reached is null.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i == never {
		return []byte("null"), nil
	}
	return json.Marshal(time.UnixMicro(int64(i)).UTC().Format(time.RFC3339Nano))
}

// Seconds is a number of seconds, held in milliseconds.
type Seconds int64

// MarshalJSON returns seconds with at most three decimals.
func (s Seconds) MarshalJSON() ([]byte, error) { return decimal(int64(s), 3), nil }

// A Rate is a ratio, held in ten-thousandths.
type Rate int64

// MarshalJSON returns the ratio with at most four decimals.
func (r Rate) MarshalJSON() ([]byte, error) { return decimal(int64(r), 4), nil }

// decimal writes v ÷ 10^places.
func decimal(v int64, places int) []byte {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := strconv.FormatInt(v, 10)
	for len(s) <= places {
		s = "0" + s
	}
	s = strings.TrimRight(s[:len(s)-places]+"."+s[len(s)-places:], "0")
	return []byte(sign + strings.TrimSuffix(s, "."))
}

// A User is a user in a list.
type User struct {
	ID           string                     `json:"id"`
	Status       string                     `json:"status"`
	StatusSince  Instant                    `json:"status_since"`
	RegisteredAt *Instant                   `json:"registered_at"`
	UpdatedAt    *Instant                   `json:"updated_at"`
	Email        *string                    `json:"email"`
	FirstName    *string                    `json:"first_name"`
	LastName     *string                    `json:"last_name"`
	Locale       *string                    `json:"locale"`
	Country      *string                    `json:"country"`
	Platform     *string                    `json:"platform"`
	Custom       map[string]json.RawMessage `json:"custom"`
}

// A Detail is a user with everything they have.
type Detail struct {
	User
	Subscriptions []Subscription `json:"subscriptions"`
	Rentals       []Rental       `json:"rentals"`
	FreeCopies    []FreeCopy     `json:"free_copies"`
	Viewing       Viewing        `json:"viewing"`
}

// A Subscription is one in a user's detail.
type Subscription struct {
	SubscriptionID   string          `json:"subscription_id"`
	Status           string          `json:"status"`
	OfferID          json.RawMessage `json:"offer_id"`
	OfferName        json.RawMessage `json:"offer_name"`
	StartedAt        Instant         `json:"started_at"`
	TrialEndsAt      *Instant        `json:"trial_ends_at"`
	EndsAt           Instant         `json:"ends_at"`
	CanceledAt       *Instant        `json:"canceled_at"`
	Reason           *string         `json:"reason"`
	Comment          *string         `json:"comment"`
	Amount           *int64          `json:"amount"`
	Currency         json.RawMessage `json:"currency"`
	Interval         json.RawMessage `json:"interval"`
	IntervalCount    *int64          `json:"interval_count"`
	PaymentInterface json.RawMessage `json:"payment_interface"`
	ResumesAt        *Instant        `json:"resumes_at"`
	Periods          []Period        `json:"periods"`
}

// A Period is one of a subscription's.
type Period struct {
	From       Instant  `json:"from"`
	To         Instant  `json:"to"`
	TrialTo    *Instant `json:"trial_to"`
	CanceledAt *Instant `json:"canceled_at"`
	Reason     *string  `json:"reason"`
}

// A Rental is one in a user's detail.
type Rental struct {
	RentalID         string          `json:"rental_id"`
	Status           string          `json:"status"`
	Kind             string          `json:"kind"`
	ContentID        json.RawMessage `json:"content_id"`
	Title            json.RawMessage `json:"title"`
	StartedAt        Instant         `json:"started_at"`
	ExpiresAt        Instant         `json:"expires_at"`
	RevokedAt        *Instant        `json:"revoked_at"`
	Reason           *string         `json:"reason"`
	Amount           *int64          `json:"amount"`
	Currency         json.RawMessage `json:"currency"`
	PaymentInterface json.RawMessage `json:"payment_interface"`
}

// A FreeCopy is one in a user's detail.
type FreeCopy struct {
	FreeCopyID string          `json:"free_copy_id"`
	Status     string          `json:"status"`
	OfferID    json.RawMessage `json:"offer_id"`
	ContentID  json.RawMessage `json:"content_id"`
	Title      json.RawMessage `json:"title"`
	GrantedAt  Instant         `json:"granted_at"`
	ExpiresAt  Instant         `json:"expires_at"`
	RevokedAt  *Instant        `json:"revoked_at"`
	Reason     *string         `json:"reason"`
}

// Viewing sums up a user's sessions.
type Viewing struct {
	Sessions     int      `json:"sessions"`
	Duration     Seconds  `json:"duration_s"`
	LastViewedAt *Instant `json:"last_viewed_at"`
}

// A Session is one viewing session.
type Session struct {
	SessionID      string   `json:"session_id"`
	ContentID      string   `json:"content_id"`
	Title          *string  `json:"title"`
	State          string   `json:"state"`
	StartedAt      Instant  `json:"started_at"`
	LastEventAt    Instant  `json:"last_event_at"`
	Duration       Seconds  `json:"duration_s"`
	Watched        Seconds  `json:"watched_s"`
	ContentLength  *Seconds `json:"content_length_s"`
	CompletionRate *Rate    `json:"completion_rate"`
	Completed      *bool    `json:"completed"`
	Position       *Seconds `json:"position_s"`
	Device         *string  `json:"device"`
	Platform       *string  `json:"platform"`
}

// A UserSession is a session in the list over all users.
type UserSession struct {
	Session
	UserID *string `json:"user_id"` // nil for an erased user's
}

// A Content is what one user viewed of a content.
type Content struct {
	ContentID      string   `json:"content_id"`
	Title          *string  `json:"title"`
	Sessions       int      `json:"sessions"`
	Duration       Seconds  `json:"duration_s"`
	Watched        Seconds  `json:"watched_s"`
	ContentLength  *Seconds `json:"content_length_s"`
	CompletionRate *Rate    `json:"completion_rate"`
	FirstStartedAt Instant  `json:"first_started_at"`
	LastEventAt    Instant  `json:"last_event_at"`
}

// A ContentOfAll is what all users viewed of a content.
type ContentOfAll struct {
	Content
	Users int64 `json:"users"`
}

// Counts are the numbers of users of each status.
type Counts struct {
	Registered int `json:"registered"`
	Active     int `json:"active"`
	Canceled   int `json:"canceled"`
	Total      int `json:"total"`
}

// A MonthKPI holds the figures of one month. All five are null in a month that
// hasn't begun.
type MonthKPI struct {
	Month         string         `json:"month"`
	TimeZone      string         `json:"time_zone"`
	AsOf          Instant        `json:"as_of"`
	Registered    *Registered    `json:"registered"`
	Active        *Count         `json:"active"`
	Trial         *Count         `json:"trial"`
	Unsubscribed  *Unsubscribed  `json:"unsubscribed"`
	Cancellations *Cancellations `json:"cancellations"`
	Position      int            `json:"position"`
}

// Count is a figure that is only a number.
type Count struct {
	Count int `json:"count"`
}

// Registered is the figure of registrations, compared with the month before.
type Registered struct {
	Count         int           `json:"count"`
	PreviousMonth PreviousMonth `json:"previous_month"`
	Change        *Rate         `json:"change"`
}

// PreviousMonth is the same figure of the month before.
type PreviousMonth struct {
	Count  int `json:"count"`
	ToDate int `json:"to_date"`
}

// Unsubscribed is the figure of those who left, by reason.
type Unsubscribed struct {
	Count    int      `json:"count"`
	ByReason ByReason `json:"by_reason"`
}

// ByReason are the reasons why they left.
type ByReason struct {
	Voluntary  int `json:"voluntary"`
	NonPayment int `json:"non_payment"`
	Switched   int `json:"switched"`
	Other      int `json:"other"`
	Expired    int `json:"expired"`
	Paused     int `json:"paused"`
}

// Cancellations is the figure of those who canceled; one who did for several
// reasons is under each.
type Cancellations struct {
	Count    int                 `json:"count"`
	ByReason CancellationReasons `json:"by_reason"`
}

// CancellationReasons are the reasons of cancellations.
type CancellationReasons struct {
	Voluntary  int `json:"voluntary"`
	NonPayment int `json:"non_payment"`
	Switched   int `json:"switched"`
	Other      int `json:"other"`
}

// Members are the users whom a figure counts.
type Members struct {
	Users  []User `json:"users"`
	Erased int    `json:"erased"`
}
