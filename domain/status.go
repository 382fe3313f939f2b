// This file is about a user's status: what the spans of their entitlements,
// united, make of them at an instant.

package domain

// A StatusChange says what a user is from an instant on, until the next change.
type StatusChange struct {
	From   Instant
	Status Status
	// Since is status_since: for registered, the user's registration.
	Since Instant
}

// AccessSpans returns the spans in which the user may watch something: those of
// all entitlements, united.
func (f *UserFacts) AccessSpans(grace Grace) []Span {
	return spansOf(f.counted(grace), anyKind, wholePeriod)
}

// TrialSpans returns the spans of the user's trials, united.
func (f *UserFacts) TrialSpans(grace Grace) []Span {
	return spansOf(f.counted(grace), isSubscription, Period.Trial)
}

// counted returns all entitlements as they count in spans and figures.
func (f *UserFacts) counted(grace Grace) []Entitlement {
	all := f.Entitlements()
	for i := range all {
		all[i] = all[i].counted(grace)
	}
	return all
}

// spansOf unites a span of each period of the entitlements that are wanted.
func spansOf(all []Entitlement, wanted func(EntitlementKind) bool, span func(Period) Span) []Span {
	var spans []Span
	for i := range all {
		if !wanted(all[i].Kind) {
			continue
		}
		for _, p := range all[i].Periods {
			spans = append(spans, span(p))
		}
	}
	return Unite(spans)
}

func anyKind(EntitlementKind) bool             { return true }
func isSubscription(kind EntitlementKind) bool { return kind == Subscription }
func wholePeriod(p Period) Span                { return p.Span }

// Timeline returns the user's statuses in ascending order. The first is from
// their first event on; there is none where there is no event. It goes as far
// as anything is going to happen without a further event.
func (f *UserFacts) Timeline(grace Grace) []StatusChange {
	if !f.first.Carried {
		return nil
	}
	return f.timeline(f.AccessSpans(grace))
}

func (f *UserFacts) timeline(access []Span) []StatusChange {
	var changes []StatusChange
	// No entitlement begins before the first event.
	if len(access) == 0 || access[0].From > f.first.Value {
		since := f.first.Value
		if f.registered.Carried {
			since = f.registered.Value
		}
		changes = append(changes, StatusChange{From: f.first.Value, Status: StatusRegistered, Since: since})
	}
	for _, s := range access {
		changes = append(changes, StatusChange{From: s.From, Status: StatusActive, Since: s.From})
		if s.To != Never {
			changes = append(changes, StatusChange{From: s.To, Status: StatusCanceled, Since: s.To})
		}
	}
	return changes
}
