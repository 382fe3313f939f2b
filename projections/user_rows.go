// This file says which rows the read models have of one user: everything that
// follows from the user's facts.

package projections

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A platform is what of its configuration the rows depend on.
type platform struct {
	calendar     domain.Calendar
	renewalGrace domain.Grace
}

// userRows are all rows of one user, except those of sessions.
type userRows struct {
	user          userRow
	entitlements  []entitlementRow
	periods       []periodRow
	access, trial []spanRow
	members       []memberRow
	contributions []domain.Contribution
}

// ledgerEntries returns what the user contributes to the ledger.
func (r *userRows) ledgerEntries() []domain.Contribution {
	return withErased(r.contributions, !r.user.id.there)
}

// A userRow is a row of users. The instants that may be NULL are Endless then.
type userRow struct {
	key          sqldb.UUID
	id           opt[string]
	firstEventAt sqldb.Micros
	registeredAt sqldb.Micros
	updatedAt    sqldb.Micros
	profile      profileColumns
	status       statusColumns
}

type profileColumns struct {
	email, firstName, lastName, locale, country, platform opt[string]
	custom                                                string
	searchName, searchEmail                               opt[string]
}

type statusColumns struct {
	status             domain.Status
	since, from, until sqldb.Micros
}

// A factsRow is a row of user_facts.
type factsRow struct {
	key   sqldb.UUID
	facts []byte
}

// An entitlementKey is the primary key of a row of entitlements.
type entitlementKey struct {
	user sqldb.UUID
	kind string
	id   string
}

type entitlementRow struct {
	entitlementKey
	offerID, offerName, contentID, title, rentalKind opt[string]
	amount, intervalCount                            opt[int64]
	currency, interval, paymentInterface             opt[string]
}

func (r entitlementRow) rowKey() entitlementKey { return r.entitlementKey }

// A periodKey is the primary key of a row of periods.
type periodKey struct {
	entitlementKey
	n int64
}

type periodRow struct {
	periodKey
	from, to, trialEnd, trialTo      sqldb.Micros
	canceledAt, pastDueAt, resumesAt sqldb.Micros
	paused                           bool
	reason, comment                  opt[string]
}

func (r periodRow) rowKey() periodKey { return r.periodKey }

// A spanKey is the primary key of a row of access_spans or trial_spans.
type spanKey struct {
	user sqldb.UUID
	from sqldb.Micros
}

type spanRow struct {
	spanKey
	to sqldb.Micros
}

func (r spanRow) rowKey() spanKey { return r.spanKey }

// userRowsOf derives the rows of a user with the status that they have at now.
// id is the user's id on the platform; it doesn't matter once they are erased.
// Facts of no event have no rows.
func userRowsOf(key sqldb.UUID, id string, f *domain.UserFacts, p platform, now domain.Instant) userRows {
	if f.FirstEventAt() == domain.Never {
		return userRows{}
	}
	rows := userRows{
		user:          userRowOf(key, id, f, p.renewalGrace, now),
		access:        spanRows(key, f.AccessSpans(p.renewalGrace)),
		trial:         spanRows(key, f.TrialSpans(p.renewalGrace)),
		contributions: f.Contributions(p.calendar, p.renewalGrace),
	}
	rows.members = memberRows(&rows.user, rows.contributions, p.calendar)
	for _, e := range f.Entitlements() {
		k := entitlementKey{user: key, kind: kindName(e.Kind), id: e.ID}
		rows.entitlements = append(rows.entitlements, entitlementRowOf(k, &e))
		for i := range e.Periods {
			rows.periods = append(rows.periods, periodRowOf(periodKey{k, int64(i + 1)}, &e.Periods[i]))
		}
	}
	return rows
}

func userRowOf(key sqldb.UUID, id string, f *domain.UserFacts, grace domain.Grace, now domain.Instant) userRow {
	row := userRow{
		key:          key,
		firstEventAt: sqldb.Micros(f.FirstEventAt()),
		registeredAt: microsOf(f.RegisteredAt()),
		updatedAt:    microsOf(f.UpdatedAt()),
		profile:      profileColumnsOf(f.Profile()),
		status:       statusColumnsOf(f, grace, now),
	}
	if !f.Forgotten() {
		row.id = optOf(&id)
	}
	return row
}

func profileColumnsOf(p domain.Profile) profileColumns {
	c := profileColumns{
		email: optOf(p.Email), firstName: optOf(p.FirstName), lastName: optOf(p.LastName),
		locale: optOf(p.Locale), country: optOf(p.Country), platform: optOf(p.Platform),
		custom: string(p.Custom),
	}
	c.searchEmail = folded(c.email)
	c.searchName = folded(fullName(c.firstName, c.lastName))
	return c
}

// fullName is the name that people search for: first and last with a blank in
// between, or the one that there is.
func fullName(first, last opt[string]) opt[string] {
	switch {
	case !first.there:
		return last
	case !last.there:
		return first
	}
	return opt[string]{value: first.value + " " + last.value, there: true}
}

// foldCase brings a text into the form in which searching compares: Unicode's
// full case folding, and composed, so that it doesn't matter how an é is written.
func foldCase(s string) string { return norm.NFC.String(cases.Fold().String(norm.NFD.String(s))) }

func folded(s opt[string]) opt[string] {
	if s.there {
		s.value = foldCase(s.value)
	}
	return s
}

// statusColumnsOf returns the status at now and for how long it is that without
// a further event. A user whose first event is still to come has the status
// that it will give.
func statusColumnsOf(f *domain.UserFacts, grace domain.Grace, now domain.Instant) statusColumns {
	timeline := f.Timeline(grace)
	at := 0
	for at+1 < len(timeline) && timeline[at+1].From <= now {
		at++
	}
	c := statusColumns{
		status: timeline[at].Status,
		since:  sqldb.Micros(timeline[at].Since),
		from:   sqldb.Micros(timeline[at].From),
		until:  sqldb.Endless,
	}
	if at+1 < len(timeline) {
		c.until = sqldb.Micros(timeline[at+1].From)
	}
	return c
}

func entitlementRowOf(key entitlementKey, e *domain.Entitlement) entitlementRow {
	row := entitlementRow{
		entitlementKey: key,
		offerID:        optOf(e.OfferID), offerName: optOf(e.OfferName),
		contentID: optOf(e.ContentID), title: optOf(e.Title),
		amount: optOf(e.Amount), currency: optOf(e.Currency),
		interval: optOf(e.Interval), intervalCount: optOf(e.IntervalCount), paymentInterface: optOf(e.PaymentInterface),
	}
	if e.Kind == domain.Rental {
		row.rentalKind = optOf(&e.RentalKind)
	}
	return row
}

func periodRowOf(key periodKey, p *domain.Period) periodRow {
	row := periodRow{
		periodKey: key,
		from:      sqldb.Micros(p.From), to: sqldb.Micros(p.To),
		trialEnd: microsOf(p.TrialEnd), trialTo: sqldb.Endless, canceledAt: sqldb.Endless, pastDueAt: sqldb.Endless,
		paused: p.Paused != nil, resumesAt: microsOf(p.ResumesAt()),
		reason: optOf(p.Reason()), comment: optOf(p.Comment()),
	}
	if trial := p.Trial(); !trial.Empty() {
		row.trialTo = sqldb.Micros(trial.To)
	}
	if c := p.Cancellation; c != nil {
		row.canceledAt = sqldb.Micros(c.RequestedAt)
	}
	if d := p.PastDue; d != nil {
		row.pastDueAt = sqldb.Micros(d.Since)
	}
	return row
}

func spanRows(key sqldb.UUID, spans []domain.Span) []spanRow {
	rows := make([]spanRow, len(spans))
	for i, s := range spans {
		rows[i] = spanRow{spanKey{key, sqldb.Micros(s.From)}, sqldb.Micros(s.To)}
	}
	return rows
}

// microsOf returns an instant that may be missing as a column that is NULL then.
func microsOf(i *domain.Instant) sqldb.Micros {
	if i == nil {
		return sqldb.Endless
	}
	return sqldb.Micros(*i)
}

// kindName is what the tables call a kind of entitlement.
func kindName(k domain.EntitlementKind) string {
	switch k {
	case domain.Subscription:
		return "subscription"
	case domain.Rental:
		return "rental"
	default:
		return "free_copy"
	}
}
