// This file is the vocabulary of events: what an event is once it has been
// decoded and found good, and what is known of one that was refused.

package domain

// A Type is the type attribute of an event of the catalogue.
type Type string

// The types of the catalogue.
const (
	UserRegistered            Type = "user.registered"
	UserUpdated               Type = "user.updated"
	UserErased                Type = "user.erased"
	EventRetracted            Type = "event.retracted"
	SubscriptionStarted       Type = "subscription.started"
	SubscriptionChanged       Type = "subscription.changed"
	SubscriptionPaused        Type = "subscription.paused"
	SubscriptionPaymentFailed Type = "subscription.payment_failed"
	SubscriptionRenewed       Type = "subscription.renewed"
	SubscriptionCanceled      Type = "subscription.canceled"
	SubscriptionResumed       Type = "subscription.resumed"
	RentalStarted             Type = "rental.started"
	RentalActivated           Type = "rental.activated"
	RentalRevoked             Type = "rental.revoked"
	FreeCopyGranted           Type = "free_copy.granted"
	FreeCopyRevoked           Type = "free_copy.revoked"
	PlaybackStarted           Type = "playback.started"
	PlaybackProgressed        Type = "playback.progressed"
	PlaybackEnded             Type = "playback.ended"
)

// A Stamp is the place of an event in its user's history order: by time, then
// source, then id, the last two compared as bytes. Two events of one user have
// the same stamp only if they are the same event.
type Stamp struct {
	Time   Instant
	Source string
	ID     string
}

// Compare returns -1, 0 or +1 as s comes before, at or after t in history order.
func (s Stamp) Compare(t Stamp) int {
	switch {
	case s.Time != t.Time:
		if s.Time < t.Time {
			return -1
		}
		return 1
	case s.Source != t.Source:
		if s.Source < t.Source {
			return -1
		}
		return 1
	case s.ID != t.ID:
		if s.ID < t.ID {
			return -1
		}
		return 1
	}
	return 0
}

// An Event is one decoded, judged and accepted event. It is read-only after it
// has been made.
type Event struct {
	Stamp
	Type Type
	// Subject is the user's id on the platform. It is empty for an event that
	// was read back from the log after its user's erasure.
	Subject string

	// Public is the part of data that the catalogue lists as impersonal: a
	// compact JSON object with its values as they came.
	Public []byte
	// Personal is what is encrypted under the user's key, without the subject:
	// a compact JSON object of dataschema, extensions and the personal members
	// of data. Nil where there is none, and after an erasure.
	Personal []byte

	// Exactly one of these is set, by type; none for user.erased.
	Profile     *ProfileChange
	Entitlement *EntitlementEvent
	Playback    *PlaybackReport
	Retraction  *Retraction
}

// A Field is a value that an event may carry or not, and may carry as null,
// which clears what was there.
type Field[T any] struct {
	// Carried says that the event has the field, null or not.
	Carried bool
	// Null says that it is there as null; Value is the zero value then.
	Null  bool
	Value T
}

// Some makes a field that carries v; Cleared makes one that carries null.
func Some[T any](v T) Field[T] { return Field[T]{Carried: true, Value: v} }

// Cleared makes a field that carries null.
func Cleared[T any]() Field[T] { return Field[T]{Carried: true, Null: true} }

// Get returns the value, and whether there is one that isn't null.
func (f Field[T]) Get() (T, bool) { return f.Value, f.Carried && !f.Null }

// pointer returns the value, nil where there is none.
func (f Field[T]) pointer() *T {
	if v, given := f.Get(); given {
		return &v
	}
	return nil
}

// A ProfileChange is what user.registered and user.updated say.
type ProfileChange struct {
	// Registers is true for user.registered.
	Registers bool
	Email     Field[string]
	FirstName Field[string]
	LastName  Field[string]
	Locale    Field[string]
	Country   Field[string]
	Platform  Field[string]
	// CustomCleared says that custom came as null, which removes every key.
	CustomCleared bool
	// Custom has the keys of custom that came; the values are compact JSON, or
	// nil where the key came as null, which removes it.
	Custom map[string][]byte
}

// An EntitlementKind is one of the three things that let a user watch.
type EntitlementKind uint8

// The kinds of entitlement.
const (
	Subscription EntitlementKind = iota + 1
	Rental
	FreeCopy
)

// An Action is what an event does to the periods of an entitlement.
type Action uint8

// The actions.
const (
	Open   Action = iota + 1 // started, granted
	Extend                   // renewed, resumed, activated
	Close                    // canceled, revoked
	Change                   // changed: only what describes it, and the trial
	Pause                    // paused
	Fail                     // payment_failed
)

// An EntitlementEvent is what the events of subscriptions, rentals and free
// copies say. Fields that the type's row in the catalogue doesn't name are
// never carried.
type EntitlementEvent struct {
	Kind   EntitlementKind
	ID     string // subscription_id, rental_id, free_copy_id
	Action Action

	End       Field[Instant] // ends_at, expires_at, grace_ends_at
	TrialEnd  Field[Instant] // trial_ends_at, on subscription.started and changed only
	ResumesAt Field[Instant] // on subscription.paused only

	Reason  Field[string] // on a close
	Comment Field[string] // personal; on subscription.canceled, paused and payment_failed

	OfferID          Field[string]
	OfferName        Field[string]
	ContentID        Field[string]
	Title            Field[string]
	RentalKind       Field[string] // "rental" or "purchase"; never null: null is as absent
	Amount           Field[int64]  // minor units
	Currency         Field[string]
	Interval         Field[string]
	IntervalCount    Field[int64] // where Interval is carried, absent and null mean 1
	PaymentInterface Field[string]
}

// A Range is a part of a content, in milliseconds from its start: [From, To).
type Range struct{ From, To int64 }

// A PlaybackReport is what the playback events say. Lengths and positions are
// in milliseconds, rounded half up.
type PlaybackReport struct {
	SessionID string
	ContentID string
	Ended     bool // playback.ended

	Title         Field[string]
	ContentLength Field[int64]
	Device        Field[string]
	Platform      Field[string]
	Position      Field[int64]

	Played   []Range // as sent, from 0 on; not yet united, and some may be empty
	PlayTime Field[int64]
}

// A Reason is the stable word for why an event was refused.
type Reason string

// The reasons, in the order in which the first that applies is given.
const (
	TooLarge         Reason = "too_large"
	Malformed        Reason = "malformed"
	InvalidAttribute Reason = "invalid_attribute"
	UnknownType      Reason = "unknown_type"
	SubjectMismatch  Reason = "subject_mismatch"
	InFuture         Reason = "in_future"
	InvalidData      Reason = "invalid_data"
	Erased           Reason = "erased"
	Conflict         Reason = "conflict"
)

// A Refusal says why an event isn't accepted, with what could be read of its
// envelope.
type Refusal struct {
	Reason Reason
	// Message names the field and the rule. It never quotes a value.
	Message string

	// What of the envelope could be read and keeps its own rule; empty
	// otherwise. Time is nil where it couldn't be read.
	ID      string
	Source  string
	Type    string
	Subject string
	Time    *Instant
}

// Error makes a Refusal usable as an error.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Message }
