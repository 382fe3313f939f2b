// This file is the rules about what stands in the database in clear.

package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"boxoffice/domain"
)

var secrecyRules = []rule{
	{"nothing personal stands in clear", "no column of any table holds a user's id or anything personal, of recorded events and of refused ones", testNothingInClear},
	{"nothing leads back to an erased user", "after an erasure no row is left that holds the user's key or the link to the pseudonym", testNothingLeadsBack},
}

// personal are texts that stand in personal places of personalMessages only.
var personal = []string{"ana|5f7c", "ana@example.org", "Ana-Maria", "a secret of custom", "a reason of her own", "an extension", "urn:her-schema",
	"unnamed field", "deep inside", "in a bad event"}

func personalMessages() []message {
	more := `,"dataschema":"urn:her-schema","mark":"an extension"`
	return []message{
		{kind: domain.UserRegistered, id: "1", more: more, data: `{"email":"ana@example.org","first_name":"Ana-Maria","custom":{"k":"a secret of custom"}}`},
		{kind: domain.SubscriptionStarted, id: "2", data: `{"subscription_id":"s","offer_id":"gold","unnamed field":{"a":["deep inside"]}}`},
		{kind: domain.SubscriptionCanceled, id: "3", data: `{"subscription_id":"s","comment":"a reason of her own"}`},
		{kind: domain.PlaybackProgressed, id: "4", data: `{"session_id":"v","content_id":"c","extra":"deep inside"}`},
	}
}

func appendPersonal(t *testing.T, l *Log) {
	s := l.Open(t)
	b := batch(1)
	for _, m := range personalMessages() {
		m.subject = "ana|5f7c"
		b.Messages = append(b.Messages, event(m))
	}
	b.Messages = append(b.Messages, judged(message{kind: domain.UserUpdated, subject: "ana|5f7c", id: "5", data: `{"email":{"in a bad event":1}}`}.text()))
	mustAppend(t, s, batch(1, b.Messages...), 4, 0, 1)
}

func testNothingInClear(t *testing.T, l *Log) {
	appendPersonal(t, l)
	found := 0
	for _, table := range l.Tables {
		eachValue(t, l, table, func(column string, value []byte) {
			found++
			for _, text := range personal {
				if bytes.Contains(value, []byte(text)) {
					t.Errorf("%s.%s holds %q", table, column, text)
				}
			}
		})
	}
	if found < 60 {
		t.Errorf("only %d values were looked at", found)
	}
}

func testNothingLeadsBack(t *testing.T, l *Log) {
	appendPersonal(t, l)
	s := l.Open(t)
	known := subjectState(t, s, "ana|5f7c")
	if !known.Taken {
		t.Fatal("a user isn't there")
	}
	user := known.User
	mustAppend(t, s, batch(10, erased("ana|5f7c", "6", "2026-11-02T00:00:00Z")), 1, 0, 0)
	forms := [][]byte{user[:], fmt.Appendf(nil, "%x-%x-%x-%x-%x", user[:4], user[4:6], user[6:8], user[8:10], user[10:])}
	for _, table := range l.Tables {
		if table == "events" || table == "accounts" {
			continue
		}
		eachValue(t, l, table, func(column string, value []byte) {
			for _, form := range forms {
				if bytes.Contains(value, form) {
					t.Errorf("%s.%s holds the pseudonym", table, column)
				}
			}
		})
	}
	for _, table := range []string{"users", "refused"} {
		eachValue(t, l, table, func(string, []byte) { t.Errorf("%s isn't empty", table) })
	}
}

// eachValue calls see with every value of a table that isn't null.
func eachValue(t *testing.T, l *Log, table string, see func(column string, value []byte)) {
	t.Helper()
	rows, err := l.SQL.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(columns))
	places := make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case []byte:
				see(columns[i], v)
			default:
				see(columns[i], fmt.Append(nil, v))
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
