// These tests hold the history: recorded events as pages and streams, sealed
// and readable, and the events that were refused.

package api

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/wire"
)

var history = []string{
	happened("2026-11-01T10:00:00Z", "ana", "user.registered", `{"email":"ana@example.org","shoe":7}`),
	happened("2026-11-02T10:00:00Z", "bob", "subscription.started", `{"subscription_id":"s","offer_id":"o","amount":5,"currency":"EUR"}`),
	happened("2026-11-03T10:00:00Z", "ana", "subscription.started", `{"subscription_id":"s","offer_id":"o"}`),
	happened("2026-11-04T10:00:00Z", "ana", "subscription.canceled", `{"subscription_id":"s","comment":"too dear"}`),
}

// A recordedView is what a test reads of a recorded event.
type recordedView struct {
	Position   int64
	RecordedAt string `json:"recorded_at"`
	Event      map[string]any
}

type historyView struct {
	Events    []recordedView
	NextAfter *int64 `json:"next_after"`
}

func (w *world) history(role Role, query string) historyView {
	w.t.Helper()
	var view historyView
	w.get(role, "/v1/events"+query).ok(http.StatusOK).decode(&view)
	return view
}

func positions(events []recordedView) []int64 {
	all := []int64{}
	for _, e := range events {
		all = append(all, e.Position)
	}
	return all
}

var aUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestHistoryIsSealedForAnAuditorAndReadableForAnAdmin(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		sealed, open := w.history(RoleAuditor, ""), w.history(RoleAdmin, "")
		if len(sealed.Events) != 4 || len(open.Events) != 4 || sealed.NextAfter != nil {
			t.Fatalf("%+v", sealed)
		}
		for i, e := range open.Events {
			var want map[string]any
			if err := json.Unmarshal([]byte(history[i]), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(recordedView{int64(i + 1), "2026-11-23T12:00:00Z", want}, e, ignoreContentType); diff != "" {
				t.Errorf("for an admin: %s", diff)
			}
		}
		for i, e := range sealed.Events {
			if subject, _ := e.Event["subject"].(string); !aUUID.MatchString(subject) {
				t.Errorf("the subject of %d is %q", i, subject)
			}
			text, _ := json.Marshal(e.Event)
			for _, personal := range []string{"ana@", "shoe", "too dear"} {
				if strings.Contains(string(text), personal) {
					t.Errorf("an auditor reads %s", text)
				}
			}
		}
		if sealed.Events[0].Event["subject"] != sealed.Events[2].Event["subject"] || sealed.Events[0].Event["subject"] == sealed.Events[1].Event["subject"] {
			t.Error("a pseudonym must be one user's")
		}
		if sealed.Events[0].Event["sealed"] == nil || sealed.Events[1].Event["sealed"] != nil {
			t.Error("what is personal must be there sealed, and nothing where there is nothing")
		}
		w.eraseAna()
		if after := w.history(RoleAuditor, "?limit=4"); cmp.Diff(sealed.Events, after.Events) != "" {
			t.Error("an erasure changed the sealed log")
		}
		if after := w.history(RoleAdmin, ""); cmp.Diff(sealed.Events[0], after.Events[0]) != "" || cmp.Diff(open.Events[1], after.Events[1]) != "" {
			t.Error("after an erasure, its user's events must be sealed for an admin too, and others' not")
		}
	})
}

var ignoreContentType = cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.GoString(), "datacontenttype") }, cmp.Ignore())

func (w *world) eraseAna() {
	w.t.Helper()
	w.happen(strings.Replace(happened("2026-11-22T00:00:00Z", "ana", "user.erased", "null"), `"data":null,`, "", 1))
}

func TestHistoryFilters(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		for query, want := range map[string][]int64{
			"":                           {1, 2, 3, 4},
			"?after=2":                   {3, 4},
			"?after=4":                   {},
			"?after=99":                  {},
			"?type=subscription.started": {2, 3},
			"?from=2026-11-02":           {2, 3, 4},
			"?from=2026-11-02T11:00:00%2B01:00&to=2026-11-04T10:00:00Z": {2, 3},
			"?user_id=ana":    {1, 3, 4},
			"?user_id=nobody": {},
			"?user_id=ana&type=subscription.canceled": {4},
		} {
			if diff := cmp.Diff(want, positions(w.history(RoleAdmin, query).Events)); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
		w.get(RoleAuditor, "/v1/events?user_id=ana").problem(http.StatusForbidden)
		first := w.history(RoleAuditor, "?limit=3")
		if diff := cmp.Diff([]int64{1, 2, 3}, positions(first.Events)); diff != "" || first.NextAfter == nil || *first.NextAfter != 3 {
			t.Errorf("%s %v", diff, first.NextAfter)
		}
		if all := w.history(RoleAuditor, "?limit=4"); all.NextAfter != nil {
			t.Errorf("the last page has a next: %d", *all.NextAfter)
		}
	})
}

func TestHistoryIsAPageUnlessAStreamIsWanted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		for accept, want := range map[string]string{
			"": jsonType, "*/*": jsonType, "application/json": jsonType, "text/html,*/*;q=0.8": jsonType, "text/plain": jsonType,
			ndjsonType: ndjsonType, "application/json;q=0.5, application/x-ndjson": ndjsonType, "Application/X-NDJSON": ndjsonType,
		} {
			a := w.do(http.MethodGet, "/v1/events", "", header{"Authorization": "Bearer admin", "Accept": accept}).ok(http.StatusOK)
			if got := a.Header().Get("Content-Type"); got != want {
				t.Errorf("Accept: %s gets %s", accept, got)
			}
		}
	})
}

func TestHistoryAsLines(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var many []string
		for i := range 2*streamChunk + 7 { // more than one page of a stream
			many = append(many, happened(fmt.Sprintf("2026-11-01T00:%02d:%02dZ", i/60, i%60), "ana", "user.updated", `{"email":"<&>"}`))
		}
		w.happen(many...)
		for query, want := range map[string]int{"": len(many), "?limit=5": 5, "?after=1000": len(many) - 1000, "?limit=1000&after=3": 1000} {
			a := w.do(http.MethodGet, "/v1/events"+query, "", header{"Authorization": "Bearer admin", "Accept": ndjsonType}).ok(http.StatusOK)
			if got := a.Header().Get("Content-Type"); got != ndjsonType {
				t.Errorf("the type is %s", got)
			}
			lines := strings.Split(strings.TrimSuffix(a.Body.String(), "\n"), "\n")
			if len(lines) != want {
				t.Errorf("%s: %d lines, not %d", query, len(lines), want)
			}
			last := int64(0)
			for _, line := range lines {
				var e recordedView
				if err := json.Unmarshal([]byte(line), &e); err != nil || e.Position <= last {
					t.Fatalf("%v, %d after %d: %s", err, e.Position, last, line)
				}
				last = e.Position
			}
		}
	})
}

// A live stream begins where it is told, goes on as the log grows, and goes on
// from Last-Event-ID when it is taken up again.
func TestHistoryLive(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.service.Heartbeat = 20 * time.Millisecond
		w.happen(history[:2]...)
		server := httptest.NewServer(w.handler)
		defer server.Close()
		stream := openStream(t, server.URL+"/v1/events?after=1", "")
		stream.expect(2)
		w.happen(history[2])
		stream.expect(3)
		stream.expectHeartbeat()
		w.happen(history[3])
		stream.expect(4)
		stream.close()

		resumed := openStream(t, server.URL+"/v1/events?after=1&type=subscription.canceled", "2")
		resumed.expect(4)
		w.happen(happened("2026-11-05T10:00:00Z", "ana", "user.updated", `{}`),
			happened("2026-11-06T10:00:00Z", "ana", "subscription.canceled", `{"subscription_id":"s"}`))
		resumed.expect(6)
		resumed.close()
		waiting := openStream(t, server.URL+"/v1/events?after=99", "") // it answers at once, with nothing to say
		waiting.expectHeartbeat()
		waiting.close()
		a := w.do(http.MethodGet, "/v1/events", "", header{"Authorization": "Bearer admin", "Accept": eventStreamType, "Last-Event-ID": "x"})
		a.invalid("header.Last-Event-ID")
	})
}

// An eventStream is a live stream that a test reads.
type eventStream struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func openStream(t *testing.T, url, lastID string) *eventStream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer auditor")
	r.Header.Set("Accept", eventStreamType)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != eventStreamType {
		t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return &eventStream{t, bufio.NewScanner(answer.Body), cancel}
}

func (s *eventStream) close() { s.cancel() }

func (s *eventStream) line() string {
	s.t.Helper()
	if !s.lines.Scan() {
		s.t.Fatalf("the stream ends: %v", s.lines.Err())
	}
	return s.lines.Text()
}

func (s *eventStream) expectHeartbeat() {
	s.t.Helper()
	if got := s.line(); got != ":" {
		s.t.Errorf("there comes %q", got)
	}
	s.line()
}

// expect reads the next event, past heartbeats.
func (s *eventStream) expect(position int64) {
	s.t.Helper()
	id := s.line()
	for id == ":" || id == "" {
		id = s.line()
	}
	data, _ := strings.CutPrefix(s.line(), "data: ")
	var e recordedView
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		s.t.Fatalf("%v in %q", err, data)
	}
	if id != fmt.Sprintf("id: %d", position) || e.Position != position {
		s.t.Errorf("there comes %s with %d, not %d", id, e.Position, position)
	}
	if empty := s.line(); empty != "" {
		s.t.Errorf("the event ends with %q", empty)
	}
}

// A refusedView is what a test reads of a refused event.
type refusedView struct {
	ID         int64
	ReceivedAt string `json:"received_at"`
	Reason     string
	Message    string
	Subject    *string
	Type       *string
	Body       *string
	BodyBase64 *string `json:"body_base64"`
}

func TestRefusedEvents(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		noData := happened("2026-11-01T10:00:00Z", "ana", "rental.started", `{}`)
		invalid := "{\"specversion\":\"1.0\xff\"}"
		large := happened("2026-11-01T10:00:00Z", "bób |%", "user.updated", `{"email":"`+strings.Repeat("a", 300<<10)+`"}`)
		unknown := happened("2026-11-01T10:00:00Z", "ana", "ana@example.org", `{}`)
		w.publish("admin", wire.BatchType, "["+noData+","+invalid+","+large+","+unknown+"]", nil).ok(http.StatusUnprocessableEntity)

		var admin, auditor struct {
			Refused    []refusedView
			NextCursor *string `json:"next_cursor"`
		}
		w.get(RoleAdmin, "/v1/refused").ok(http.StatusOK).decode(&admin)
		w.get(RoleAuditor, "/v1/refused").ok(http.StatusOK).decode(&auditor)
		if len(admin.Refused) != 4 {
			t.Fatalf("%+v", admin)
		}
		base64Body := base64.StdEncoding.EncodeToString([]byte(invalid))
		want := []refusedView{
			{Reason: "unknown_type", Subject: new("ana"), Type: new("ana@example.org"), Body: &unknown},
			{Reason: "too_large", Subject: new("bób |%"), Type: new("user.updated"), Body: new(large[:domain.KeptOfTooLarge])},
			{Reason: "malformed", BodyBase64: &base64Body},
			{Reason: "invalid_data", Subject: new("ana"), Type: new("rental.started"), Body: &noData},
		}
		for i := range want {
			got := admin.Refused[i]
			want[i].ID, want[i].ReceivedAt, want[i].Message = got.ID, "2026-11-23T12:00:00Z", got.Message
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Errorf("for an admin: %s", diff)
			}
			want[i].Subject, want[i].Body, want[i].BodyBase64 = nil, nil, nil
			if want[i].Reason == "unknown_type" {
				want[i].Type = nil
			}
			if diff := cmp.Diff(want[i], auditor.Refused[i]); diff != "" {
				t.Errorf("for an auditor: %s", diff)
			}
		}
	})
}

// What is kept of an event that was too large goes with its user, too.
func TestErasureTakesWhatWasTooLarge(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		large := strings.Repeat("a", 300<<10)
		w.publish("admin", wire.StructuredType, happened("2026-11-01T10:00:00Z", "ana", "user.updated", `{"email":"`+large+`"}`), nil).ok(http.StatusUnprocessableEntity)
		w.publish("admin", jsonType, `{"email":"`+large+`"}`, header{"Ce-Specversion": "1.0", "Ce-Subject": "ana", "Ce-Id": "1"}).ok(http.StatusUnprocessableEntity)
		if kept := w.walk(RoleAdmin, "/v1/refused", "refused", 10); len(kept) != 2 {
			t.Fatalf("%d are kept", len(kept))
		}
		w.eraseAna()
		if kept := w.get(RoleAdmin, "/v1/refused").ok(http.StatusOK).Body.String(); strings.Contains(kept, "ana") || strings.Contains(kept, "aaa") {
			t.Errorf("after the erasure there is still %.300s", kept)
		}
	})
}

// Nothing of an erased user is in any list, and what they did still counts.
func TestErasedUserIsNobody(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(history...)
		w.happen(happened("2026-11-04T11:00:00Z", "ana", "playback.ended", `{"session_id":"v","content_id":"c","play_time_s":1}`))
		before := w.get(RoleViewer, "/v1/contents").ok(200).Body.String()
		w.eraseAna()
		w.get(RoleSupport, "/v1/users/ana").problem(http.StatusNotFound)
		w.get(RoleSupport, "/v1/users/ana/sessions").problem(http.StatusNotFound)
		w.get(RoleSupport, "/v1/users/ana/contents").problem(http.StatusNotFound)
		if after := w.get(RoleViewer, "/v1/contents").ok(200).Body.String(); after != before {
			t.Errorf("contents were %s and are %s", before, after)
		}
		members := w.get(RoleSupport, "/v1/kpis/2026-11/registered/users").ok(200).Body.String()
		if strings.TrimSpace(members) != `{"users":[],"erased":1,"next_cursor":null}` {
			t.Error(members)
		}
		sessions := w.get(RoleAdmin, "/v1/sessions").ok(200).Body.String()
		if !strings.Contains(sessions, `"user_id":null`) || strings.Contains(sessions, "ana") {
			t.Error(sessions)
		}
	})
}
