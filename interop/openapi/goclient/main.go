//go:build generated

// This program calls every operation of the API through the client that
// oapi-codegen makes of the OpenAPI document. The client is generated when the
// test runs, and is the rest of this package; see ../../openapi_test.go.
//
// Its arguments are the address of the API and an administrator's key. It ends
// with an error where an answer isn't what the document says: where the types
// that were generated don't hold all of it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"reflect"
	"time"

	_ "github.com/oapi-codegen/runtime" // what the generated part imports
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	key := os.Args[2]
	client, err := NewClientWithResponses(os.Args[1], WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		log.Fatal(err)
	}
	if err := callAll(ctx, client); err != nil {
		log.Fatal(err)
	}
}

// What is asked about is what the test published. A user's id may hold what a
// path can't.
const (
	user  = "auth0|ana/b"
	month = "2026-03"
)

// callAll calls every operation, by the document's tags.
func callAll(ctx context.Context, c *ClientWithResponses) error {
	for _, call := range []func(context.Context, *ClientWithResponses) error{publish, kpis, users, viewing, files, history, repair, changes, service} {
		if err := call(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func kpis(ctx context.Context, c *ClientWithResponses) error {
	asOf := "2026-03-20T12:00:00+01:00"
	one, err := got(c.GetMonthWithResponse(ctx, month, &GetMonthParams{AsOf: &asOf}))
	if err = whole(err, one.Body, one.JSON200); err != nil {
		return fmt.Errorf("month: %w", err)
	}
	if one.JSON200.Active == nil || one.JSON200.Active.Count != 1 || one.JSON200.Month != month {
		return fmt.Errorf("month: %s", one.Body)
	}
	months, err := got(c.ListMonthsWithResponse(ctx, &ListMonthsParams{From: month, To: "2027-12"}))
	if err = whole(err, months.Body, months.JSON200); err != nil {
		return fmt.Errorf("months: %w", err)
	}
	days, err := got(c.GetMonthDaysWithResponse(ctx, month, &GetMonthDaysParams{AsOf: &asOf}))
	if err = whole(err, days.Body, days.JSON200); err != nil {
		return fmt.Errorf("days: %w", err)
	}
	if len(days.JSON200.Days) != 20 || days.JSON200.Days[0].Registered != 1 {
		return fmt.Errorf("days: %s", days.Body)
	}
	tooMany, err := got(c.ListMonthsWithResponse(ctx, &ListMonthsParams{From: month, To: "2099-01"}))
	if err = whole(err, tooMany.Body, tooMany.ApplicationproblemJSON422); err != nil {
		return fmt.Errorf("too many months: %w", err)
	}
	members, err := got(c.ListMonthUsersWithResponse(ctx, month, ListMonthUsersParamsKpiActive, nil))
	if err = whole(err, members.Body, members.JSON200); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return nil
}

func users(ctx context.Context, c *ClientWithResponses) error {
	status := ListUsersParamsStatusActive
	page, err := got(c.ListUsersWithResponse(ctx, &ListUsersParams{Status: &status}))
	if err = whole(err, page.Body, page.JSON200); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	counts, err := got(c.GetUserCountsWithResponse(ctx, nil))
	if err = whole(err, counts.Body, counts.JSON200); err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	detail, err := got(c.GetUserWithResponse(ctx, user, nil))
	if err = whole(err, detail.Body, detail.JSON200); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	if u := detail.JSON200; u.Id != user || len(u.Subscriptions) != 1 || len(u.Rentals) != 1 || len(u.FreeCopies) != 1 {
		return fmt.Errorf("user: %s", detail.Body)
	}
	missing, err := got(c.GetUserWithResponse(ctx, "nobody", nil))
	if err = whole(err, missing.Body, missing.ApplicationproblemJSON404); err != nil {
		return fmt.Errorf("a user who isn't there: %w", err)
	}
	return nil
}

func viewing(ctx context.Context, c *ClientWithResponses) error {
	limit := int64(1)
	contents, err := got(c.ListContentsWithResponse(ctx, &ListContentsParams{Limit: &limit}))
	if err = whole(err, contents.Body, contents.JSON200); err != nil {
		return fmt.Errorf("contents: %w", err)
	}
	if len(contents.JSON200.Contents) != 1 || contents.JSON200.NextCursor == nil {
		return fmt.Errorf("contents: %s", contents.Body)
	}
	next, err := got(c.ListContentsWithResponse(ctx, &ListContentsParams{Limit: &limit, Cursor: contents.JSON200.NextCursor}))
	if err = whole(err, next.Body, next.JSON200); err != nil {
		return fmt.Errorf("contents, second page: %w", err)
	}
	all, err := got(c.ListSessionsWithResponse(ctx, nil))
	if err = whole(err, all.Body, all.JSON200); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	viewed, err := got(c.ListUserContentsWithResponse(ctx, user, nil))
	if err = whole(err, viewed.Body, viewed.JSON200); err != nil {
		return fmt.Errorf("a user's contents: %w", err)
	}
	sessions, err := got(c.ListUserSessionsWithResponse(ctx, user, nil))
	if err = whole(err, sessions.Body, sessions.JSON200); err != nil {
		return fmt.Errorf("a user's sessions: %w", err)
	}
	return nil
}

func service(ctx context.Context, c *ClientWithResponses) error {
	health, err := got(c.HealthWithResponse(ctx))
	if err = whole(err, health.Body, health.JSON200); err != nil {
		return fmt.Errorf("health: %w", err)
	}
	ready, err := got(c.ReadyWithResponse(ctx))
	if err = whole(err, ready.Body, ready.JSON200); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	document, err := got(c.OpenapiWithResponse(ctx))
	if err = whole(err, document.Body, document.JSON200); err != nil {
		return fmt.Errorf("openapi: %w", err)
	}
	return nil
}

// publish publishes in each of the three ways that the document has.
func publish(ctx context.Context, c *ClientWithResponses) error {
	event := CloudEvent{
		Specversion: "1.0", Id: "go-client-1", Source: "/client", Type: "user.updated", Subject: "auth0|ana/b",
		Time: time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC),
		Data: &map[string]any{"country": "PT"}, AdditionalProperties: map[string]any{"note": "an extension"},
	}
	one, err := got(c.PublishEventsWithApplicationCloudeventsPlusJSONBodyWithResponse(ctx, nil, event))
	if err = whole(err, one.Body, one.JSON202); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	batch, err := got(c.PublishEventsWithApplicationCloudeventsBatchPlusJSONBodyWithResponse(ctx, nil, []CloudEvent{event, {}}))
	if err = whole(err, batch.Body, batch.JSON202); err != nil {
		return fmt.Errorf("publish a batch: %w", err)
	}
	if r := batch.JSON202; r.Accepted != 1 || len(r.Refused) != 1 || r.Refused[0].Reason != RefusedEntryReasonInvalidAttribute {
		return fmt.Errorf("publish a batch: %s", batch.Body)
	}
	attribute := func(s string) *string { return &s }
	binary, err := got(c.PublishEventsWithResponse(ctx, &PublishEventsParams{
		CeSpecversion: attribute("1.0"), CeId: attribute("go-client-2"), CeSource: attribute("/client"),
		CeType: attribute("user.updated"), CeSubject: attribute("ben"), CeTime: attribute("2026-03-05T10:00:00Z"),
	}, map[string]any{"country": "ES"}))
	if err = whole(err, binary.Body, binary.JSON202); err != nil {
		return fmt.Errorf("publish in binary mode: %w", err)
	}
	return nil
}

// history reads the log as a page and as a stream, and what was refused.
func history(ctx context.Context, c *ClientWithResponses) error {
	refused, err := got(c.ListRefusedWithResponse(ctx, nil))
	if err = whole(err, refused.Body, refused.JSON200); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	if len(refused.JSON200.Refused) == 0 {
		return fmt.Errorf("refused: %s", refused.Body)
	}
	page, err := got(c.ListEventsWithResponse(ctx, nil))
	if err = whole(err, page.Body, page.JSON200); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	// A stream is for the client to read; the generated reader would take it for
	// one JSON value, since its type ends in json.
	stream, err := c.ListEvents(ctx, nil, func(_ context.Context, r *http.Request) error {
		r.Header.Set("Accept", "application/x-ndjson")
		return nil
	})
	if err != nil {
		return fmt.Errorf("stream of events: %w", err)
	}
	defer stream.Body.Close()
	events := 0
	for lines := json.NewDecoder(stream.Body); lines.More(); events++ {
		var line json.RawMessage
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("stream of events: %w", err)
		}
		var event RecordedEvent
		if err := whole(json.Unmarshal(line, &event), line, &event); err != nil {
			return fmt.Errorf("stream of events: %w", err)
		}
	}
	if events < len(page.JSON200.Events) {
		return fmt.Errorf("stream of events: only %d came", events)
	}
	return nil
}

// got returns an empty answer in place of none, so that what there is of it can be
// looked at together with the error.
func got[Answer any](answer *Answer, err error) (*Answer, error) {
	if answer == nil {
		answer = new(Answer)
	}
	return answer, err
}

// whole says that an answer was read into the type that the document has for
// it, and that the type holds all of it: written again, it is the same JSON.
func whole[T any](err error, body []byte, value *T) error {
	if err != nil {
		return err
	}
	if value == nil {
		return fmt.Errorf("not the answer that was expected: %s", body)
	}
	again, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var got, want any
	if err := json.Unmarshal(again, &got); err != nil {
		return err
	}
	if err := json.Unmarshal(body, &want); err != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the answer was\n%s\nand of it was read\n%s", body, again)
	}
	return nil
}
