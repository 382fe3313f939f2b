// These tests walk through lists page by page.

package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// walk reads a list to its end in pages of a size, and returns its rows. key
// names the list in the answer.
func (w *world) walk(role Role, path, key string, size int) []json.RawMessage {
	w.t.Helper()
	rows := []json.RawMessage{}
	cursor := ""
	for range 1000 {
		var page map[string]json.RawMessage
		body := w.get(role, fmt.Sprintf("%s%slimit=%d%s", path, separator(path), size, cursor)).ok(http.StatusOK).Body.Bytes()
		if err := json.Unmarshal(body, &page); err != nil {
			w.t.Fatal(err)
		}
		var some []json.RawMessage
		var next *string
		if err := json.Unmarshal(page[key], &some); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(page["next_cursor"], &next); err != nil {
			w.t.Fatal(err)
		}
		if len(some) > size || next != nil && len(some) < size {
			w.t.Fatalf("a page of %d has %d rows", size, len(some))
		}
		rows = append(rows, some...)
		if next == nil {
			return rows
		}
		cursor = "&cursor=" + url.QueryEscape(*next)
	}
	w.t.Fatalf("%s doesn't end", path)
	return nil
}

func separator(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// crowd is users, sessions and refused events, with ties in everything.
func crowd() []string {
	var events []string
	for i := range 23 {
		id := fmt.Sprintf("user %02d", i)
		at := fmt.Sprintf("2026-11-%02dT10:00:00Z", 1+i/3)
		if i%5 != 0 { // the others are never registered
			events = append(events, happened(at, id, "user.registered", `{}`))
		}
		events = append(events,
			happened(at, id, "subscription.started", `{"subscription_id":"s","offer_id":"o"}`),
			happened(at, id, "playback.ended", fmt.Sprintf(`{"session_id":"v%d","content_id":"c%d"}`, i%2, i%4)),
			happened(at, id, "rental.started", `{}`)) // refused
	}
	return events
}

// The rows of a list don't depend on how large its pages are.
func TestPagesMakeTheList(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(crowd()...)
		for _, c := range []struct {
			path, key string
			rows      int
		}{
			{"/v1/users", "users", 23},
			{"/v1/users?sort=registered_at", "users", 23},
			{"/v1/users?sort=updated_at", "users", 23},
			{"/v1/users?sort=-updated_at&q=USER%201", "users", 10},
			{"/v1/users?status=active&as_of=2026-11-03T10:00:00Z", "users", 9},
			{"/v1/kpis/2026-11/active/users", "users", 23},
			{"/v1/kpis/2026-11/registered/users", "users", 18},
			{"/v1/users/user%2003/sessions", "sessions", 1},
			{"/v1/sessions", "sessions", 23},
			{"/v1/sessions?content_id=c1", "sessions", 6},
			{"/v1/contents", "contents", 4},
			{"/v1/refused", "refused", 23},
			{"/v1/refused?reason=invalid_data", "refused", 23},
			{"/v1/refused?reason=malformed", "refused", 0},
		} {
			whole := w.walk(RoleAdmin, c.path, c.key, 1000)
			if len(whole) != c.rows {
				t.Errorf("%s has %d rows, not %d", c.path, len(whole), c.rows)
			}
			for _, size := range []int{1, 4, max(1, c.rows)} {
				if diff := cmp.Diff(texts(whole), texts(w.walk(RoleAdmin, c.path, c.key, size))); diff != "" {
					t.Errorf("%s in pages of %d: %s", c.path, size, diff)
				}
			}
		}
	})
}

func texts(rows []json.RawMessage) []string {
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = string(rows[i])
	}
	return out
}

func (w *world) nextCursor(path string) string {
	w.t.Helper()
	var page struct {
		NextCursor *string `json:"next_cursor"`
	}
	body := w.get(RoleAdmin, path).ok(http.StatusOK).Body.Bytes()
	if err := json.Unmarshal(body, &page); err != nil {
		w.t.Fatal(err)
	}
	if page.NextCursor == nil {
		w.t.Fatalf("%s has no further page", path)
	}
	return url.QueryEscape(*page.NextCursor)
}

// A cursor is refused with other filters, with another sort and in another list.
func TestCursorsAreBoundToTheirList(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(crowd()...)
		cursors := map[string]string{}
		for _, path := range []string{
			"/v1/users?limit=1",
			"/v1/users?limit=1&sort=registered_at",
			"/v1/users?limit=1&status=active",
			"/v1/users?limit=1&registered_from=2026-11-01",
			"/v1/users?limit=1&q=user",
			"/v1/kpis/2026-11/active/users?limit=1",
			"/v1/kpis/2026-11/registered/users?limit=1",
			"/v1/kpis/2026-12/active/users?limit=1&as_of=2026-12-01T00:00:00Z",
			"/v1/sessions?limit=1",
			"/v1/sessions?limit=1&content_id=c1",
			"/v1/sessions?limit=1&from=2026-11-01",
			"/v1/contents?limit=1",
			"/v1/contents?limit=1&from=2026-11-01",
			"/v1/refused?limit=1",
			"/v1/refused?limit=1&reason=invalid_data",
		} {
			cursors[path] = w.nextCursor(path)
		}
		for made, cursor := range cursors {
			for used := range cursors {
				a := w.get(RoleAdmin, used+"&cursor="+cursor)
				if made == used {
					a.ok(http.StatusOK)
				} else {
					a.invalid("query.cursor")
				}
			}
		}
		own := cursors["/v1/users?limit=1"]
		w.get(RoleAdmin, "/v1/users?limit=7&sort=-registered_at&cursor="+own).ok(http.StatusOK) // the same list
		w.get(RoleAdmin, "/v1/users?as_of=2026-11-23T12:00:00Z&cursor="+own).ok(http.StatusOK)  // the same instant
		w.get(RoleAdmin, "/v1/users?as_of=2026-11-23T12:00:01Z&cursor="+own).invalid("query.cursor")
		w.get(RoleAdmin, "/v1/users?cursor="+own[:len(own)-2]).invalid("query.cursor")
		from := cursors["/v1/users?limit=1&registered_from=2026-11-01"] // the same instant, written otherwise
		w.get(RoleAdmin, "/v1/users?registered_from=2026-10-31T23:00:00Z&cursor="+from).ok(http.StatusOK)
	})
}

// The first page's instant holds for all pages, however long somebody reads.
func TestFirstPageFixesTheInstant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(
			happened("2026-11-01T10:00:00Z", "ana", "subscription.started", `{"subscription_id":"s","offer_id":"o","ends_at":"2026-11-23T12:30:00Z"}`),
			happened("2026-11-02T10:00:00Z", "bob", "subscription.started", `{"subscription_id":"s","offer_id":"o","ends_at":"2026-11-23T12:30:00Z"}`))
		cursor := w.nextCursor("/v1/users?limit=1&status=active")
		w.service.Clock = func() time.Time { return testNow.Add(time.Hour) }
		if rows := w.walk(RoleAdmin, "/v1/users?status=active", "users", 10); len(rows) != 0 {
			t.Errorf("an hour later %d are active", len(rows))
		}
		body := w.get(RoleAdmin, "/v1/users?limit=1&status=active&cursor="+cursor).ok(http.StatusOK).Body.String()
		if !strings.Contains(body, `"id":"bob"`) || !strings.Contains(body, `"status":"active"`) {
			t.Errorf("the second page is %s", body)
		}
	})
}
