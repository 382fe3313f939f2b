// This file retracts an event: the question, which says what will change of the
// user and of the figures, and the retracting.

package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// A retractPage asks whether an event is to be retracted.
type retractPage struct {
	*eventPage
	CSRF string
	// Changes are what will be said otherwise; Gone says that nothing will be said
	// of the user any more.
	Changes []difference
	Gone    bool
	// Trouble is why it isn't done at the moment.
	Trouble string
}

// A difference is one thing that is said of a user, now and afterwards.
type difference struct {
	// Key tells it from the others; Label says what it is.
	Key, Label string
	Now, Then  any
}

func (v *visit) askRetract() (*answer, error) {
	p, err := v.readRetract()
	if err != nil {
		return nil, err
	}
	return v.retractQuestion(p, http.StatusOK)
}

// readRetract reads the event; one that isn't there to be retracted has no page.
func (v *visit) readRetract() (*retractPage, error) {
	p, err := v.readEvent()
	if err != nil {
		return nil, err
	}
	if p.Retract == "" && p.Retraction == "" {
		return nil, errNoPage
	}
	return &retractPage{eventPage: p, CSRF: v.token()}, nil
}

func (v *visit) retractQuestion(p *retractPage, status int) (*answer, error) {
	if p.Retraction != "" {
		return &answer{redirect: eventPath(eventstore.Position(p.Position))}, nil
	}
	with, without, err := v.Reader.Without(v.r.Context(), v.Log, p.user, domain.Retraction{Source: p.Source, ID: p.ID}, v.at)
	if err != nil {
		return nil, err
	}
	p.Gone = with.There && !without.There
	p.Changes = v.differences(&with, &without)
	return &answer{template: "retract", title: v.T("retract.title"), data: p, status: status}, nil
}

func (v *visit) retract() (*answer, error) {
	p, err := v.readRetract()
	if err != nil {
		return nil, err
	}
	address := eventPath(eventstore.Position(p.Position))
	if p.Retraction != "" { // the form was sent twice
		return &answer{redirect: address}, nil
	}
	err = v.Accounts.Retract(v.r.Context(), p.Subject, eventstore.EventID{Source: p.Source, ID: p.ID})
	unavailable, isUnavailable := errors.AsType[*accounts.UnavailableError](err)
	switch {
	case err == nil:
		return &answer{redirect: address}, nil
	case errors.Is(err, accounts.ErrNoUser):
		return nil, projections.ErrNoUser
	case isUnavailable && unavailable.Stored == accounts.StoredSafely:
		return &answer{redirect: address + "?retracted=soon"}, nil
	case isUnavailable:
		p.Trouble = unavailable.Reason
		return v.retractQuestion(p, http.StatusServiceUnavailable)
	}
	return nil, err
}

// differences lists what is said otherwise of a user without an event.
func (v *visit) differences(with, without *projections.FoldedUser) []difference {
	var found []difference
	add := func(key, label string, now, then any) {
		if !reflect.DeepEqual(now, then) {
			found = append(found, difference{key, label, now, then})
		}
	}
	field := func(name string, of func(*projections.FoldedUser) any) {
		add(name, v.T("field."+name), of(with), of(without))
	}
	field("status", func(u *projections.FoldedUser) any {
		if !u.There {
			return dash
		}
		return status(v.Catalogue, string(u.Status))
	})
	field("status_since", func(u *projections.FoldedUser) any { return v.instantIf(u.There, &u.StatusSince) })
	field("registered_at", func(u *projections.FoldedUser) any { return v.instantIf(true, u.RegisteredAt) })
	field("updated_at", func(u *projections.FoldedUser) any { return v.instantIf(true, u.UpdatedAt) })
	for i, name := range profileNames {
		field(name, func(u *projections.FoldedUser) any {
			p := &u.Profile
			return orDashText([]*string{p.Email, p.FirstName, p.LastName, p.Locale, p.Country, p.Platform}[i])
		})
	}
	now, then := customFields(with), customFields(without)
	for _, key := range sortedKeys(now, then) {
		add("custom."+key, key, orDashText(now[key]), orDashText(then[key]))
	}
	for _, kind := range []struct {
		name string
		of   func(*projections.FoldedUser) []domain.EntitlementView
	}{
		{"subscriptions", func(u *projections.FoldedUser) []domain.EntitlementView { return u.Subscriptions }},
		{"rentals", func(u *projections.FoldedUser) []domain.EntitlementView { return u.Rentals }},
		{"free-copies", func(u *projections.FoldedUser) []domain.EntitlementView { return u.FreeCopies }},
	} {
		now, then := byEntitlement(kind.of(with)), byEntitlement(kind.of(without))
		for _, id := range sortedKeys(now, then) {
			if !reflect.DeepEqual(now[id], then[id]) {
				label := v.T("retract."+kind.name, "id", id)
				found = append(found, v.entitlementDifferences(kind.name+"."+id, label, now[id], then[id])...)
			}
		}
	}
	add("sessions", v.T("retract.sessions"), v.Int(with.Viewing.Sessions), v.Int(without.Viewing.Sessions))
	add("duration", v.T("retract.duration"), length(v.Catalogue, with.Viewing.DurationMS), length(v.Catalogue, without.Viewing.DurationMS))
	add("last-viewing", v.T("user.last-viewing"), v.instantIf(true, with.Viewing.LastViewedAt), v.instantIf(true, without.Viewing.LastViewedAt))
	return append(found, v.countedOtherwise(with.Counted, without.Counted)...)
}

// countedOtherwise lists the figures that count the user only with the event, or
// only without it.
func (v *visit) countedOtherwise(now, then []projections.CountedIn) []difference {
	var found []difference
	for _, side := range []struct {
		in, out   []projections.CountedIn
		now, then string
	}{{now, then, "retract.counted", "retract.not-counted"}, {then, now, "retract.not-counted", "retract.counted"}} {
		for _, c := range side.in {
			if slices.Contains(side.out, c) || c.Counter == domain.CounterTrial && !v.Trials {
				continue
			}
			kpi, reason, _ := strings.Cut(string(c.Counter), ":")
			label := v.Month(c.Month.Year, c.Month.Month) + ": " + v.T("kpi."+kpi)
			if reason != "" {
				label += ", " + v.T("reason."+reason)
			}
			found = append(found, difference{"figure." + c.Month.String() + "." + string(c.Counter), label, v.T(side.now), v.T(side.then)})
		}
	}
	slices.SortStableFunc(found, func(a, b difference) int { return strings.Compare(a.Key, b.Key) })
	return found
}

// instantIf writes an instant, or a dash where there is none.
func (v *visit) instantIf(there bool, at *domain.Instant) template.HTML {
	if !there {
		return dash
	}
	return orDash(at, v.Second)
}

// entitlementDifferences lists the periods of an entitlement that aren't the same,
// by when they begin, and what describes it; now and then may be nil.
func (v *visit) entitlementDifferences(key, label string, now, then *domain.EntitlementView) []difference {
	var found []difference
	add := func(key string, now, then template.HTML) {
		if now != then {
			found = append(found, difference{key, label, now, then})
		}
	}
	nowPeriods, thenPeriods := v.periodTexts(now), v.periodTexts(then)
	for _, from := range sortedKeys(nowPeriods, thenPeriods) {
		add(key+"."+from, cmp.Or(nowPeriods[from], dash), cmp.Or(thenPeriods[from], dash))
	}
	add(key, v.described(now), v.described(then))
	return found
}

// periodTexts say when each period ends and why, by when it begins; of the latest
// also what it is now.
func (v *visit) periodTexts(e *domain.EntitlementView) map[string]template.HTML {
	texts := map[string]template.HTML{}
	if e == nil {
		return texts
	}
	for i := range e.Periods {
		period := &e.Periods[i]
		end := escaped(v.T("retract.endless"))
		if period.To != domain.Never {
			end = v.Second(period.To.Time())
		}
		text := v.Second(period.From.Time()) + " – " + end
		if i == 0 {
			text = status(v.Catalogue, string(e.Status)) + " " + text
		}
		if c := period.Cancellation; c != nil && c.Reason != nil {
			reason := *c.Reason
			if v.Has("reason." + reason) {
				reason = v.T("reason." + reason)
			}
			text += ", " + escaped(reason)
		}
		texts[period.From.String()] = text
	}
	return texts
}

// described is what an entitlement is of, and at what price.
func (v *visit) described(e *domain.EntitlementView) template.HTML {
	if e == nil {
		return dash
	}
	var words []string
	for _, text := range []*string{e.OfferName, e.OfferID, e.Title, e.ContentID} {
		if text != nil && *text != "" {
			words = append(words, *text)
			break
		}
	}
	if e.Amount != nil && e.Currency != nil {
		words = append(words, v.Money(*e.Amount, *e.Currency))
	}
	return cmp.Or(escaped(strings.Join(words, ", ")), dash)
}

func escaped(text string) template.HTML {
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

func byEntitlement(all []domain.EntitlementView) map[string]*domain.EntitlementView {
	byID := make(map[string]*domain.EntitlementView, len(all))
	for i := range all {
		byID[all[i].ID] = &all[i]
	}
	return byID
}

// customFields are the platform's own fields, as they are shown.
func customFields(u *projections.FoldedUser) map[string]string {
	var raw map[string]json.RawMessage
	shown := map[string]string{}
	if json.Unmarshal(u.Profile.Custom, &raw) != nil {
		return shown // of nobody
	}
	for key, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		shown[key] = text
	}
	return shown
}

// sortedKeys are the keys of both.
func sortedKeys[V any](a, b map[string]V) []string {
	var keys []string
	for _, of := range []map[string]V{a, b} {
		for key := range of {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
