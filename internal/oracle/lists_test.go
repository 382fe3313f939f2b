package oracle_test

import (
	"testing"

	"boxoffice/internal/oracle"
)

func TestSessions(t *testing.T) {
	for _, c := range []struct{ rule, events, at, want string }{
		{"ranges unite, their ends rounded half up to whole seconds, cut to the length", `
			2026-01-01T10:00:00Z playback.started u {"session_id":"s","content_id":"c","title":"T","content_length_s":25.25,"device":"tv","platform":"x"}
			2026-01-01T10:00:10Z playback.progressed u {"session_id":"s","content_id":"c","position_s":9.9995,"played":[[0,9.4995]],"play_time_s":9}
			2026-01-01T10:00:20Z playback.progressed u {"session_id":"s","content_id":"c","played":[[20,30],[9.5,10.4994],[3,4]],"play_time_s":8}`,
			"2026-01-01T10:30:19.999999Z",
			// [0, 10) since 9.4995 is kept as 9.5; [10, 10) is empty; [20, 25.25).
			`[{"session_id":"s","content_id":"c","user_id":"u","title":"T","state":"in_progress","started_at":"2026-01-01T10:00:00Z","last_event_at":"2026-01-01T10:00:20Z",
			"duration_s":9,"watched_s":15.25,"content_length_s":25.25,"completion_rate":0.604,"completed":false,"position_s":10,"device":"tv","platform":"x"}]`},
		{"without play_time_s the duration is from the first event to the last; abandoned after 30 minutes", `
			2026-01-01T10:00:00Z playback.started u {"session_id":"s","content_id":"c","position_s":5,"played":[[0,5]],"play_time_s":5}
			2026-01-01T10:00:01.0005Z playback.progressed u {"session_id":"s","content_id":"c","played":null,"play_time_s":null}`,
			"2026-01-01T10:30:01.0005Z",
			`[{"state":"abandoned","duration_s":1.001,"watched_s":0,"content_length_s":null,"completion_rate":null,"completed":null,"position_s":null,"title":null}]`},
		{"the latest event decides whether it has ended, and null clears", `
			2026-01-01T10:00:02Z playback.progressed u {"session_id":"s","content_id":"c","title":null,"content_length_s":null}
			2026-01-01T10:00:01Z playback.ended u {"session_id":"s","content_id":"c","title":"T","content_length_s":10,"played":[[0,10]]}
			2026-01-01T10:00:00Z playback.started u {"session_id":"t","content_id":"c","content_length_s":10}
			2026-01-01T10:00:00Z playback.ended u {"session_id":"t","content_id":"d","content_length_s":20000,"played":[[0,17999]]}`,
			"2026-01-01T10:00:03Z",
			// 17999 ÷ 20000 = 0.89995, rounded 0.9.
			`[{"session_id":"s","state":"in_progress","title":null,"completed":null,"watched_s":10},
			{"session_id":"t","content_id":"c","state":"in_progress","completion_rate":0,"completed":false},
			{"session_id":"t","content_id":"d","state":"ended","completion_rate":0.9,"completed":true}]`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := history(t, "UTC", c.events)
			is(t, c.rule, o.Sessions(oracle.SessionsQuery{At: at(t, c.at)}), c.want)
		})
	}
}

func TestContents(t *testing.T) {
	o := history(t, "UTC", `
		2026-01-01T10:00:00Z playback.ended a {"session_id":"1","content_id":"c","title":"old","content_length_s":40,"played":[[0,10]],"play_time_s":10}
		2026-01-02T10:00:00Z playback.ended a {"session_id":"2","content_id":"c","title":"new","content_length_s":20,"played":[[5,30]],"play_time_s":25.5}
		2026-01-03T10:00:00Z playback.ended a {"session_id":"3","content_id":"c"}
		2026-01-03T10:00:00Z playback.ended a {"session_id":"3","content_id":"b","played":[[0,1]]}
		2026-01-02T10:00:00Z playback.ended b {"session_id":"2","content_id":"c","played":[[30,31]],"content_length_s":30}`)
	// a: [0, 30) cut to 20.
	is(t, "contents of a", o.UserContents("a", nil, nil), `[
		{"content_id":"b","title":null,"sessions":1,"duration_s":0,"watched_s":1,"content_length_s":null,"completion_rate":null},
		{"content_id":"c","title":"new","sessions":3,"duration_s":35.5,"watched_s":20,"content_length_s":20,"completion_rate":1,
			"first_started_at":"2026-01-01T10:00:00Z","last_event_at":"2026-01-03T10:00:00Z"}]`)
	from, to := at(t, "2026-01-02T10:00:00Z"), at(t, "2026-01-03T10:00:00Z")
	is(t, "contents of a on the 2nd", o.UserContents("a", &from, &to), `[{"content_id":"c","sessions":1,"watched_s":15,"completion_rate":0.75}]`)
	// Rates 0.25, 0.75, none, 0: mean 0.3333. Length: of the session that began last and has one, then the greater session_id, then user: b's.
	is(t, "contents of all", o.Contents(nil, nil), `[
		{"content_id":"c","users":2,"sessions":4,"title":"new","completion_rate":0.3333,"content_length_s":30,"watched_s":30,"duration_s":35.5},
		{"content_id":"b","users":1,"sessions":1,"completion_rate":null}]`)
}

func TestUsers(t *testing.T) {
	o := history(t, "UTC", `
		2026-01-01T00:00:00Z user.registered b {"first_name":"Ana","last_name":"Weiß","email":"x@example.org"}
		2026-01-01T00:00:00Z user.registered a {"last_name":"Solo"}
		2026-01-03T00:00:00Z user.updated a {"email":"Y@EXAMPLE.org"}
		2026-01-02T00:00:00Z user.registered C {}
		2026-01-02T00:00:00Z rental.started C {"rental_id":"r","content_id":"c"}
		2026-01-04T00:00:00Z rental.revoked d {"rental_id":"r"}
		2026-02-01T00:00:00Z user.registered e {}`)
	from, to := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-02T00:00:00Z")
	for _, c := range []struct {
		rule string
		q    oracle.UsersQuery
		want string
	}{
		{"latest registration first, none last, ties by id", oracle.UsersQuery{}, `[{"id":"C"},{"id":"a"},{"id":"b"},{"id":"d"}]`},
		{"registered_at", oracle.UsersQuery{Sort: "registered_at"}, `[{"id":"a"},{"id":"b"},{"id":"C"},{"id":"d"}]`},
		{"updated_at", oracle.UsersQuery{Sort: "updated_at"}, `[{"id":"b"},{"id":"C"},{"id":"a"},{"id":"d"}]`},
		{"-updated_at", oracle.UsersQuery{Sort: "-updated_at"}, `[{"id":"a"},{"id":"C"},{"id":"b"},{"id":"d"}]`},
		{"status", oracle.UsersQuery{Status: "active"}, `[{"id":"C"}]`},
		{"from is inclusive, to exclusive", oracle.UsersQuery{RegisteredFrom: &from, RegisteredTo: &to}, `[{"id":"a"},{"id":"b"}]`},
		{"updated", oracle.UsersQuery{UpdatedFrom: &to}, `[{"id":"C"},{"id":"a"}]`},
		{"part of both names, folded", oracle.UsersQuery{Q: "NA WEISS"}, `[{"id":"b"}]`},
		{"part of the e-mail", oracle.UsersQuery{Q: "y@e"}, `[{"id":"a"}]`},
		{"part of the id", oracle.UsersQuery{Q: "c"}, `[{"id":"C"}]`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			c.q.At = at(t, "2026-01-15T00:00:00Z")
			is(t, c.rule, o.Users(c.q), c.want)
		})
	}
	is(t, "counts", o.UserCounts(at(t, "2026-01-15T00:00:00Z")), `{"registered":3,"active":1,"canceled":0,"total":4}`)
	is(t, "counts", o.UserCounts(at(t, "2026-01-01T00:00:00Z")), `{"registered":2,"active":0,"canceled":0,"total":2}`)
}

// Erased users are in no list, and figures stay; their id may register again.
func TestErasure(t *testing.T) {
	o := history(t, "UTC", `
		2026-01-01T00:00:00Z user.registered u {}
		2026-01-01T00:00:00Z subscription.started u {"subscription_id":"s","offer_id":"o"}
		2026-01-02T00:00:00Z playback.ended u {"session_id":"s","content_id":"c"}
		2026-01-05T00:00:00Z user.erased u {}`)
	now := at(t, "2026-01-10T00:00:00Z")
	for id, c := range map[string]struct {
		line string
		want oracle.Outcome
	}{
		"a":      {`2026-01-06T00:00:00Z user.updated u {}`, oracle.Refused},
		"b":      {`2026-01-05T00:00:00Z user.registered u {}`, oracle.Refused},
		"line 1": {`2026-01-06T00:00:00Z user.registered u {}`, oracle.Duplicate},
	} {
		if got := add(t, o, id, c.line); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
	if _, ok := o.Detail("u", now); ok || len(o.Users(oracle.UsersQuery{At: now})) != 0 || o.UserCounts(now).Total != 0 {
		t.Error("an erased user is listed")
	}
	k, _ := o.KPI("2026-01", now)
	is(t, "figures", k, `{"registered":{"count":1},"active":{"count":1}}`)
	m, _ := o.Members("2026-01", "active", "", now)
	is(t, "members", m, `{"users":[],"erased":1}`)
	is(t, "sessions", o.Sessions(oracle.SessionsQuery{At: now}), `[{"session_id":"s","user_id":null}]`)
	is(t, "contents", o.Contents(nil, nil), `[{"users":1,"sessions":1}]`)

	if got := add(t, o, "n", `2026-01-06T00:00:00Z user.registered u {"first_name":"New"}`); got != oracle.Recorded {
		t.Errorf("a registration after the erasure: %s", got)
	}
	if got := add(t, o, "o", `2026-01-04T00:00:00Z user.updated u {}`); got != oracle.Refused {
		t.Errorf("an event of before the erasure: %s", got)
	}
	if got := add(t, o, "p", `2026-01-05T12:00:00Z user.updated u {}`); got != oracle.Recorded {
		t.Errorf("an event of after the erasure: %s", got)
	}
	d, ok := o.Detail("u", now)
	if !ok {
		t.Fatal("the new user isn't there")
	}
	is(t, "the new user", d, `{"first_name":"New","status":"registered","subscriptions":[],"viewing":{"sessions":0,"duration_s":0,"last_viewed_at":null}}`)
}
