// This file answers the questions in the plainest way, from the rules: by
// going through all users and sessions in memory.

package projections

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

const plainTimeout = 30 * time.Minute

func (w *world) position() int { return len(w.log.records) }

// there says that the person is in lists and counts at t.
func (p *person) there(t domain.Instant) bool { return p.id != "" && p.facts.FirstEventAt() <= t }

func (w *world) user(p *person, t domain.Instant) User {
	u := User{ID: p.id,
		RegisteredAt: p.facts.RegisteredAt(), UpdatedAt: p.facts.UpdatedAt(), Profile: p.facts.Profile()}
	for _, c := range p.facts.Timeline(w.grace) {
		if c.From <= t {
			u.Status, u.StatusSince = c.Status, c.Since
		}
	}
	return u
}

// subscribed returns the spans of the person's subscriptions, united.
func (w *world) subscribed(p *person) []domain.Span {
	var spans []domain.Span
	for _, e := range p.facts.Entitlements() {
		for _, period := range w.counting(e) {
			if e.Kind == domain.Subscription {
				spans = append(spans, period.Span)
			}
		}
	}
	return domain.Unite(spans)
}

// counting returns the periods of an entitlement, each beginning where the renewal
// grace has it begin.
func (w *world) counting(e domain.Entitlement) []domain.Period {
	counting := slices.Clone(e.Periods)
	for i, period := range e.Periods {
		ended := domain.Always
		for _, before := range e.Periods[:i] {
			if !before.Empty() {
				ended = max(ended, before.To)
			}
		}
		if e.Kind == domain.Subscription && !period.Empty() && ended != domain.Always && period.From-ended <= domain.Instant(w.grace) {
			counting[i].From = ended
		}
	}
	return counting
}

// users returns the whole list that q asks for.
func (w *world) users(q UsersQuery) []User {
	var users []User
	for _, p := range w.people {
		if !p.there(q.At) {
			continue
		}
		if u := w.user(p, q.At); q.Filter.takes(&u) {
			users = append(users, u)
		}
	}
	sortUsers(users, q.Sort)
	return users
}

func (f *UserFilter) takes(u *User) bool {
	in := func(i, from, to *domain.Instant) bool {
		return (from == nil || i != nil && *i >= *from) && (to == nil || i != nil && *i < *to)
	}
	return (f.Status == "" || f.Status == u.Status) &&
		in(u.RegisteredAt, f.RegisteredFrom, f.RegisteredTo) && in(u.UpdatedAt, f.UpdatedFrom, f.UpdatedTo) &&
		(f.Query == "" || found(f.Query, u))
}

func found(query string, u *User) bool {
	fold := func(text string) string { return norm.NFC.String(cases.Fold().String(norm.NFD.String(text))) }
	query = fold(query)
	var name []string
	for _, part := range []*string{u.Profile.FirstName, u.Profile.LastName} {
		if part != nil {
			name = append(name, *part)
		}
	}
	texts := []string{u.ID, strings.Join(name, " ")}
	if u.Profile.Email != nil {
		texts = append(texts, *u.Profile.Email)
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(fold(text), query) })
}

func sortUsers(users []User, order UserSort) {
	key := func(u User) *domain.Instant { return u.RegisteredAt }
	if order == ByUpdatedAsc || order == ByUpdatedDesc {
		key = func(u User) *domain.Instant { return u.UpdatedAt }
	}
	slices.SortFunc(users, func(a, b User) int {
		x, y := key(a), key(b)
		if x == nil || y == nil || *x == *y {
			return cmp.Or(nilLast(x, y), cmp.Compare(a.ID, b.ID))
		}
		if order == ByRegisteredAsc || order == ByUpdatedAsc {
			return cmp.Compare(*x, *y)
		}
		return cmp.Compare(*y, *x)
	})
}

func nilLast[T any](x, y *T) int {
	switch {
	case x == nil && y != nil:
		return 1
	case x != nil && y == nil:
		return -1
	}
	return 0
}

func (w *world) counts(t domain.Instant) UserCounts {
	var c UserCounts
	for _, p := range w.people {
		if !p.there(t) {
			continue
		}
		switch w.user(p, t).Status {
		case domain.StatusRegistered:
			c.Registered++
		case domain.StatusActive:
			c.Active++
		case domain.StatusCanceled:
			c.Canceled++
		}
	}
	return c
}

// counted says whether a month's figure counts a person at t, from the rule of
// the figure; reason only matters to unsubscribed.
func (w *world) counted(p *person, m domain.Month, kpi KPI, reason domain.ChurnReason, t domain.Instant) bool {
	start, end := w.calendar.Start(m), w.calendar.End(m)
	if start > t {
		return false
	}
	inW := func(i domain.Instant) bool { return start <= i && i < end && i <= t }
	reaches := func(s domain.Span) bool { return s.From < end && s.From <= t && s.To > start }
	switch kpi {
	case KPIRegistered:
		r := p.facts.RegisteredAt()
		return r != nil && inW(*r)
	case KPIActive:
		return slices.ContainsFunc(p.facts.AccessSpans(w.grace), reaches)
	case KPITrial:
		return slices.ContainsFunc(p.facts.TrialSpans(w.grace), reaches)
	case KPIUnsubscribed:
		spans := w.subscribed(p)
		for i, s := range spans {
			next := domain.Never
			if i+1 < len(spans) {
				next = spans[i+1].From
			}
			gap := inW(s.To) && (t < end && next > t || t >= end && next >= end)
			if gap && (reason == "" || reason == w.churn(p, s.To)) {
				return true
			}
		}
		return false
	}
	// That a cancellation was recorded on a period can only be told while the
	// periods are made; the rule is held against its definition in domain.
	counter := domain.CounterCancellations
	if reason != "" {
		counter = domain.CancellationsCounter(reason)
	}
	return w.calendar.Figure(p.facts.Contributions(w.calendar, w.grace), counter, m, t) > 0
}

// churn returns the reason for which the subscription ended at e.
func (w *world) churn(p *person, e domain.Instant) domain.ChurnReason {
	var last domain.Period
	var id string
	for _, s := range p.facts.Entitlements() {
		for _, period := range w.counting(s) {
			if s.Kind != domain.Subscription || period.Empty() || period.To != e {
				continue
			}
			if id == "" || period.From > last.From || period.From == last.From && s.ID > id {
				last, id = period, s.ID
			}
		}
	}
	if reason := last.Reason(); reason != nil {
		return domain.ChurnReason(*reason)
	}
	return domain.ChurnExpired
}

func (w *world) count(m domain.Month, kpi KPI, reason domain.ChurnReason, t domain.Instant) int64 {
	var n int64
	for _, p := range w.people {
		if w.counted(p, m, kpi, reason, t) {
			n++
		}
	}
	return n
}

func (w *world) kpi(m domain.Month, t domain.Instant) MonthKPI {
	k := MonthKPI{Month: m, At: t, Begun: w.calendar.Start(m) <= t, TimeZone: w.calendar.Zone.String(),
		Registered: w.count(m, KPIRegistered, "", t), Active: w.count(m, KPIActive, "", t), Trial: w.count(m, KPITrial, "", t),
		Cancellations: w.count(m, KPICancellations, "", t), Unsubscribed: map[domain.ChurnReason]int64{},
		CancellationsFor: map[domain.ChurnReason]int64{}}
	for _, reason := range domain.CancellationReasons {
		k.CancellationsFor[reason] = w.count(m, KPICancellations, reason, t)
	}
	for _, reason := range domain.ChurnReasons {
		k.Unsubscribed[reason] = w.count(m, KPIUnsubscribed, reason, t)
	}
	if !k.Begun {
		return k
	}
	k.PreviousMonth = w.count(m.Prev(), KPIRegistered, "", t)
	cut, _ := w.calendar.SameTimeInPreviousMonth(m, t)
	k.PreviousToDate = w.count(m.Prev(), KPIRegistered, "", cut)
	return k
}

// members returns the users whom a figure counts, and how many of them were erased.
func (w *world) members(q MembersQuery) (users []User, erased int64) {
	for _, p := range w.people {
		switch {
		case !w.counted(p, q.Month, q.KPI, q.Reason, q.At):
		case p.id == "":
			erased++
		default:
			users = append(users, w.user(p, q.At))
		}
	}
	sortUsers(users, ByRegisteredDesc)
	return users, erased
}

// sessions returns the whole list of sessions that q asks for.
func (w *world) sessions(q SessionsQuery) []Session {
	type row struct {
		Session
		key sqldb.UUID
	}
	var rows []row
	for _, p := range w.people {
		for _, f := range p.sessions {
			v := f.View(q.At, plainTimeout)
			if q.UserID != "" && q.UserID != p.id || q.ContentID != "" && q.ContentID != v.ContentID || !inPeriod(v.StartedAt, q.From, q.To) {
				continue
			}
			r := row{Session{SessionView: v}, sqldb.UUID(p.key)}
			if p.id != "" {
				r.UserID = &p.id
			}
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		order := cmp.Or(cmp.Compare(b.StartedAt, a.StartedAt), cmp.Compare(a.SessionID, b.SessionID),
			cmp.Compare(a.ContentID, b.ContentID), nilLast(a.UserID, b.UserID))
		if order == 0 && a.UserID != nil {
			order = cmp.Compare(*a.UserID, *b.UserID)
		}
		return cmp.Or(order, slices.Compare(a.key[:], b.key[:]))
	})
	var sessions []Session
	for _, r := range rows {
		sessions = append(sessions, r.Session)
	}
	return sessions
}

func inPeriod(i domain.Instant, from, to *domain.Instant) bool {
	return (from == nil || i >= *from) && (to == nil || i < *to)
}

// userContents returns what a person viewed.
func (p *person) contents(from, to *domain.Instant) []Content {
	facts := map[string][]*domain.SessionFacts{}
	for _, f := range p.sessions {
		if inPeriod(f.StartedAt(), from, to) {
			facts[f.ContentID()] = append(facts[f.ContentID()], f)
		}
	}
	var contents []Content
	for _, of := range facts {
		v := domain.ViewedContent(of)
		contents = append(contents, Content{ContentID: v.ContentID, Title: v.Title, Sessions: v.Sessions, Users: 1,
			DurationMS: v.DurationMS, WatchedMS: v.WatchedMS, ContentLengthMS: v.ContentLengthMS,
			CompletionRate: v.CompletionRate, FirstStartedAt: v.FirstStartedAt, LastEventAt: v.LastEventAt})
	}
	slices.SortFunc(contents, func(a, b Content) int {
		return cmp.Or(cmp.Compare(b.LastEventAt, a.LastEventAt), cmp.Compare(a.ContentID, b.ContentID))
	})
	return contents
}

// contents returns what all people viewed.
func (w *world) contents(from, to *domain.Instant) []Content {
	by := map[string]*Content{}
	viewers := map[string]map[*person]bool{}
	seconds := map[string]map[int64]bool{} // that were played
	rates := map[string][]int64{}
	sessions := w.sessions(SessionsQuery{From: from, To: to})
	// Title and length are from the session that began last and then has the
	// greatest session_id, so greatest last.
	slices.SortStableFunc(sessions, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.SessionID, b.SessionID))
	})
	for _, s := range sessions {
		c := by[s.ContentID]
		if c == nil {
			c = &Content{ContentID: s.ContentID, FirstStartedAt: s.StartedAt, LastEventAt: s.LastEventAt}
			by[s.ContentID], viewers[s.ContentID], seconds[s.ContentID] = c, map[*person]bool{}, map[int64]bool{}
		}
		c.Sessions++
		c.DurationMS += s.DurationMS
		c.LastEventAt = max(c.LastEventAt, s.LastEventAt)
		if s.Title != nil {
			c.Title = s.Title
		}
		if s.ContentLengthMS != nil {
			c.ContentLengthMS = s.ContentLengthMS
		}
		if s.CompletionRate != nil {
			rates[s.ContentID] = append(rates[s.ContentID], *s.CompletionRate)
		}
	}
	for _, p := range w.people {
		for _, f := range p.sessions {
			if !inPeriod(f.StartedAt(), from, to) {
				continue
			}
			viewers[f.ContentID()][p] = true
			for _, r := range f.Ranges() {
				for ms := r.From; ms < r.To; ms += 1000 {
					seconds[f.ContentID()][ms] = true
				}
			}
		}
	}
	var contents []Content
	for id, c := range by {
		c.Users = int64(len(viewers[id]))
		for ms := range seconds[id] {
			if c.ContentLengthMS == nil || ms < *c.ContentLengthMS {
				c.WatchedMS += 1000
			}
		}
		if n := int64(len(rates[id])); n > 0 {
			var sum int64
			for _, rate := range rates[id] {
				sum += rate
			}
			mean := (2*sum + n) / (2 * n)
			c.CompletionRate = &mean
		}
		contents = append(contents, *c)
	}
	slices.SortFunc(contents, func(a, b Content) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.ContentID, b.ContentID))
	})
	return contents
}

// days counts the registrations of each day that the clock shows. In the world's
// months and zones every day has one midnight.
func (w *world) days(m domain.Month, t domain.Instant) (days []DayRegistrations) {
	for midnight := time.Date(m.Year, time.Month(m.Month), 1, 0, 0, 0, 0, w.calendar.Zone); int(midnight.Month()) == m.Month; midnight = midnight.AddDate(0, 0, 1) {
		if domain.InstantOf(midnight) > t {
			break
		}
		d := DayRegistrations{Day: midnight.Day()}
		for _, p := range w.people {
			r := p.facts.RegisteredAt()
			if r != nil && *r <= t && r.Time().In(w.calendar.Zone).Format(time.DateOnly) == midnight.Format(time.DateOnly) {
				d.Registered++
			}
		}
		days = append(days, d)
	}
	return days
}
