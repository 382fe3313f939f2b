// This file serves the events that were refused.

package api

import (
	"context"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
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

func (s *service) registerRefused() {
	register(s, operation{
		id: "list-refused", method: http.MethodGet, path: "/v1/refused", tag: "History",
		summary:     "List the events that were refused",
		description: "Latest first. They are kept for 30 days.",
	}, s.listRefused)
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
