// This file is the questions that are asked after a year, with the answers of
// a plain count beside them.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"boxoffice/internal/oracle"
)

// yearEnd is the end of the simulated year, and the present of most questions.
var yearEnd = time.Date(2026, 6, 17, 13, 20, 0, 0, time.UTC)

// A question is a path of the API and what it has to answer.
type question struct {
	path string
	// list names the member of the answer that is a list in pages; empty where
	// the answer is one object.
	list string
	want any
}

// yearQuestions asks for every figure, list and detail, at instants before,
// within, at the end of and after the year.
func yearQuestions(model *oracle.Oracle) []question {
	instants := []time.Time{
		yearEnd, yearEnd.AddDate(0, 0, 20), yearEnd.AddDate(2, 0, 0), yearEnd.AddDate(-1, 1, 3),
		time.Date(2026, 2, 28, 22, 59, 59, 999999000, time.UTC), time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC),
		time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), yearEnd.AddDate(-5, 0, 0),
	}
	var all []question
	for _, at := range instants {
		all = append(all, questionsAt(model, at)...)
	}
	all = append(all, listQuestions(model)...)
	all = append(all, viewingQuestions(model)...)
	return append(all, detailQuestions(model)...)
}

func stamp(t time.Time) string { return url.QueryEscape(t.Format(time.RFC3339Nano)) }

// questionsAt asks for the figures and who is behind them.
func questionsAt(model *oracle.Oracle, at time.Time) []question {
	t := oracle.Of(at)
	months, err := model.KPIs("2025-05", "2026-08", t)
	if err != nil {
		panic(err)
	}
	all := []question{
		{"/v1/kpis?from=2025-05&to=2026-08&as_of=" + stamp(at), "", map[string]any{"months": months}},
		{"/v1/user-counts?as_of=" + stamp(at), "", model.UserCounts(t)},
		{"/v1/users?as_of=" + stamp(at), "users", model.Users(oracle.UsersQuery{At: t})},
	}
	for _, month := range []string{"2025-07", "2026-02", "2026-06"} {
		for _, kpi := range []string{"registered", "active", "trial", "unsubscribed", "cancellations"} {
			all = append(all, membersQuestion(model, month, kpi, "", at))
		}
		for _, reason := range []string{"voluntary", "non_payment", "switched", "other", "expired", "paused"} {
			all = append(all, membersQuestion(model, month, "unsubscribed", reason, at))
		}
		for _, reason := range []string{"voluntary", "non_payment", "switched", "other"} {
			all = append(all, membersQuestion(model, month, "cancellations", reason, at))
		}
	}
	return all
}

func membersQuestion(model *oracle.Oracle, month, kpi, reason string, at time.Time) question {
	want, err := model.Members(month, kpi, reason, oracle.Of(at))
	if err != nil {
		panic(err)
	}
	path := fmt.Sprintf("/v1/kpis/%s/%s/users?as_of=%s", month, kpi, stamp(at))
	if reason != "" {
		path += "&reason=" + reason
	}
	return question{path, "users", want.Users}
}

// listQuestions asks for the list of users with every filter and sort.
func listQuestions(model *oracle.Oracle) []question {
	at := yearEnd.Add(time.Hour)
	from, to := time.Date(2025, 11, 10, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	lower, upper := oracle.Of(from), oracle.Of(to)
	var all []question
	ask := func(parameters string, q oracle.UsersQuery) {
		q.At = oracle.Of(at)
		all = append(all, question{"/v1/users?as_of=" + stamp(at) + parameters, "users", model.Users(q)})
	}
	for _, sort := range []string{"registered_at", "-registered_at", "updated_at", "-updated_at"} {
		ask("&sort="+sort, oracle.UsersQuery{Sort: sort})
		for _, status := range []string{"registered", "active", "canceled"} {
			ask("&sort="+sort+"&status="+status, oracle.UsersQuery{Sort: sort, Status: status})
		}
	}
	ask("&registered_from="+stamp(from)+"&registered_to="+stamp(to), oracle.UsersQuery{RegisteredFrom: &lower, RegisteredTo: &upper})
	ask("&updated_from="+stamp(from)+"&updated_to="+stamp(to)+"&status=canceled", oracle.UsersQuery{UpdatedFrom: &lower, UpdatedTo: &upper, Status: "canceled"})
	for _, q := range []string{"an", "A B", "É", "@example", "1"} {
		ask("&q="+url.QueryEscape(q), oracle.UsersQuery{Q: q})
	}
	return all
}

// viewingQuestions asks for sessions and contents over all users.
func viewingQuestions(model *oracle.Oracle) []question {
	from, to := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	lower, upper := oracle.Of(from), oracle.Of(to)
	between := "?from=" + stamp(from) + "&to=" + stamp(to)
	now := oracle.Of(time.Now()) // the year is long over, so every state is final
	return []question{
		{"/v1/contents", "contents", model.Contents(nil, nil)},
		{"/v1/contents" + between, "contents", model.Contents(&lower, &upper)},
		{"/v1/sessions" + between, "sessions", model.Sessions(oracle.SessionsQuery{At: now, From: &lower, To: &upper})},
	}
}

// detailQuestions asks for each user, with all that they viewed.
func detailQuestions(model *oracle.Oracle) []question {
	var all []question
	now := oracle.Of(time.Now())
	for _, user := range model.Users(oracle.UsersQuery{At: oracle.Of(yearEnd)}) {
		path := "/v1/users/" + url.PathEscape(user.ID)
		for _, at := range []time.Time{yearEnd, yearEnd.AddDate(0, -4, 0)} {
			if want, ok := model.Detail(user.ID, oracle.Of(at)); ok {
				all = append(all, question{path + "?as_of=" + stamp(at), "", want})
			}
		}
		sessions := []oracle.Session{}
		for _, s := range model.Sessions(oracle.SessionsQuery{At: now, UserID: user.ID}) {
			sessions = append(sessions, s.Session)
		}
		all = append(all,
			question{path + "/sessions", "sessions", sessions},
			question{path + "/contents", "contents", model.UserContents(user.ID, nil, nil)})
	}
	return all
}

// compareAnswers asks the installation every question.
func compareAnswers(t *testing.T, on *installation, questions []question) {
	for _, q := range questions {
		got, err := on.answer(q)
		if err != nil {
			t.Errorf("%s: %v", q.path, err)
			continue
		}
		if diff := cmp.Diff(plain(t, q.want), got); diff != "" {
			t.Fatalf("%s (-counted +answered):\n%s", q.path, tail(diff, 4000))
		}
	}
}

// answer gets an answer whole: a list page by page.
func (on *installation) answer(q question) (any, error) {
	if q.list == "" {
		return on.page(q.path)
	}
	whole := []any{}
	u, err := url.Parse(q.path)
	if err != nil {
		return nil, err
	}
	parameters := u.Query()
	parameters.Set("limit", "997")
	if strings.HasSuffix(u.Path, "/contents") && u.Path != "/v1/contents" {
		parameters.Del("limit") // what one user viewed isn't in pages
	}
	for {
		body, err := on.page(u.EscapedPath() + "?" + parameters.Encode())
		if err != nil {
			return nil, err
		}
		whole = append(whole, body[q.list].([]any)...)
		cursor, ok := body["next_cursor"].(string)
		if !ok {
			return whole, nil
		}
		parameters.Set("cursor", cursor)
	}
}

func (on *installation) page(path string) (map[string]any, error) {
	status, body, err := on.get(path)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", status, body)
	}
	var page map[string]any
	return page, json.Unmarshal(body, &page)
}

// plain returns a value as its JSON reads.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
