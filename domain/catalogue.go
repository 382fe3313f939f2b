// This file is the catalogue: which types of event there are, and for each the
// fields of its data, by name, kind, and whether a field must be there and is
// personal. It is written to be read as a table. What the kinds are, and how a
// field's value is read, stands in data_kinds.go.
//
// A field that a type's row doesn't name is kept, as personal data, and has no
// effect. A field's being named, and its being a time, decide about whether two
// events are the same (canonical.go) and about what is encrypted: a change of a
// row is a change of what is stored.

package domain

import "slices"

// A row is one type of the catalogue.
type row struct {
	of     Type
	begin  func(e *Event)        // makes what the fields fill in
	fields []field               // the fields of data
	finish func(e *Event) string // the rule over several fields that is broken
	// dataless says that data may be absent, and that nothing of it is kept.
	dataless bool

	index map[string]int // of fields, by name
}

var catalogue = indexed([]row{
	{of: UserRegistered, begin: beginProfile(true), fields: profileFields},
	{of: UserUpdated, begin: beginProfile(false), fields: profileFields},
	{of: UserErased, begin: func(*Event) {}, dataless: true},
	{of: EventRetracted, begin: func(e *Event) { e.Retraction = &Retraction{} }, fields: []field{
		namedField("source", func(e *Event) *string { return &e.Retraction.Source }),
		namedField("id", func(e *Event) *string { return &e.Retraction.ID }),
	}},

	{of: SubscriptionStarted, begin: beginEntitlement(Subscription, Open), finish: priced, fields: []field{
		keyField("subscription_id", toEntitlementID),
		idField("offer_id", toOfferID).required(),
		textField("offer_name", toOfferName),
		timeField("trial_ends_at", toTrialEnd),
		timeField("ends_at", toEnd),
		amountField("amount", toAmount),
		currencyField("currency", toCurrency),
		wordField("interval", toInterval, intervals...),
		countField("interval_count", toIntervalCount),
		textField("payment_interface", toPaymentInterface),
	}},
	{of: SubscriptionRenewed, begin: beginEntitlement(Subscription, Extend), finish: priced, fields: renewalFields},
	{of: SubscriptionChanged, begin: beginEntitlement(Subscription, Change), finish: priced, fields: append(termFields,
		timeField("trial_ends_at", toTrialEnd),
	)},
	{of: SubscriptionPaymentFailed, begin: beginEntitlement(Subscription, Fail), fields: []field{
		keyField("subscription_id", toEntitlementID),
		timeField("grace_ends_at", toEnd),
		textField("comment", toComment).isPersonal(),
	}},
	{of: SubscriptionPaused, begin: beginEntitlement(Subscription, Pause), fields: []field{
		keyField("subscription_id", toEntitlementID),
		timeField("ends_at", toEnd),
		timeField("resumes_at", toResumesAt),
		textField("comment", toComment).isPersonal(),
	}},
	{of: SubscriptionCanceled, begin: beginEntitlement(Subscription, Close), fields: []field{
		keyField("subscription_id", toEntitlementID),
		timeField("ends_at", toEnd),
		wordField("reason", toReason, "voluntary", "non_payment", "switched", "other"),
		textField("comment", toComment).isPersonal(),
	}},
	{of: SubscriptionResumed, begin: beginEntitlement(Subscription, Extend), finish: priced, fields: renewalFields},

	{of: RentalStarted, begin: beginEntitlement(Rental, Open), finish: priced, fields: []field{
		keyField("rental_id", toEntitlementID),
		idField("content_id", toContentID).required(),
		textField("title", toTitle),
		wordField("kind", toRentalKind, "rental", "purchase").nullAsAbsent(),
		timeField("expires_at", toEnd),
		amountField("amount", toAmount),
		currencyField("currency", toCurrency),
		textField("payment_interface", toPaymentInterface),
	}},
	{of: RentalActivated, begin: beginEntitlement(Rental, Extend), fields: []field{
		keyField("rental_id", toEntitlementID),
		timeField("expires_at", toEnd).required(),
	}},
	{of: RentalRevoked, begin: beginEntitlement(Rental, Close), fields: []field{
		keyField("rental_id", toEntitlementID),
		textField("reason", toReason),
	}},

	{of: FreeCopyGranted, begin: beginEntitlement(FreeCopy, Open), finish: offersSomething, fields: []field{
		keyField("free_copy_id", toEntitlementID),
		idField("offer_id", toOfferID),
		idField("content_id", toContentID),
		textField("title", toTitle),
		timeField("expires_at", toEnd),
	}},
	{of: FreeCopyRevoked, begin: beginEntitlement(FreeCopy, Close), fields: []field{
		keyField("free_copy_id", toEntitlementID),
		textField("reason", toReason),
	}},

	{of: PlaybackStarted, begin: beginPlayback(false), fields: playbackFields},
	{of: PlaybackProgressed, begin: beginPlayback(false), fields: append(progressFields, playbackFields...)},
	{of: PlaybackEnded, begin: beginPlayback(true), fields: append(progressFields, playbackFields...)},
})

// The fields of several types.
var (
	profileFields = []field{
		textField("email", func(e *Event) *Field[string] { return &e.Profile.Email }).isPersonal(),
		textField("first_name", func(e *Event) *Field[string] { return &e.Profile.FirstName }).isPersonal(),
		textField("last_name", func(e *Event) *Field[string] { return &e.Profile.LastName }).isPersonal(),
		textField("locale", func(e *Event) *Field[string] { return &e.Profile.Locale }).isPersonal(),
		textField("country", func(e *Event) *Field[string] { return &e.Profile.Country }).isPersonal(),
		textField("platform", func(e *Event) *Field[string] { return &e.Profile.Platform }).isPersonal(),
		customField("custom").isPersonal(),
	}
	intervals = []string{"day", "week", "month", "quarter", "year"}
	// termFields have no room to grow: more is appended to them twice.
	termFields = slices.Clip([]field{
		keyField("subscription_id", toEntitlementID),
		idField("offer_id", toOfferID),
		textField("offer_name", toOfferName),
		amountField("amount", toAmount),
		currencyField("currency", toCurrency),
		wordField("interval", toInterval, intervals...),
		countField("interval_count", toIntervalCount),
		textField("payment_interface", toPaymentInterface),
	})
	renewalFields  = append(termFields, timeField("ends_at", toEnd))
	playbackFields = []field{
		keyField("session_id", func(e *Event) *string { return &e.Playback.SessionID }),
		keyField("content_id", func(e *Event) *string { return &e.Playback.ContentID }),
		textField("title", func(e *Event) *Field[string] { return &e.Playback.Title }),
		lengthField("content_length_s", func(e *Event) *Field[int64] { return &e.Playback.ContentLength }),
		textField("device", func(e *Event) *Field[string] { return &e.Playback.Device }),
		textField("platform", func(e *Event) *Field[string] { return &e.Playback.Platform }),
	}
	progressFields = []field{
		playheadField("position_s", func(e *Event) *Field[int64] { return &e.Playback.Position }),
		rangesField("played", func(e *Event) *[]Range { return &e.Playback.Played }).nullAsAbsent(),
		durationField("play_time_s", func(e *Event) *Field[int64] { return &e.Playback.PlayTime }).nullAsAbsent(),
	}
)

// Where the fields of entitlements go.
var (
	toEntitlementID    = func(e *Event) *string { return &e.Entitlement.ID }
	toEnd              = func(e *Event) *Field[Instant] { return &e.Entitlement.End }
	toTrialEnd         = func(e *Event) *Field[Instant] { return &e.Entitlement.TrialEnd }
	toResumesAt        = func(e *Event) *Field[Instant] { return &e.Entitlement.ResumesAt }
	toReason           = func(e *Event) *Field[string] { return &e.Entitlement.Reason }
	toComment          = func(e *Event) *Field[string] { return &e.Entitlement.Comment }
	toOfferID          = func(e *Event) *Field[string] { return &e.Entitlement.OfferID }
	toOfferName        = func(e *Event) *Field[string] { return &e.Entitlement.OfferName }
	toContentID        = func(e *Event) *Field[string] { return &e.Entitlement.ContentID }
	toTitle            = func(e *Event) *Field[string] { return &e.Entitlement.Title }
	toRentalKind       = func(e *Event) *Field[string] { return &e.Entitlement.RentalKind }
	toAmount           = func(e *Event) *Field[int64] { return &e.Entitlement.Amount }
	toCurrency         = func(e *Event) *Field[string] { return &e.Entitlement.Currency }
	toInterval         = func(e *Event) *Field[string] { return &e.Entitlement.Interval }
	toIntervalCount    = func(e *Event) *Field[int64] { return &e.Entitlement.IntervalCount }
	toPaymentInterface = func(e *Event) *Field[string] { return &e.Entitlement.PaymentInterface }
)

func beginProfile(registers bool) func(*Event) {
	return func(e *Event) { e.Profile = &ProfileChange{Registers: registers} }
}

func beginEntitlement(kind EntitlementKind, action Action) func(*Event) {
	return func(e *Event) { e.Entitlement = &EntitlementEvent{Kind: kind, Action: action} }
}

func beginPlayback(ended bool) func(*Event) {
	return func(e *Event) {
		if e.Playback == nil {
			e.Playback = &PlaybackReport{}
		}
		*e.Playback = PlaybackReport{Ended: ended}
	}
}

// priced says that an amount comes with a currency.
func priced(e *Event) string {
	_, hasAmount := e.Entitlement.Amount.Get()
	_, hasCurrency := e.Entitlement.Currency.Get()
	if hasAmount && !hasCurrency {
		return "currency must be there, as amount is"
	}
	return ""
}

// offersSomething says that a free copy is of an offer or of a content.
func offersSomething(e *Event) string {
	_, hasOffer := e.Entitlement.OfferID.Get()
	_, hasContent := e.Entitlement.ContentID.Get()
	if !hasOffer && !hasContent {
		return "offer_id or content_id must be there"
	}
	return ""
}

// indexed makes the rows findable by type, and their fields by name.
func indexed(rows []row) (byType struct {
	rows  []row
	index map[Type]*row
}) {
	byType.rows = rows
	byType.index = make(map[Type]*row, len(rows))
	for i := range rows {
		r := &rows[i]
		byType.index[r.of] = r
		r.index = make(map[string]int, len(r.fields))
		for n := range r.fields {
			r.index[r.fields[n].name] = n
		}
	}
	return byType
}

// field finds a field by its name; nil where the row doesn't name it.
func (r *row) field(name []byte) (int, *field) {
	i, ok := r.index[string(name)]
	if !ok {
		return 0, nil
	}
	return i, &r.fields[i]
}

// Types lists the types of the catalogue, in its order.
func Types() []Type {
	types := make([]Type, len(catalogue.rows))
	for i := range catalogue.rows {
		types[i] = catalogue.rows[i].of
	}
	return types
}

// KnownType says whether the catalogue has a type, whose name is compared as
// it stands.
func KnownType(s string) bool {
	_, ok := catalogue.index[Type(s)]
	return ok
}

// HasPersonal says whether a field of the type is personal: whether what is
// encrypted of such an event can make a difference to anything but its content.
func HasPersonal(t Type) bool {
	r := catalogue.index[t]
	return r != nil && slices.ContainsFunc(r.fields, func(f field) bool { return f.personal })
}
