// This file serves the events that were refused: it lists and counts them, sends
// one again, as it was or repaired, and deletes one.

package api

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
	"boxoffice/wire"
)

// A refusedEvent is an event that was kept as refused.
type refusedEvent struct {
	ID         int64     `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	Reason     string    `json:"reason" enum:"too_large,malformed,invalid_attribute,unknown_type,subject_mismatch,in_future,invalid_data,erased,conflict"`
	Message    string    `json:"message" doc:"Which field, and which rule it breaks"`
	Subject    *string   `json:"subject" doc:"The event's, where it can be read; always null for an auditor"`
	Type       *string   `json:"type" doc:"The event's, where it can be read; for an auditor null unless it is one of the catalogue, since any other may be anything"`
	Body       *string   `json:"body" doc:"The event as it came; null where it isn't UTF-8, and always for an auditor"`
	BodyBase64 *[]byte   `json:"body_base64" nullable:"true" doc:"The event as it came, where it isn't UTF-8; always null for an auditor"`
}

type listRefusedInput struct {
	Reason string `query:"reason" enum:"too_large,malformed,invalid_attribute,unknown_type,subject_mismatch,in_future,invalid_data,erased,conflict" doc:"Only events refused for this reason"`
	PageParams
}

type listRefusedOutput struct{ Body refusedPage }

// A refusedPage is a page of the refused events.
type refusedPage struct {
	Refused    []refusedEvent `json:"refused"`
	NextCursor *string        `json:"next_cursor" doc:"Null on the last page"`
}

// RefusedParam is the number of a refused event in a path.
type RefusedParam struct {
	ID int64 `path:"id" minimum:"1" doc:"The id that the list of refused events gives"`
}

type getRefusedCountsOutput struct{ Body refusedCounts }

// A refusedCounts is how many refused events there are of each reason.
type refusedCounts struct {
	TooLarge         int64 `json:"too_large"`
	Malformed        int64 `json:"malformed"`
	InvalidAttribute int64 `json:"invalid_attribute"`
	UnknownType      int64 `json:"unknown_type"`
	SubjectMismatch  int64 `json:"subject_mismatch"`
	InFuture         int64 `json:"in_future"`
	InvalidData      int64 `json:"invalid_data"`
	Erased           int64 `json:"erased"`
	Conflict         int64 `json:"conflict"`
	Total            int64 `json:"total"`
}

type retryRefusedInput struct {
	RefusedParam
	bodyInput
}

type deleteRefusedInput struct{ RefusedParam }

func (s *service) registerRefused() {
	register(s, operation{
		id: "list-refused", method: http.MethodGet, path: "/v1/refused", tag: "History",
		summary:     "List the events that were refused",
		description: "Latest first. They are kept for 30 days.",
	}, s.listRefused)
	register(s, operation{
		id: "get-refused-counts", method: http.MethodGet, path: "/v1/refused-counts", tag: "History",
		summary: "How many refused events there are of each reason",
	}, s.getRefusedCounts)
	op := register(s, operation{
		id: "retry-refused", method: http.MethodPost, path: "/v1/refused/{id}/retry", tag: "History",
		summary: "Send a refused event again",
		description: "As it was kept, or as the repaired event that is the body. 202 once the broker has stored it durably; " +
			"it leaves the list when it is recorded. 422 where it still breaks a rule: nothing is published then. " +
			"409 where the kept one can't be sent as it is (only a part of it was kept, or nothing, or its identity is taken), " +
			"or an event of the repaired one's source and id is recorded already.",
		noDeadline: true,
		errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		responses: map[string]*huma.Response{},
	}, s.retryRefused)
	describeRetry(op, s.api.OpenAPI().Components.Schemas)
	register(s, operation{
		id: "delete-refused", method: http.MethodDelete, path: "/v1/refused/{id}", tag: "History",
		summary: "Delete a refused event",
		errors:  []int{http.StatusNotFound},
	}, s.deleteRefused)
}

// describeRetry adds to the document what the library can't see.
func describeRetry(op *huma.Operation, r huma.Registry) {
	result := schemaOf[publishResult](r)
	op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{
		wire.StructuredType: {Schema: schemaOf[CloudEvent](r), Example: exampleEvent("1", "10293")},
	}}
	delete(op.Responses, "200")
	op.Responses["202"] = &huma.Response{Description: "Stored durably", Content: map[string]*huma.MediaType{jsonType: {Schema: result}}}
	problem := op.Responses["422"].Content[problemType]
	op.Responses["422"] = &huma.Response{Description: "It breaks a rule, or a parameter does",
		Content: map[string]*huma.MediaType{jsonType: {Schema: result}, problemType: problem}}
}

func (s *service) listRefused(ctx context.Context, in *listRefusedInput) (*listRefusedOutput, error) {
	list := cursor.Listing{Name: "list-refused", Filters: in.Reason}
	at, before, err := openPage[int64](s, list, in.Cursor, nil)
	if err != nil {
		return nil, err
	}
	q := eventstore.RefusedQuery{Reason: domain.Reason(in.Reason), Limit: in.Limit}
	if before != nil {
		q.Before = *before
	}
	events, next, err := s.Log.Refused(ctx, q)
	if err != nil {
		return nil, err
	}
	shown := show(events, showRefused)
	if access.From(ctx).Role == access.Admin {
		access.About(ctx, refusedSubjects(events)...)
	} else {
		for i := range shown {
			shown[i].withholdPersonal()
		}
	}
	page := refusedPage{Refused: shown}
	if next != 0 {
		page.NextCursor = cursorFor(s.cursors, list, at, &next)
	}
	return &listRefusedOutput{page}, nil
}

// withholdPersonal leaves what may be shown to those who may not see personal
// data. A type that isn't in the catalogue is a text like any other.
func (r *refusedEvent) withholdPersonal() {
	r.Subject, r.Body, r.BodyBase64 = nil, nil, nil
	if r.Type != nil && !domain.KnownType(*r.Type) {
		r.Type = nil
	}
}

func refusedSubjects(events []eventstore.RefusedEvent) []string {
	var ids []string
	for i := range events {
		if subject := events[i].Subject; subject != nil && !slices.Contains(ids, *subject) {
			ids = append(ids, *subject)
		}
	}
	return ids
}

func showRefused(r *eventstore.RefusedEvent) refusedEvent {
	shown := refusedEvent{
		ID:         r.ID,
		ReceivedAt: instant(r.ReceivedAt),
		Reason:     string(r.Reason),
		Message:    r.Message,
		Subject:    r.Subject,
		Type:       r.Type,
	}
	switch {
	case r.Body == nil:
	case utf8.Valid(r.Body):
		body := string(r.Body)
		shown.Body = &body
	default:
		shown.BodyBase64 = &r.Body
	}
	return shown
}

func (s *service) getRefusedCounts(ctx context.Context, _ *struct{}) (*getRefusedCountsOutput, error) {
	counts, err := s.Log.CountRefused(ctx)
	if err != nil {
		return nil, err
	}
	body := refusedCounts{
		TooLarge: counts[domain.TooLarge], Malformed: counts[domain.Malformed], InvalidAttribute: counts[domain.InvalidAttribute],
		UnknownType: counts[domain.UnknownType], SubjectMismatch: counts[domain.SubjectMismatch], InFuture: counts[domain.InFuture],
		InvalidData: counts[domain.InvalidData], Erased: counts[domain.Erased], Conflict: counts[domain.Conflict],
	}
	for _, n := range counts {
		body.Total += n
	}
	return &getRefusedCountsOutput{body}, nil
}

func (s *service) retryRefused(ctx context.Context, in *retryRefusedInput) (*publishOutput, error) {
	body, err := repairedBody(in.writer, in.request)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	retry, err := s.Accounts.Retry(ctx, in.ID, body)
	if err != nil {
		return nil, err
	}
	aboutRetry(ctx, &retry.Kept, retry.Arrival.Event)
	if retry.Arrival.Refusal == nil {
		if err := retry.Send(ctx); err != nil {
			return nil, err
		}
	}
	return showPublished([]wire.Arrival{retry.Arrival}), nil
}

// repairedBody returns the repaired event; nil where there is none.
func repairedBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, newProblem(http.StatusUnsupportedMediaType, wire.ErrEncoded.Error())
	}
	body, err := readBody(w, r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return nil, err
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != wire.StructuredType && mediaType != jsonType || wire.HasAttributes(r.Header) {
		return nil, newProblem(http.StatusUnsupportedMediaType, "a repaired event must be one in structured mode: "+wire.StructuredType)
	}
	if err := checkValue(body); err != nil {
		return nil, unreadable(body, err)
	}
	return body, nil
}

// aboutRetry notes whom the kept event is about, and the repaired one where
// that is somebody else.
func aboutRetry(ctx context.Context, kept *eventstore.RefusedEvent, repaired *domain.Event) {
	var ids []string
	if kept.Subject != nil {
		ids = append(ids, *kept.Subject)
	}
	if repaired != nil && !slices.Contains(ids, repaired.Subject) {
		ids = append(ids, repaired.Subject)
	}
	access.About(ctx, ids...)
}

func (s *service) deleteRefused(ctx context.Context, in *deleteRefusedInput) (*struct{}, error) {
	kept, ok, err := s.Log.RefusedEvent(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, accounts.ErrNoRefused
	}
	aboutRetry(ctx, &kept, nil)
	deleted, err := s.Log.DeleteRefused(ctx, in.ID)
	if err == nil && !deleted {
		err = accounts.ErrNoRefused
	}
	return nil, err
}
