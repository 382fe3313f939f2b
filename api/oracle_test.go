// This file holds the answers, over the real parts, against those of a plain
// count: after histories in which times collide, spans touch, clocks change and
// some users are erased.

package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/oracle"
)

// histories is how many are published into one world.
const histories = 24

// A counted is a world with a plain count beside it.
type counted struct {
	*world
	model    *oracle.Oracle
	users    []string
	instants []oracle.Instant
	months   []string
	questions,
	next int // which instant is asked about next
}

func TestAnswersAreAPlainCount(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		zone, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		c := &counted{world: w, model: oracle.New(oracle.Options{Zone: zone})}
		for n := range histories {
			c.publishHistory(n)
		}
		c.compareAll()
		c.eraseSome()
		c.compareAll()
		t.Logf("%d questions after %d events", c.questions, c.model.Position())
	})
}

// publishHistory publishes a history in which the users, the events and the
// sessions have names of their own.
func (c *counted) publishHistory(n int) {
	h := oracle.Histories().Example(n)
	var events []string
	users := map[string]bool{}
	for _, raw := range h.Events {
		e, user, ok := renamed(c.t, raw, n)
		if !ok {
			continue
		}
		if _, err := c.model.Add(e); err != nil {
			c.t.Fatal(err)
		}
		events = append(events, string(e))
		users[user] = true
	}
	if len(events) == 0 {
		return
	}
	c.happen(events...)
	for user := range users {
		c.users = append(c.users, user)
	}
	c.instants = append(c.instants, h.Instants...)
	c.months = append(c.months, h.Months...)
}

// renamed returns an event of the n-th history with names of its own, and says
// whether it has happened by now.
func renamed(t *testing.T, raw []byte, n int) (e []byte, user string, ok bool) {
	t.Helper()
	var event, data map[string]json.RawMessage
	var id string
	var session any // a text or a number
	var at time.Time
	read := func(text []byte, into any) {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	written := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	read(raw, &event)
	read(event["data"], &data)
	read(event["time"], &at)
	read(event["id"], &id)
	read(event["subject"], &user)
	user = fmt.Sprintf("%s %d", user, n)
	event["subject"], event["id"] = written(user), written(fmt.Sprintf("%s %d", id, n))
	if data["id"] != nil { // of what is retracted
		var named string
		read(data["id"], &named)
		data["id"] = written(fmt.Sprintf("%s %d", named, n))
		event["data"] = written(data)
	}
	if data["session_id"] != nil {
		read(data["session_id"], &session)
		data["session_id"] = written(fmt.Sprintf("%v %d", session, n))
		event["data"] = written(data)
	}
	return written(event), user, !at.After(testNow)
}

// eraseSome erases every third user.
func (c *counted) eraseSome() {
	var events []string
	for i := 0; i < len(c.users); i += 3 {
		e := happened("2026-11-22T00:00:00Z", c.users[i], "user.erased", `{}`)
		if outcome, err := c.model.Add([]byte(e)); err != nil || outcome != oracle.Recorded {
			c.t.Fatalf("%v %v: %s", outcome, err, e)
		}
		events = append(events, e)
	}
	c.happen(events...)
}

func (c *counted) compareAll() {
	c.compareFigures()
	c.compareUsers()
	c.compareDetails()
	c.compareViewing()
}

// instant returns another instant of the histories, or one beside it.
func (c *counted) instant() oracle.Instant {
	c.next += 7919
	return c.instants[c.next%len(c.instants)] + oracle.Instant(c.next%3-1)
}

func (c *counted) compareFigures() {
	for i := 0; i < len(c.months); i += 6 {
		at := c.instant()
		from, to := c.months[i], c.months[i+5]
		months, err := c.model.KPIs(from, to, at)
		if err != nil {
			c.t.Fatal(err)
		}
		c.same("/v1/kpis", url.Values{"from": {from}, "to": {to}, "as_of": {written(at)}}, "", map[string]any{"months": months})
		month := c.months[i+c.next%6]
		c.compareDays(month, at)
		for _, kpi := range []string{"registered", "active", "trial", "unsubscribed", "cancellations"} {
			c.compareMembers(month, kpi, "", at)
		}
		for _, reason := range []string{"voluntary", "non_payment", "switched", "other", "expired", "paused"} {
			c.compareMembers(month, "unsubscribed", reason, at)
			if reason != "expired" && reason != "paused" {
				c.compareMembers(month, "cancellations", reason, at)
			}
		}
		counts := c.model.UserCounts(at)
		c.same("/v1/user-counts", url.Values{"as_of": {written(at)}}, "", counts)
	}
}

// compareDays holds the days of a month together to be the month's figure.
func (c *counted) compareDays(month string, at oracle.Instant) {
	c.t.Helper()
	figures, err := c.model.KPI(month, at)
	if err != nil {
		c.t.Fatal(err)
	}
	want, got := 0.0, 0.0
	if figures.Registered != nil {
		want = float64(figures.Registered.Count)
	}
	for _, d := range c.object("/v1/kpis/"+month+"/days", url.Values{"as_of": {written(at)}})["days"].([]any) {
		got += d.(map[string]any)["registered"].(float64)
	}
	if got != want {
		c.t.Fatalf("the days of %s at %s have %v registrations together, the month %v", month, written(at), got, want)
	}
}

func (c *counted) compareMembers(month, kpi, reason string, at oracle.Instant) {
	members, err := c.model.Members(month, kpi, reason, at)
	if err != nil {
		c.t.Fatal(err)
	}
	q := url.Values{"as_of": {written(at)}}
	if reason != "" {
		q.Set("reason", reason)
	}
	path := "/v1/kpis/" + month + "/" + kpi + "/users"
	c.same(path, q, "users", members.Users)
	var page struct{ Erased int }
	if err := json.Unmarshal(c.get(RoleAdmin, path+"?"+q.Encode()).ok(http.StatusOK).Body.Bytes(), &page); err != nil {
		c.t.Fatal(err)
	}
	if page.Erased != members.Erased {
		c.t.Errorf("%s?%s: %d erased, want %d", path, q.Encode(), page.Erased, members.Erased)
	}
}

func (c *counted) compareUsers() {
	for i := range 40 {
		sort := []string{"registered_at", "-registered_at", "updated_at", "-updated_at"}[i%4]
		from, to := c.instant(), c.instant()
		q := oracle.UsersQuery{At: c.instant(), Sort: sort}
		v := url.Values{"as_of": {written(q.At)}, "sort": {sort}}
		switch i / 4 % 5 {
		case 1:
			q.Status = []string{"registered", "active", "canceled"}[i%3]
			v.Set("status", q.Status)
		case 2:
			q.RegisteredFrom, q.RegisteredTo = &from, &to
			v.Set("registered_from", written(from))
			v.Set("registered_to", written(to))
		case 3:
			q.UpdatedFrom = &from
			v.Set("updated_from", written(from))
		case 4:
			q.Q = []string{"STRASSE", "x ÿ", "1", "Ü|"}[i%4]
			v.Set("q", q.Q)
		}
		c.same("/v1/users", v, "users", c.model.Users(q))
	}
}

func (c *counted) compareDetails() {
	now := oracle.Of(testNow)
	for _, id := range c.users {
		path := "/v1/users/" + url.PathEscape(id)
		for _, at := range []oracle.Instant{now, c.instant(), c.instant()} {
			q := url.Values{"as_of": {written(at)}}
			if want, ok := c.model.Detail(id, at); ok {
				c.same(path, q, "", want)
			} else {
				c.get(RoleAdmin, path+"?"+q.Encode()).problem(http.StatusNotFound)
			}
		}
		if _, ok := c.model.Detail(id, now); !ok {
			continue
		}
		from, to := c.instant(), c.instant()
		period := url.Values{"from": {written(from)}, "to": {written(to)}}
		sessions := []oracle.Session{}
		for _, s := range c.model.Sessions(oracle.SessionsQuery{At: now, UserID: id}) {
			sessions = append(sessions, s.Session)
		}
		c.same(path+"/sessions", url.Values{}, "sessions", sessions)
		c.same(path+"/contents", url.Values{}, "", map[string]any{"contents": c.model.UserContents(id, nil, nil)})
		c.same(path+"/contents", period, "", map[string]any{"contents": c.model.UserContents(id, &from, &to)})
	}
}

func (c *counted) compareViewing() {
	now := oracle.Of(testNow)
	c.same("/v1/contents", url.Values{}, "contents", c.model.Contents(nil, nil))
	c.same("/v1/sessions", url.Values{}, "sessions", c.model.Sessions(oracle.SessionsQuery{At: now}))
	for range 12 {
		from, to := c.instant(), c.instant()
		period := url.Values{"from": {written(from)}, "to": {written(to)}}
		c.same("/v1/contents", period, "contents", c.model.Contents(&from, &to))
		period.Set("content_id", "c")
		c.same("/v1/sessions", period, "sessions",
			c.model.Sessions(oracle.SessionsQuery{At: now, ContentID: "c", From: &from, To: &to}))
	}
}

// same holds an answer against what was counted. A list is asked for in pages.
func (c *counted) same(path string, q url.Values, list string, want any) {
	c.t.Helper()
	c.questions++
	var got any
	if list == "" {
		got = c.object(path, q)
	} else {
		got = c.list(path, q, list)
	}
	text, err := json.Marshal(want)
	if err != nil {
		c.t.Fatal(err)
	}
	var wanted any
	if err := json.Unmarshal(text, &wanted); err != nil {
		c.t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		c.t.Fatalf("%s?%s (-counted +answered)\n%s", path, q.Encode(), diff)
	}
}

func (c *counted) object(path string, q url.Values) map[string]any {
	c.t.Helper()
	var got map[string]any
	body := c.get(RoleAdmin, path+"?"+q.Encode()).ok(http.StatusOK).Body.Bytes()
	if err := json.Unmarshal(body, &got); err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *counted) list(path string, q url.Values, name string) []any {
	c.t.Helper()
	all := []any{}
	paged := url.Values{"limit": {fmt.Sprint(2 + c.questions%9)}}
	maps.Copy(paged, q)
	for {
		page := c.object(path, paged)
		all = append(all, page[name].([]any)...)
		cursor, more := page["next_cursor"].(string)
		if !more {
			return all
		}
		paged.Set("cursor", cursor)
	}
}

// written returns an instant as a parameter.
func written(at oracle.Instant) string {
	return time.UnixMicro(int64(at)).UTC().Format(time.RFC3339Nano)
}
