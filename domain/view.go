// This file is what the rules say of a user, an entitlement and a session at
// an instant: the results that read models keep and the API serves.

package domain

// A Status is what a user is at an instant.
type Status string

// The statuses of a user.
const (
	StatusRegistered Status = "registered"
	StatusActive     Status = "active"
	StatusCanceled   Status = "canceled"
)

// A Profile is what is known of a person; nil is not known.
type Profile struct {
	Email     *string
	FirstName *string
	LastName  *string
	Locale    *string
	Country   *string
	Platform  *string
	// Custom is a compact JSON object with sorted keys, "{}" when empty.
	Custom []byte
}

// A Span is a time from an instant to another, [From, To). To may be Never. It is empty, and
// counts for nothing, where To ≤ From.
type Span struct{ From, To Instant }

// Empty says that the span counts for nothing.
func (s Span) Empty() bool { return s.To <= s.From }

// Contains says that i lies in the span.
func (s Span) Contains(i Instant) bool { return s.From <= i && i < s.To }

// A Period is one span of an entitlement, with what ended it and its trial.
type Period struct {
	Span
	// TrialEnd is the trial's end as given, nil for no trial. The trial itself
	// is the span [From, min(TrialEnd, To)).
	TrialEnd *Instant
	// Cancellation is the cancellation that the period has, nil for none. One that
	// has it is neither paused nor past due.
	Cancellation *Cancellation
	// Paused says that a pause ends or has ended the period, nil for none.
	Paused *Paused
	// PastDue says that a payment for the period has failed, nil for none. A
	// period may be past due and then paused.
	PastDue *PastDue
}

// Reason returns why the period ends, or isn't certain to go on, nil where
// nothing is known: the cancellation's reason, or paused, or non_payment.
func (p *Period) Reason() *string {
	var reason ChurnReason
	switch {
	case p.Cancellation != nil:
		return p.Cancellation.Reason
	case p.Paused != nil:
		reason = ChurnPaused
	case p.PastDue != nil:
		reason = ChurnNonPayment
	default:
		return nil
	}
	text := string(reason)
	return &text
}

// Comment returns the comment of what the reason comes from. It is personal.
func (p *Period) Comment() *string {
	switch {
	case p.Cancellation != nil:
		return p.Cancellation.Comment
	case p.Paused != nil:
		return p.Paused.Comment
	case p.PastDue != nil:
		return p.PastDue.Comment
	}
	return nil
}

// ResumesAt returns when a paused period is to go on, nil where that isn't known.
func (p *Period) ResumesAt() *Instant {
	if p.Paused == nil {
		return nil
	}
	return p.Paused.ResumesAt
}

// A Paused is what is known of a pause.
type Paused struct {
	ResumesAt *Instant
	Comment   *string // personal
}

// A PastDue is what is known of payments that failed.
type PastDue struct {
	Since   Instant // the first failure since the period was last paid for
	Comment *string // personal; of the last failure
}

// A Cancellation is a request to end a period.
type Cancellation struct {
	RequestedAt Instant
	Reason      *string // nil where none was given (rentals and free copies)
	Comment     *string // personal
}

// An EntitlementStatus is what an entitlement is at an instant.
type EntitlementStatus string

// The statuses of an entitlement.
const (
	EntitlementTrialing  EntitlementStatus = "trialing"
	EntitlementCanceling EntitlementStatus = "canceling"
	EntitlementActive    EntitlementStatus = "active"
	EntitlementPastDue   EntitlementStatus = "past_due"
	EntitlementPaused    EntitlementStatus = "paused"
	EntitlementEnded     EntitlementStatus = "ended"
)

// An Entitlement is one subscription, rental or free copy with all its periods,
// in the order in which they began.
type Entitlement struct {
	Kind    EntitlementKind
	ID      string
	Periods []Period

	OfferID          *string
	OfferName        *string
	ContentID        *string
	Title            *string
	RentalKind       string // rentals only: "rental" or "purchase"
	Amount           *int64 // minor units
	Currency         *string
	Interval         *string
	IntervalCount    *int64 // how many intervals the price is for
	PaymentInterface *string
}

// An EntitlementView is an entitlement as it is at an instant. Its Periods are
// those that start by then, latest first; Current is the one that Status is of:
// the first of them, or an earlier one that counts as running on.
type EntitlementView struct {
	Entitlement
	Current Period
	Status  EntitlementStatus
}

// A SessionState is what a viewing session is at an instant.
type SessionState string

// The states of a viewing session.
const (
	SessionInProgress SessionState = "in_progress"
	SessionEnded      SessionState = "ended"
	SessionAbandoned  SessionState = "abandoned"
)

// A SessionView is one viewing session as it is at an instant. Lengths are in
// milliseconds.
type SessionView struct {
	SessionID       string
	ContentID       string
	Title           *string
	State           SessionState
	StartedAt       Instant
	LastEventAt     Instant
	DurationMS      int64
	WatchedMS       int64
	ContentLengthMS *int64
	// CompletionRate is in ten-thousandths, rounded half up; nil without a length.
	CompletionRate *int64
	Completed      *bool
	PositionMS     *int64
	Device         *string
	Platform       *string
}

// A ChurnReason is why a user's subscription ended.
type ChurnReason string

// The reasons by which unsubscribed is told apart.
const (
	ChurnVoluntary  ChurnReason = "voluntary"
	ChurnNonPayment ChurnReason = "non_payment"
	ChurnSwitched   ChurnReason = "switched"
	ChurnOther      ChurnReason = "other"
	ChurnExpired    ChurnReason = "expired"
	ChurnPaused     ChurnReason = "paused"
)

// ChurnReasons lists them in the order in which they are shown.
var ChurnReasons = []ChurnReason{ChurnVoluntary, ChurnNonPayment, ChurnSwitched, ChurnOther, ChurnExpired, ChurnPaused}

// CancellationReasons lists those that a cancellation may have, in that order.
var CancellationReasons = []ChurnReason{ChurnVoluntary, ChurnNonPayment, ChurnSwitched, ChurnOther}

// A Month is a calendar month, in whatever time zone it is looked at.
type Month struct{ Year, Month int } // Month is 1 to 12
