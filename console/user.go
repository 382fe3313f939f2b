// This file is the page of one user: who they are, what they had and when, and
// what they watched.

package console

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"boxoffice/console/chart"
	"boxoffice/console/text"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// A userPage is what the page shows.
type userPage struct {
	*projections.UserDetail
	AsOf     asOf
	Name     string
	Profile  []string // locale, country, platform: those that are known
	Custom   []param
	Timeline timeline

	Subscriptions []periodRow
	Rentals       []periodRow
	FreeCopies    []periodRow
	// Subscribed is how many subscriptions there are, and Current of which run.
	Subscribed, Current int

	Viewed viewed
	// Saved says that an edit of the user has just been saved, or will be soon.
	Saved string
	// MayEdit and MayReplay say what the role may do beyond looking.
	MayEdit, MayReplay bool
}

// A periodRow is one period of something that the user has or had.
type periodRow struct {
	ID, Name string
	// Rows is how many periods follow under the name, itself included; 0 under it.
	Rows   int
	Kind   string // rental or purchase
	Status string
	From   domain.Instant
	To     *domain.Instant // nil where it doesn't end
	Trial  *domain.Instant
	// Canceled is when the end was asked for, Resumes when a paused one is to go on.
	Canceled *domain.Instant
	Resumes  *domain.Instant
	Reason   string
	Comment  string
	Price    template.HTML // empty where there is none
	Paid     *string
}

// A timeline draws what the user had, to scale.
type timeline struct {
	Axis  template.HTML
	Lanes []lane
	// Earlier are the lanes that are over, where there are many.
	Earlier []lane
	// Rows are all that is drawn, in numbers.
	Rows []drawnRow
}

// A drawnRow is a span or a mark of the drawing.
type drawnRow struct {
	ID, Name string
	// What is the key of the text that says what it is.
	What string
	From domain.Instant
	// To is the end of a span, domain.Never where it has none; nil for a mark.
	To *domain.Instant
}

// Endless says that it is a span without an end.
func (r drawnRow) Endless() bool { return r.To != nil && *r.To == domain.Never }

type lane struct {
	Name, What string
	Drawing    template.HTML
}

// viewed is what the user watched in a period.
type viewed struct {
	Filter   userFilter
	Hidden   []param
	Contents bool // by content rather than by session
	// BySession and ByContent are the addresses of the two.
	BySession, ByContent string
	Sessions             []sessionRow
	Rows                 []contentRow
	Pager                pager
	Excel, CSV           string
}

type sessionRow struct {
	projections.Session
	Name string
	Seen template.HTML
}

type contentRow struct {
	projections.Content
	Name string
}

// maxLanes is how many lanes are shown at once.
const maxLanes = 12

// maxTicks is how many sessions are drawn as ticks.
const maxTicks = 500

func (v *visit) user() (*answer, error) {
	id, ok := pathID(v.r)
	if !ok {
		return nil, errNoPage
	}
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.at.Time().In(v.server.Zone)); changed {
		return &answer{redirect: v.r.URL.EscapedPath() + queryText(to) + "#viewing"}, nil
	}
	at := instantOr(q.instant("as_of"), v.at)
	detail, found, err := v.Reader.User(v.r.Context(), id, at)
	if err != nil {
		return nil, err
	}
	if !found && q.Get("saved") == "soon" {
		return &answer{template: "on-its-way", title: v.T("saved.soon.head"), data: v.r.URL.RequestURI()}, nil
	}
	if !found {
		return nil, projections.ErrNoUser
	}
	p := &userPage{
		UserDetail: &detail, Name: fullName(&detail.User), Custom: customParams(&detail.User),
		AsOf:    asOf{At: at, Position: int64(detail.Position)},
		Saved:   q.Get("saved"),
		MayEdit: v.who.May("edit-user"), MayReplay: v.who.May("list-events") && v.who.May("list-users"),
	}
	for _, s := range []*string{detail.User.Profile.Locale, detail.User.Profile.Country, detail.User.Profile.Platform} {
		if s != nil {
			p.Profile = append(p.Profile, *s)
		}
	}
	p.Subscriptions, p.Current = v.periodRows(detail.Subscriptions, at)
	p.Subscribed = len(detail.Subscriptions)
	p.Rentals, _ = v.periodRows(detail.Rentals, at)
	p.FreeCopies, _ = v.periodRows(detail.FreeCopies, at)
	if p.Timeline, err = v.timeline(id, &detail, at); err != nil {
		return nil, err
	}
	if p.Viewed, err = v.viewed(q, id, at, &detail); err != nil {
		return nil, err
	}
	return &answer{template: "user", title: p.Name, data: p}, nil
}

func queryText(values url.Values) string {
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// customParams are the platform's own fields of a user, sorted by key.
func customParams(u *projections.User) []param {
	var all []param
	for key, value := range customOf(u) {
		all = append(all, param{key, customText(value)})
	}
	slices.SortFunc(all, func(a, b param) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// periodRows are the periods of entitlements, and how many of those run.
func (v *visit) periodRows(all []domain.EntitlementView, at domain.Instant) (rows []periodRow, current int) {
	for i := range all {
		e := &all[i]
		if e.Status != domain.EntitlementEnded && e.Status != domain.EntitlementPaused {
			current++
		}
		for n := range e.Periods {
			period := &e.Periods[n]
			row := periodRow{
				ID: e.ID, Kind: e.RentalKind, Status: string(e.Status), From: period.From, Trial: period.TrialEnd,
				Paid: e.PaymentInterface, Price: v.priceData(e),
				Reason: orEmpty(period.Reason()), Comment: orEmpty(period.Comment()), Resumes: period.ResumesAt(),
			}
			if n == 0 {
				row.Name, row.Rows = entitlementName(e), len(e.Periods)
			} else if at >= period.To {
				row.Status = string(domain.EntitlementEnded)
			}
			if period.To != domain.Never {
				row.To = &period.To
			}
			if c := period.Cancellation; c != nil {
				row.Canceled = &c.RequestedAt
			}
			rows = append(rows, row)
		}
	}
	return rows, current
}

// entitlementName is what it is called: the title or the offer, else an id.
func entitlementName(e *domain.EntitlementView) string {
	for _, s := range []*string{e.Title, e.OfferName, e.OfferID, e.ContentID} {
		if s != nil && *s != "" {
			return *s
		}
	}
	return e.ID
}

// price writes an amount with its interval; empty where there is none.
func (v *visit) price(e *domain.EntitlementView) string {
	if e.Amount == nil || e.Currency == nil {
		return ""
	}
	price := v.Money(*e.Amount, *e.Currency)
	if key, n := v.interval(e); key != "" {
		return v.N(key, n, "price", price)
	}
	return price
}

// interval is the key of how often a price is paid, and every how many of them;
// empty where that isn't known.
func (v *visit) interval(e *domain.EntitlementView) (key string, n int64) {
	if e.Interval == nil || !v.Has("intervals."+*e.Interval) {
		return "", 0
	}
	n = 1
	if e.IntervalCount != nil {
		n = *e.IntervalCount
	}
	return "intervals." + *e.Interval, n
}

// priceData is price with the amount as programs read it, in minor units as the
// API has it.
func (v *visit) priceData(e *domain.EntitlementView) template.HTML {
	if e.Amount == nil || e.Currency == nil {
		return ""
	}
	price := text.Datum(strconv.FormatInt(*e.Amount, 10), v.Money(*e.Amount, *e.Currency))
	if key, n := v.interval(e); key != "" {
		return v.HN(key, n, "price", price)
	}
	return price
}

// timeline draws what the user had, from their first event to now or the last
// known end, at most a year ahead.
func (v *visit) timeline(id string, d *projections.UserDetail, at domain.Instant) (timeline, error) {
	page, err := v.Reader.Sessions(v.r.Context(), projections.SessionsQuery{UserID: id, At: at, Limit: maxTicks})
	if err != nil {
		return timeline{}, err
	}
	now := at.Time()
	whole := v.timelineRange(d, page.Sessions, now)
	marks, ticks := v.months(whole)
	t := timeline{Axis: chart.Axis(whole, ticks)}
	add := func(all []domain.EntitlementView, class, span, what string) {
		for i := range all {
			e := &all[i]
			l := lane{Name: entitlementName(e), What: v.laneWhat(e, what), Drawing: v.lane(e, class, span).Draw(whole, marks, now)}
			t.Rows = append(t.Rows, drawnRows(e, cmp.Or(laneKind(e, what), "timeline.subscription"))...)
			if e.Status == domain.EntitlementEnded && len(t.Lanes) >= maxLanes {
				t.Earlier = append(t.Earlier, l)
			} else {
				t.Lanes = append(t.Lanes, l)
			}
		}
	}
	add(d.Subscriptions, "c-on", "", "")
	add(d.FreeCopies, "c-on", "gift", "timeline.gift")
	add(d.Rentals, "c-paid", "", "timeline.rental")
	if len(page.Sessions) > 0 {
		seen := chart.Lane{Label: v.N("timeline.sessions", d.Viewing.Sessions)}
		for i := range page.Sessions {
			s := &page.Sessions[i]
			seen.Seen = append(seen.Seen, s.StartedAt.Time())
			t.Rows = append(t.Rows, drawnRow{ID: s.SessionID, Name: cmp.Or(orEmpty(s.Title), s.ContentID), What: "timeline.viewing", From: s.StartedAt})
		}
		t.Lanes = append(t.Lanes, lane{Name: v.T("timeline.viewing"), What: seen.Label, Drawing: seen.Draw(whole, marks, now)})
	}
	return t, nil
}

func (v *visit) laneWhat(e *domain.EntitlementView, what string) string {
	if what == "" {
		return v.price(e)
	}
	return v.T(laneKind(e, what))
}

// laneKind is the key of what an entitlement is, of the kind what.
func laneKind(e *domain.EntitlementView, what string) string {
	if e.RentalKind == "purchase" {
		return "timeline.purchase"
	}
	return what
}

// drawnRows are the spans and marks of one entitlement, as lane draws them.
func drawnRows(e *domain.EntitlementView, what string) (rows []drawnRow) {
	add := func(what string, from domain.Instant, to *domain.Instant) {
		rows = append(rows, drawnRow{ID: e.ID, Name: entitlementName(e), What: what, From: from, To: to})
	}
	for i := range e.Periods {
		p := &e.Periods[i]
		from := p.From
		if trial := p.Trial(); !trial.Empty() {
			add("timeline.trial", trial.From, &trial.To)
			from = trial.To
		}
		until := p.To
		if p.PastDue != nil {
			until = max(from, min(p.PastDue.Since, p.To))
		}
		if from < until {
			add(what, from, &until)
		}
		if until < p.To {
			add("timeline.past-due", until, &p.To)
		}
		if p.Cancellation != nil {
			add("timeline.canceled", p.Cancellation.RequestedAt, nil)
		}
		if to, paused := pausedUntil(e, i); paused {
			add("timeline.paused", p.To, &to)
		}
	}
	return rows
}

// pausedUntil is until when the i-th period, of those latest first, is paused once
// it has ended: until the next one, or until it is to be resumed.
func pausedUntil(e *domain.EntitlementView, i int) (domain.Instant, bool) {
	p := &e.Periods[i]
	until := domain.Never
	if resumes := p.ResumesAt(); resumes != nil {
		until = *resumes
	}
	if i > 0 {
		until = e.Periods[i-1].From
	}
	return until, p.Paused != nil && p.To < until
}

// lane is the drawing of one entitlement.
func (v *visit) lane(e *domain.EntitlementView, class, span string) chart.Lane {
	l := chart.Lane{Class: class}
	var words []string
	for i := len(e.Periods) - 1; i >= 0; i-- {
		p := &e.Periods[i]
		from, to := p.From.Time(), endTime(p.To)
		words = append(words, v.spanWords(p))
		if trial := p.Trial(); !trial.Empty() {
			l.Spans = append(l.Spans, chart.Span{From: from, To: endTime(trial.To), Class: "try"})
			from = endTime(trial.To)
		}
		due := to
		if p.PastDue != nil && p.PastDue.Since < p.To {
			due = p.PastDue.Since.Time()
			if due.Before(from) {
				due = from
			}
			l.Spans = append(l.Spans, chart.Span{From: due, To: to, Class: "due"})
			words = append(words, v.T("timeline.past-due"))
		}
		if from.Before(due) || due.IsZero() && !from.IsZero() {
			l.Spans = append(l.Spans, chart.Span{From: from, To: due, Class: span})
		}
		if until, paused := pausedUntil(e, i); paused {
			l.Paused = append(l.Paused, chart.Span{From: to, To: endTime(until)})
			words = append(words, v.T("timeline.paused"))
		}
		if p.Cancellation != nil {
			l.Canceled = append(l.Canceled, p.Cancellation.RequestedAt.Time())
		}
	}
	l.Label = entitlementName(e) + ": " + strings.Join(words, "; ")
	return l
}

// spanWords says a period in words.
func (v *visit) spanWords(p *domain.Period) string {
	from := v.Date(p.From.Time())
	if p.To == domain.Never {
		return v.T("timeline.from", "from", from)
	}
	return v.T("timeline.from-to", "from", from, "to", v.Date(p.To.Time()))
}

// endTime is an instant, or the zero time for one that never comes.
func endTime(i domain.Instant) time.Time {
	if i == domain.Never {
		return time.Time{}
	}
	return i.Time()
}

// timelineRange is the whole months from the first thing that is known to the
// later of now and the last known end, at most a year ahead.
func (v *visit) timelineRange(d *projections.UserDetail, sessions []projections.Session, now time.Time) chart.Range {
	from, to := now, now
	if d.RegisteredAt != nil {
		from = d.RegisteredAt.Time()
	}
	for _, all := range [][]domain.EntitlementView{d.Subscriptions, d.Rentals, d.FreeCopies} {
		for i := range all {
			for _, p := range all[i].Periods {
				if t := p.From.Time(); t.Before(from) {
					from = t
				}
				if t := endTime(p.To); t.After(to) {
					to = t
				}
			}
		}
	}
	if n := len(sessions); n > 0 && sessions[n-1].StartedAt.Time().Before(from) {
		from = sessions[n-1].StartedAt.Time()
	}
	if latest := now.AddDate(1, 0, 0); to.After(latest) {
		to = latest
	}
	calendar := domain.Calendar{Zone: v.server.Zone}
	return chart.Range{
		From: calendar.Start(calendar.MonthOf(domain.InstantOf(from))).Time(),
		To:   calendar.End(calendar.MonthOf(domain.InstantOf(to))).Time(),
	}
}

// months are the months of a range, as marks and as names on the axis.
func (v *visit) months(r chart.Range) (marks []time.Time, ticks []chart.Tick) {
	calendar := domain.Calendar{Zone: v.server.Zone}
	last := domain.InstantOf(r.To)
	total := 0
	for m := calendar.MonthOf(domain.InstantOf(r.From)); calendar.Start(m) < last; m = m.Next() {
		total++
	}
	every := 1 + (total-1)/12
	n := 0
	for m := calendar.MonthOf(domain.InstantOf(r.From)); calendar.Start(m) < last; m = m.Next() {
		start := calendar.Start(m).Time()
		if n%every == 0 {
			marks = append(marks, start)
			label := v.MonthShort(m.Month)
			if n == 0 || m.Month <= every {
				label += " " + strconv.Itoa(m.Year)
			}
			ticks = append(ticks, chart.Tick{At: start, Label: label, Minor: n/every%3 != 0})
		}
		n++
	}
	return marks, ticks
}

// sessionRows is how many sessions a page has.
const sessionRows = 20

// viewed reads what the user watched in the period of the address.
func (v *visit) viewed(q *query, id string, at domain.Instant, d *projections.UserDetail) (viewed, error) {
	from, to := q.instant("from"), q.instant("to")
	w := viewed{Contents: q.oneOf("view", "contents", "sessions") == "contents"}
	if err := q.err(); err != nil {
		return w, err
	}
	w.Filter = v.periodForm(q, "")
	w.BySession, w.ByContent = v.listAddress("view", "")+"#viewing", v.listAddress("view", "contents")+"#viewing"
	w.Excel, w.CSV = sessionExports(q, "user_id", id)
	if w.Contents {
		w.Hidden = []param{{"view", "contents"}}
		contents, _, err := v.Reader.UserContents(v.r.Context(), id, from, to)
		for i := range contents {
			w.Rows = append(w.Rows, contentRow{contents[i], cmp.Or(orEmpty(contents[i].Title), contents[i].ContentID)})
		}
		return w, err
	}
	listed := cursor.Listing{Name: "user sessions", Filters: []any{id, from, to}}
	begin, err := openPage[projections.SessionCursor](v, q, listed, at, sessionRows)
	if err != nil {
		return w, err
	}
	page, err := v.Reader.Sessions(v.r.Context(), projections.SessionsQuery{
		UserID: id, From: from, To: to, Played: true, At: begin.At, After: begin.After, Limit: sessionRows,
	})
	if err != nil {
		return w, err
	}
	for i := range page.Sessions {
		w.Sessions = append(w.Sessions, v.sessionRow(&page.Sessions[i]))
	}
	w.Pager = begin.pager(len(page.Sessions), page.Next).at("viewing")
	if from == nil && to == nil {
		w.Pager = w.Pager.of(d.Viewing.Sessions, false)
	}
	return w, nil
}

// sessionRow is a session with what was watched of it drawn.
func (v *visit) sessionRow(s *projections.Session) sessionRow {
	row := sessionRow{Session: *s, Name: cmp.Or(orEmpty(s.Title), s.ContentID)}
	if s.ContentLengthMS == nil || len(s.Played) == 0 {
		return row
	}
	length := float64(*s.ContentLengthMS) / 1000
	var ranges [][2]float64
	var words []string
	for _, r := range s.Played {
		from, to := float64(r.From)/1000, min(float64(r.To)/1000, length)
		if from < to {
			ranges = append(ranges, [2]float64{from, to})
			words = append(words, v.T("session.range", "from", text.Playhead(from), "to", text.Playhead(to)))
		}
	}
	row.Seen = chart.Seen(ranges, length, v.T("session.seen", "ranges", strings.Join(words, "; "), "length", text.Playhead(length)))
	return row
}

// sessionExports are the addresses of sessions as files.
func sessionExports(q *query, name, value string) (excel, csv string) {
	values := url.Values{name: {value}}
	for _, name := range []string{"from", "to"} {
		if value := q.Get(name); value != "" {
			values.Set(name, value)
		}
	}
	return fileAddresses("/v1/exports/sessions", values)
}
