// This file holds every answer against a plain count over all users, for
// histories that are drawn at random.

package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
	"boxoffice/internal/sqldb/sqltest"
)

// A questioner asks one world's read models.
type questioner struct {
	*rapid.T
	ctx    context.Context
	world  *world
	reader *Reader
}

// TestAnswersAreAPlainCount draws a platform and asks everything about it, at
// instants around which something happens, with read models whose statuses
// hold at another instant.
func TestAnswersAreAPlainCount(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		models := openModels(t, open)
		rapid.Check(t, func(rt *rapid.T) {
			w := drawWorld(rt)
			now := w.drawAround(rt, "status of the rows")
			if err := buildFor(models, &w.log, platform{w.calendar, w.grace}, now, rapid.SampledFrom([]int{7, 40}).Draw(rt, "batch")); err != nil {
				rt.Fatal(err)
			}
			reader := NewReader(models, plainTimeout)
			reader.few = rapid.SampledFrom([]int{0, 2, few}).Draw(rt, "few")
			reader.pace = rapid.SampledFrom([]wholePace{usualPace, {page: 1, pages: 2}, {page: 2, pages: 1}}).Draw(rt, "pace")
			q := &questioner{rt, t.Context(), w, reader}
			q.askEverything()
		})
	})
}

// TestAnswersThroughTheLog asks about one platform whose events are in the log
// of the event store, and whose users are really erased.
func TestAnswersThroughTheLog(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		w := rapid.Custom(func(rt *rapid.T) *world { return drawWorld(rt) }).
			Filter(func(w *world) bool {
				return len(w.sent) > 50 && w.people[0].id != "" && w.people[len(w.people)-1].id == ""
			}).
			Example(1)
		models := openModels(t, open)
		log := appendAll(t, open(), w.sent)
		w.takeKeys(t, log)
		if err := buildFor(models, log, platform{w.calendar, w.grace}, w.instants[len(w.instants)/2], 50); err != nil {
			t.Fatal(err)
		}
		reader := NewReader(models, plainTimeout)
		for _, p := range w.people {
			if found, err := reader.CheckUser(t.Context(), log, p.key); err != nil || found != nil {
				t.Errorf("user %q folded again from the log: %v, %v", p.id, found, err)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			q := &questioner{rt, t.Context(), w, reader}
			q.askEverything()
		})
	})
}

// appendAll opens a log and appends the events to it, all at once.
func appendAll(t *testing.T, db *sqldb.DB, events []*domain.Event) *eventstore.Store {
	t.Helper()
	key := vault.FileMasterKey(filepath.Join(t.TempDir(), "master.json"), true)
	if err := eventstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), db, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	b := eventstore.Batch{Stream: "test"}
	for i, e := range events {
		b.Messages = append(b.Messages, eventstore.Incoming{Sequence: uint64(i + 1), Event: e, Raw: e.MarshalCloudEvent()})
	}
	account, err := log.Append(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if account.Appended != len(events) {
		t.Fatalf("%d of %d events were appended", account.Appended, len(events))
	}
	return log
}

// takeKeys notes the pseudonyms that the people have in a log, by which the
// sessions of erased users are told apart.
func (w *world) takeKeys(t *testing.T, log Log) {
	t.Helper()
	records, err := log.Read(t.Context(), 0, len(w.sent))
	if err != nil || len(records) != len(w.sent) {
		t.Fatalf("%d of %d events are read: %v", len(records), len(w.sent), err)
	}
	keys := map[eventstore.UserKey]eventstore.UserKey{}
	for i := range records {
		keys[w.log.records[i].User] = records[i].User
	}
	for _, p := range w.people {
		p.key = keys[p.key]
	}
}

func (q *questioner) askEverything() {
	q.askCounts()
	q.askKPIs()
	q.askDays()
	q.askMembers()
	for range 8 {
		q.askUsers()
	}
	q.askEachUser()
	q.askSessions()
	q.askContents()
}

// same fails where an answer isn't the plain one.
func (q *questioner) same(what string, plain, answer any, err error) {
	q.Helper()
	if err != nil {
		q.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(plain, answer, cmpopts.EquateEmpty()); diff != "" {
		q.Fatalf("%s (-plain +answer):\n%s", what, diff)
	}
}

func (q *questioner) atPosition(position eventstore.Position) {
	q.Helper()
	if int(position) != q.world.position() {
		q.Fatalf("the answer is at position %d, and the log ends at %d", position, q.world.position())
	}
}

func (q *questioner) instant(label string) domain.Instant { return q.world.drawAround(q.T, label) }

// bound draws an instant or none.
func (q *questioner) bound(label string) *domain.Instant {
	if rapid.IntRange(0, 2).Draw(q.T, label+" is there") > 0 {
		return nil
	}
	i := q.instant(label)
	return &i
}

func (q *questioner) limit() int { return rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(q.T, "limit") }

func (q *questioner) askCounts() {
	for range 4 {
		at := q.instant("counts at")
		want := q.world.counts(at)
		want.Position = eventstore.Position(q.world.position())
		got, err := q.reader.UserCounts(q.ctx, at)
		q.same(fmt.Sprintf("counts at %v", at), want, got, err)
	}
}

func (q *questioner) askKPIs() {
	at := q.instant("figures at")
	from, to := domain.Month{Year: 2025, Month: 12}, domain.Month{Year: 2026, Month: 7}
	from.Month = rapid.IntRange(1, 12).Draw(q.T, "from")
	var want []MonthKPI
	for m := from; m.Compare(to) <= 0; m = m.Next() {
		k := q.world.kpi(m, at)
		k.Position = eventstore.Position(q.world.position())
		want = append(want, k)
	}
	got, err := q.reader.KPIs(q.ctx, from, to, at)
	q.same(fmt.Sprintf("figures from %v at %v", from, at), want, got, err)
}

func (q *questioner) askDays() {
	at := q.instant("days at")
	m := domain.Month{Year: 2026, Month: rapid.IntRange(1, 6).Draw(q.T, "month of days")}
	got, err := q.reader.Days(q.ctx, m, at)
	q.same(fmt.Sprintf("registrations by day of %v at %v", m, at), q.world.days(m, at), got.Days, err)
	q.atPosition(got.Position)
}

func (q *questioner) askMembers() {
	for _, kpi := range []KPI{KPIRegistered, KPIActive, KPITrial, KPIUnsubscribed, KPICancellations} {
		ask := MembersQuery{KPI: kpi, At: q.instant("members at"), Limit: q.limit(),
			Month: domain.Month{Year: 2026, Month: rapid.IntRange(1, 6).Draw(q.T, "month")}}
		reasons := []domain.ChurnReason{""}
		if kpi == KPIUnsubscribed {
			reasons = append(reasons, domain.ChurnReasons...)
		}
		if kpi == KPICancellations {
			reasons = append(reasons, domain.CancellationReasons...)
		}
		for _, ask.Reason = range reasons {
			q.askMembersOf(ask)
		}
	}
}

// askMembersOf goes through all pages of the members of a figure.
func (q *questioner) askMembersOf(ask MembersQuery) {
	what := fmt.Sprintf("%s %s of %v at %v", ask.KPI, ask.Reason, ask.Month, ask.At)
	want, erased := q.world.members(ask)
	var got []User
	for ask.After = nil; ; {
		page, err := q.reader.Members(q.ctx, ask)
		q.same(what+": erased", erased, page.Erased, err)
		q.atPosition(page.Position)
		if len(page.Users) > ask.Limit {
			q.Fatalf("%s: a page of %d has %d", what, ask.Limit, len(page.Users))
		}
		got = append(got, page.Users...)
		if ask.After = page.Next; ask.After == nil {
			break
		}
	}
	q.same(what, want, got, nil)
	q.askWhole(what, want, func(f func(*UserList) error) error { return q.reader.AllMembers(q.ctx, ask, f) })
	figure := q.world.count(ask.Month, ask.KPI, ask.Reason, ask.At)
	q.same(what+": members and erased", figure, int64(len(got))+erased, nil)
}

func (q *questioner) askUsers() {
	ask := UsersQuery{At: q.instant("users at"), Limit: q.limit(),
		Sort: rapid.SampledFrom([]UserSort{"", ByRegisteredAsc, ByRegisteredDesc, ByUpdatedAsc, ByUpdatedDesc}).Draw(q.T, "sort"),
		Filter: UserFilter{
			Status:         rapid.SampledFrom([]Status{"", domain.StatusRegistered, domain.StatusActive, domain.StatusCanceled}).Draw(q.T, "status"),
			RegisteredFrom: q.bound("registered from"), RegisteredTo: q.bound("registered to"),
			UpdatedFrom: q.bound("updated from"), UpdatedTo: q.bound("updated to"),
		}}
	if rapid.IntRange(0, 2).Draw(q.T, "q is there") == 0 {
		ask.Filter.Query = rapid.SampledFrom([]string{
			"a", "NA S", "strasse", "ß", "σ", "%", "_", `\`, "@", "É", "e\u0301", "i̇", " ", "zz", "\x00", "\xff", "a%",
		}).Draw(q.T, "q")
	}
	what := fmt.Sprintf("users %+v", ask)
	want := q.world.users(ask)
	var got []User
	paged := ask
	for {
		page, err := q.reader.Users(q.ctx, paged)
		q.same(what+": error", nil, nil, err)
		q.atPosition(page.Position)
		if len(page.Users) > ask.Limit {
			q.Fatalf("%s: a page of %d has %d", what, ask.Limit, len(page.Users))
		}
		got = append(got, page.Users...)
		if paged.After = page.Next; paged.After == nil {
			break
		}
	}
	q.same(what, want, got, nil)
	q.askWhole(what, want, func(f func(*UserList) error) error { return q.reader.AllUsers(q.ctx, ask, f) })
	keys, err := q.reader.CustomKeys(q.ctx, ask.At, 10)
	q.same("keys of custom", customKeysOf(q.T, q.world.users(UsersQuery{At: ask.At})), keys, err)
}

// askWhole goes through a whole list twice, which has to be the same.
func (q *questioner) askWhole(what string, want []User, all func(func(*UserList) error) error) {
	err := all(func(l *UserList) error {
		q.atPosition(l.Position)
		for range l.Users {
			break // it begins again for the next
		}
		for range 2 {
			var got []User
			for u, err := range l.Users {
				if err != nil {
					return err
				}
				got = append(got, *u)
			}
			q.same(what+", as a whole", want, got, nil)
		}
		keys, err := l.CustomKeys(10)
		q.same(what+", keys of custom", customKeysOf(q.T, want), keys, err)
		return nil
	})
	q.same(what+", as a whole", nil, nil, err)
}

// customKeysOf returns the keys of custom that some of the users have, sorted.
func customKeysOf(t *rapid.T, users []User) []string {
	found := map[string]json.RawMessage{}
	for _, u := range users {
		if err := json.Unmarshal(u.Profile.Custom, &found); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (q *questioner) askEachUser() {
	for _, p := range q.world.people {
		at := q.instant("user at")
		got, ok, err := q.reader.User(q.ctx, p.id, at)
		q.same("user "+p.id, p.there(at), ok, err)
		q.atPosition(got.Position)
		if !ok {
			continue
		}
		want := UserDetail{User: q.world.user(p, at), Position: got.Position,
			Subscriptions: p.facts.EntitlementsAt(domain.Subscription, at, q.world.grace),
			Rentals:       p.facts.EntitlementsAt(domain.Rental, at, q.world.grace),
			FreeCopies:    p.facts.EntitlementsAt(domain.FreeCopy, at, q.world.grace)}
		for _, f := range p.sessions {
			v := &want.Viewing
			v.Sessions++
			v.DurationMS += f.DurationMS()
			if last := f.LastEventAt(); v.LastViewedAt == nil || last > *v.LastViewedAt {
				v.LastViewedAt = &last
			}
		}
		q.same("user "+p.id, want, got, nil)
		q.askWholeUser(p.id, at, want)
	}
}

// askWholeUser asks for all that is held about a user, which is the same as
// asking for the user and for the sessions.
func (q *questioner) askWholeUser(id string, at domain.Instant, want UserDetail) {
	sessions, err := q.reader.Sessions(q.ctx, SessionsQuery{UserID: id, At: at, Limit: 1000})
	q.same("sessions of "+id, nil, nil, err)
	err = q.reader.WholeUser(q.ctx, id, at, func(w *UserWhole) error {
		var got []Session
		for s, err := range w.Sessions {
			if err != nil {
				return err
			}
			got = append(got, *s)
		}
		q.same("all of "+id, want, w.UserDetail, nil)
		q.same("all sessions of "+id, sessions.Sessions, got, nil)
		return nil
	})
	q.same("all of "+id, nil, nil, err)
	if err := q.reader.WholeUser(q.ctx, "nobody", at, nil); !errors.Is(err, ErrNoUser) {
		q.Fatalf("all of nobody: %v", err)
	}
}

func (q *questioner) askSessions() {
	ids := []string{"", "", "nobody"}
	for _, p := range q.world.people {
		ids = append(ids, p.id)
	}
	for range 6 {
		ask := SessionsQuery{At: q.instant("sessions at"), Limit: q.limit(), UserID: rapid.SampledFrom(ids).Draw(q.T, "user"),
			ContentID: rapid.SampledFrom([]string{"", "", "c1", "C2", "none"}).Draw(q.T, "content"),
			From:      q.bound("from"), To: q.bound("to")}
		q.askSessionsOf(ask)
	}
}

func (q *questioner) askSessionsOf(ask SessionsQuery) {
	what := fmt.Sprintf("sessions %+v", ask)
	there := ask.UserID == "" || slices.ContainsFunc(q.world.people, func(p *person) bool {
		return p.id == ask.UserID && p.facts.FirstEventAt() != domain.Never
	})
	want := q.world.sessions(ask)
	var got []Session
	for paged := ask; ; {
		page, err := q.reader.Sessions(q.ctx, paged)
		if !there {
			if !errors.Is(err, ErrNoUser) {
				q.Fatalf("%s: %v, and there is no such user", what, err)
			}
			return
		}
		q.same(what+": error", nil, nil, err)
		q.atPosition(page.Position)
		got = append(got, page.Sessions...)
		if paged.After = page.Next; paged.After == nil {
			break
		}
	}
	q.same(what, want, got, nil)
	err := q.reader.AllSessions(q.ctx, ask, func(l *SessionList) error {
		for range l.Sessions {
			break // it begins again for the next
		}
		var whole []Session
		for s, err := range l.Sessions {
			if err != nil {
				return err
			}
			whole = append(whole, *s)
		}
		q.same(what+", as a whole", want, whole, nil)
		return nil
	})
	q.same(what+", as a whole", nil, nil, err)
}

func (q *questioner) askContents() {
	from, to := q.bound("from"), q.bound("to")
	for _, p := range q.world.people {
		if p.id == "" || p.facts.FirstEventAt() == domain.Never {
			continue
		}
		got, position, err := q.reader.UserContents(q.ctx, p.id, from, to)
		q.same("what was viewed by "+p.id, p.contents(from, to), got, err)
		q.atPosition(position)
	}
	var got []Content
	limit := q.limit()
	for after := (*ContentCursor)(nil); ; {
		page, err := q.reader.Contents(q.ctx, from, to, after, limit)
		q.same("contents: error", nil, nil, err)
		got = append(got, page.Contents...)
		if after = page.Next; after == nil {
			break
		}
	}
	q.same("contents", q.world.contents(from, to), got, nil)
}
