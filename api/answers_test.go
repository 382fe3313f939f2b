// These tests hold what the operations answer, field by field.

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// ana has one of everything; bob has only watched.
var anaAndBob = []string{
	happened("2026-10-05T10:00:00Z", "ana|1", "user.registered", `{"email":"ana@example.org","first_name":"Ana","country":"FR","custom":{"b":[ "x" ],"a":1.50}}`),
	happened("2026-10-06T10:00:00Z", "ana|1", "subscription.started", `{"subscription_id":"s1","offer_id":"o1","offer_name":"Basic","trial_ends_at":"2026-10-20T10:00:00+02:00","ends_at":"2026-11-06T10:00:00Z","amount":999,"currency":"EUR","interval":"month","payment_interface":"card"}`),
	happened("2026-10-30T10:00:00.5Z", "ana|1", "subscription.canceled", `{"subscription_id":"s1","ends_at":"2026-11-10T00:00:00Z","reason":"voluntary","comment":"too dear"}`),
	happened("2026-11-01T10:00:00Z", "ana|1", "rental.started", `{"rental_id":"r1","content_id":"c1","title":"One","kind":"purchase","amount":1500,"currency":"EUR","payment_interface":"card"}`),
	happened("2026-11-02T10:00:00Z", "ana|1", "free_copy.granted", `{"free_copy_id":"f1","content_id":"c2","title":"Two","expires_at":"2026-11-03T10:00:00Z"}`),
	happened("2026-11-20T10:00:00Z", "ana|1", "user.updated", `{"last_name":"Ávila"}`),
	happened("2026-11-21T20:00:00Z", "ana|1", "playback.started", `{"session_id":"v1","content_id":"c1","title":"One","content_length_s":100,"device":"tv"}`),
	happened("2026-11-21T20:01:00Z", "ana|1", "playback.ended", `{"session_id":"v1","content_id":"c1","position_s":60.5,"played":[[0,60.4]],"play_time_s":61.25}`),
	happened("2026-11-23T11:50:00Z", "bob", "playback.progressed", `{"session_id":"v2","content_id":"c1","title":"One!","played":[[0,95]]}`),
}

const anaInList = `"id":"ana|1","status":"active","status_since":"2026-10-06T10:00:00Z","registered_at":"2026-10-05T10:00:00Z","updated_at":"2026-11-20T10:00:00Z",
	"email":"ana@example.org","first_name":"Ana","last_name":"Ávila","locale":null,"country":"FR","platform":null,"custom":{"a":1.50,"b":["x"]}`

const bobInList = `"id":"bob","status":"registered","status_since":"2026-11-23T11:50:00Z","registered_at":null,"updated_at":null,
	"email":null,"first_name":null,"last_name":null,"locale":null,"country":null,"platform":null,"custom":{}`

const anasSession = `"session_id":"v1","content_id":"c1","title":"One","state":"ended","started_at":"2026-11-21T20:00:00Z","last_event_at":"2026-11-21T20:01:00Z",
	"duration_s":61.25,"watched_s":60,"content_length_s":100,"completion_rate":0.6,"completed":false,"position_s":60.5,"device":"tv","platform":null`

const bobsSession = `"session_id":"v2","content_id":"c1","title":"One!","state":"in_progress","started_at":"2026-11-23T11:50:00Z","last_event_at":"2026-11-23T11:50:00Z",
	"duration_s":0,"watched_s":95,"content_length_s":null,"completion_rate":null,"completed":null,"position_s":null,"device":null,"platform":null`

func TestAnswers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(anaAndBob...)
		w.answersAboutUsers()
		w.answersAboutViewing()
		w.answersAboutMonths()
	})
}

func (w *world) answersAboutUsers() {
	w.shows(RoleSupport, "/v1/users", `{"users":[{`+anaInList+`},{`+bobInList+`}],"next_cursor":null,"position":9}`)
	w.shows(RoleAdmin, "/v1/users?status=active&registered_from=2026-10-05&registered_to=2026-10-06&updated_from=2026-11-20T11:00:00%2B01:00&updated_to=2026-11-21&q=%C3%81VIL&sort=updated_at",
		`{"users":[{`+anaInList+`}],"next_cursor":null,"position":9}`)
	w.shows(RoleAdmin, "/v1/users?q=", `{"users":[{`+anaInList+`},{`+bobInList+`}],"next_cursor":null,"position":9}`)
	w.shows(RoleAdmin, "/v1/users?registered_to=2026-10-05", `{"users":[],"next_cursor":null,"position":9}`)
	w.shows(RoleViewer, "/v1/user-counts", `{"registered":1,"active":1,"canceled":0,"total":2}`)
	w.shows(RoleAuditor, "/v1/user-counts?as_of=2026-10-05T12:00:00%2B02:00", `{"registered":1,"active":0,"canceled":0,"total":1}`)
	w.shows(RoleSupport, "/v1/users/ana%7C1", `{`+anaInList+`,
		"subscriptions":[{"subscription_id":"s1","status":"ended","offer_id":"o1","offer_name":"Basic","started_at":"2026-10-06T10:00:00Z","trial_ends_at":"2026-10-20T08:00:00Z",
			"ends_at":"2026-11-10T00:00:00Z","canceled_at":"2026-10-30T10:00:00.5Z","reason":"voluntary","comment":"too dear","amount":999,"currency":"EUR","interval":"month","interval_count":1,"payment_interface":"card","resumes_at":null,
			"periods":[{"from":"2026-10-06T10:00:00Z","to":"2026-11-10T00:00:00Z","trial_to":"2026-10-20T08:00:00Z","canceled_at":"2026-10-30T10:00:00.5Z","reason":"voluntary"}]}],
		"rentals":[{"rental_id":"r1","status":"active","kind":"purchase","content_id":"c1","title":"One","started_at":"2026-11-01T10:00:00Z","expires_at":null,"revoked_at":null,"reason":null,"amount":1500,"currency":"EUR","payment_interface":"card"}],
		"free_copies":[{"free_copy_id":"f1","status":"ended","offer_id":null,"content_id":"c2","title":"Two","granted_at":"2026-11-02T10:00:00Z","expires_at":"2026-11-03T10:00:00Z","revoked_at":null,"reason":null}],
		"viewing":{"sessions":1,"duration_s":61.25,"last_viewed_at":"2026-11-21T20:01:00Z"}}`)
	w.shows(RoleSupport, "/v1/users/bob", `{`+bobInList+`,"subscriptions":[],"rentals":[],"free_copies":[],"viewing":{"sessions":1,"duration_s":0,"last_viewed_at":"2026-11-23T11:50:00Z"}}`)
	w.get(RoleSupport, "/v1/users/ana%7C1?as_of=2026-10-05T09:59:59Z").problem(http.StatusNotFound)
	for _, path := range []string{"/v1/users/nobody", "/v1/users/nobody/sessions", "/v1/users/nobody/contents", "/v1/users/ana%257C1"} {
		w.get(RoleSupport, path).problem(http.StatusNotFound)
	}
}

func (w *world) answersAboutViewing() {
	w.shows(RoleSupport, "/v1/users/ana%7C1/sessions", `{"sessions":[{`+anasSession+`}],"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/users/ana%7C1/sessions?to=2026-11-21", `{"sessions":[],"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/users/ana%7C1/contents?from=2026-11-21&to=2026-11-22", `{"contents":[{"content_id":"c1","title":"One","sessions":1,"duration_s":61.25,"watched_s":60,
		"content_length_s":100,"completion_rate":0.6,"first_started_at":"2026-11-21T20:00:00Z","last_event_at":"2026-11-21T20:01:00Z"}]}`)
	for role, named := range map[Role]bool{RoleViewer: false, RoleAuditor: false, RoleSupport: true, RoleAdmin: true} {
		ana, bob := "null", "null"
		if named {
			ana, bob = `"ana|1"`, `"bob"`
		}
		w.shows(role, "/v1/sessions?content_id=c1&from=2026-11-01", `{"sessions":[{`+bobsSession+`,"user_id":`+bob+`},{`+anasSession+`,"user_id":`+ana+`}],"next_cursor":null}`)
	}
	w.shows(RoleViewer, "/v1/sessions?content_id=c9", `{"sessions":[],"next_cursor":null}`)
	w.shows(RoleViewer, "/v1/contents", `{"contents":[{"content_id":"c1","title":"One!","sessions":2,"users":2,"duration_s":61.25,"watched_s":95,
		"content_length_s":100,"completion_rate":0.6,"first_started_at":"2026-11-21T20:00:00Z","last_event_at":"2026-11-23T11:50:00Z"}],"next_cursor":null}`)
}

const november = `"month":"2026-11","time_zone":"Europe/Paris","as_of":"2026-11-23T12:00:00Z",
	"registered":{"count":0,"previous_month":{"count":1,"to_date":1},"change":-1},"active":{"count":1},"trial":{"count":0},
	"unsubscribed":{"count":1,"by_reason":{"voluntary":1,"non_payment":0,"switched":0,"other":0,"expired":0,"paused":0}},"cancellations":{"count":0,"by_reason":{"voluntary":0,"non_payment":0,"switched":0,"other":0}},"position":9`

const october = `"month":"2026-10","time_zone":"Europe/Paris","as_of":"2026-11-23T12:00:00Z",
	"registered":{"count":1,"previous_month":{"count":0,"to_date":0},"change":null},"active":{"count":1},"trial":{"count":1},
	"unsubscribed":{"count":0,"by_reason":{"voluntary":0,"non_payment":0,"switched":0,"other":0,"expired":0,"paused":0}},"cancellations":{"count":1,"by_reason":{"voluntary":1,"non_payment":0,"switched":0,"other":0}},"position":9`

const december = `"month":"2026-12","time_zone":"Europe/Paris","as_of":"2026-11-23T12:00:00Z",
	"registered":null,"active":null,"trial":null,"unsubscribed":null,"cancellations":null,"position":9`

func (w *world) answersAboutMonths() {
	w.shows(RoleViewer, "/v1/kpis/2026-11", `{`+november+`}`)
	w.shows(RoleViewer, "/v1/kpis/2026-12", `{`+december+`}`)
	w.shows(RoleAuditor, "/v1/kpis?from=2026-10&to=2026-12&as_of=2026-11-23T13:00:00%2B01:00", `{"months":[{`+october+`},{`+november+`},{`+december+`}]}`)
	if months := strings.Count(w.get(RoleViewer, "/v1/kpis?from=2016-12&to=2026-11").ok(200).Body.String(), `"month":`); months != 120 {
		w.t.Errorf("there are %d months", months)
	}
	w.answersAboutDays()
	for _, edge := range []string{"0001-01", "1900-01", "9999-12"} {
		w.get(RoleViewer, "/v1/kpis/"+edge).ok(200)
		w.get(RoleViewer, "/v1/kpis/"+edge+"/days").ok(200)
	}
	w.shows(RoleSupport, "/v1/kpis/2026-10/trial/users", `{"users":[{`+anaInList+`}],"erased":0,"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/kpis/2026-11/unsubscribed/users?reason=voluntary", `{"users":[{`+anaInList+`}],"erased":0,"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/kpis/2026-10/cancellations/users?reason=voluntary", `{"users":[{`+anaInList+`}],"erased":0,"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/kpis/2026-10/cancellations/users?reason=switched", `{"users":[],"erased":0,"next_cursor":null}`)
	w.shows(RoleSupport, "/v1/kpis/2026-11/unsubscribed/users?reason=expired", `{"users":[],"erased":0,"next_cursor":null}`)
	w.shows(RoleAdmin, "/v1/kpis/2026-12/active/users", `{"users":[],"erased":0,"next_cursor":null}`)
}

func TestTrialsSwitchedOff(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.happen(anaAndBob...)
		w.service.Trials = false
		w.shows(RoleViewer, "/v1/kpis/2026-10", `{`+strings.Replace(october, `"trial":{"count":1}`, `"trial":null`, 1)+`}`)
		w.get(RoleSupport, "/v1/kpis/2026-10/trial/users").problem(http.StatusNotFound)
	})
}

// An id in a path is decoded once, whatever is in it.
func TestIDsInPaths(t *testing.T) {
	ids := []string{"plain", "auth0|5f7c", "a/b", "a%2Fb", "a%b", "%", "ana@example.org", "a b", "a+b", "a?b#c", "é💶", "...", "a/../b", "sessions", "~!$&'()*,;=:"}
	eachWorld(t, func(t *testing.T, w *world) {
		var events []string
		for _, id := range ids {
			events = append(events, happened("2026-11-01T00:00:00Z", id, "user.registered", `{}`),
				happened("2026-11-01T00:00:01Z", id, "playback.ended", fmt.Sprintf(`{"session_id":%q,"content_id":"c"}`, "session "+id)))
		}
		w.happen(events...)
		for _, id := range ids {
			for name, path := range map[string]string{"as little as may be": url.PathEscape(id), "every byte": everyByte(id)} {
				var user struct{ ID string }
				body := w.get(RoleSupport, "/v1/users/"+path).ok(200).Body.Bytes()
				if err := json.Unmarshal(body, &user); err != nil || user.ID != id {
					t.Errorf("%q, encoded %s, is %q (%v)", id, name, user.ID, err)
				}
				if list := w.get(RoleSupport, "/v1/users/"+path+"/sessions").ok(200); !strings.Contains(list.Body.String(), tail(id)) {
					t.Errorf("%q, encoded %s, has the sessions %s", id, name, list.Body)
				}
			}
		}
	})
}

// tail returns the end of a session's id as it stands in JSON.
func tail(id string) string {
	var text bytes.Buffer
	if err := encodeJSON(&text, "session "+id); err != nil {
		panic(err)
	}
	return strings.TrimSpace(text.String())
}

func everyByte(id string) string {
	var path strings.Builder
	for _, c := range []byte(id) {
		fmt.Fprintf(&path, "%%%02X", c)
	}
	return path.String()
}

func (w *world) answersAboutDays() {
	w.shows(RoleViewer, "/v1/kpis/2026-10/days?as_of=2026-10-06", `{"month":"2026-10","position":9,"days":[{"day":"2026-10-01","registered":0},{"day":"2026-10-02","registered":0},
		{"day":"2026-10-03","registered":0},{"day":"2026-10-04","registered":0},{"day":"2026-10-05","registered":1},{"day":"2026-10-06","registered":0}]}`)
	w.shows(RoleAuditor, "/v1/kpis/2026-10/days?as_of=2026-10-01T00:00:00%2B02:00", `{"month":"2026-10","position":9,"days":[{"day":"2026-10-01","registered":0}]}`)
	for _, role := range anyReader {
		w.shows(role, "/v1/kpis/2026-12/days", `{"month":"2026-12","position":9,"days":[]}`)
	}
}
