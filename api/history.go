// This file serves the recorded events, in log order: a page of them, or all of
// them as a stream (history_stream.go).

package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
)

const (
	ndjsonType      = "application/x-ndjson"
	eventStreamType = "text/event-stream"
)

// A recordedEvent is one event of the log.
type recordedEvent struct {
	Position   eventstore.Position `json:"position" doc:"Number in the log: 1, 2, 3 … with none missing"`
	RecordedAt time.Time           `json:"recorded_at"`
	Event      renderedEvent       `json:"event" doc:"A CloudEvent. Sealed, its subject is a pseudonym and what is personal stands encrypted in the extension sealed; readable for an admin where the user's key is still there"`
	// userID is whom it is about, where it is readable.
	userID string
}

// readableUsers are whom events are readably about, each once.
func readableUsers(events []recordedEvent) []string {
	known := map[string]bool{}
	for i := range events {
		if id := events[i].userID; id != "" {
			known[id] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

type listEventsInput struct {
	After  int64  `query:"after" minimum:"0" doc:"From the first event after this position on"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"How many at most. Default: 50 in a page; a stream has no limit"`
	Type   string `query:"type" doc:"Only events of this type" example:"subscription.canceled"`
	UserID string `query:"user_id" doc:"Only events about this user; for an admin only"`
	PeriodParams
	Accept      string `header:"Accept" hidden:"true"`
	LastEventID string `header:"Last-Event-ID" doc:"In a text/event-stream: goes on after this position, whatever after says"`
}

// A recordedPage is a page of the log.
type recordedPage struct {
	Events    []recordedEvent      `json:"events"`
	NextAfter *eventstore.Position `json:"next_after" nullable:"true" doc:"Null at the end of the log"`
}

func (s *service) registerHistory() {
	op := register(s, operation{
		id: "list-events", method: http.MethodGet, path: "/v1/events", tag: "History",
		summary: "Recorded events, in log order",
		description: "As a page, or, with `Accept: application/x-ndjson`, streamed to the end of the log, " +
			"or, with `Accept: text/event-stream`, streamed and then live. from and to are those of the events' time.",
		noDeadline: true,
	}, s.listEvents)
	r := s.api.OpenAPI().Components.Schemas
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		jsonType:        {Schema: schemaOf[recordedPage](r)},
		ndjsonType:      {Schema: schemaOf[recordedEvent](r)},
		eventStreamType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "id is the position, data the recorded event as JSON"}},
	}}
}

// A historyRequest is what was asked of the log.
type historyRequest struct {
	eventstore.SealedQuery
	open bool // readable, where the user's key is still there
}

func (s *service) listEvents(ctx context.Context, in *listEventsInput) (*huma.StreamResponse, error) {
	mediaType := negotiation.SelectQValueFast(strings.ToLower(in.Accept), []string{jsonType, ndjsonType, eventStreamType})
	r, err := s.historyRequest(ctx, in, mediaType == eventStreamType)
	if err != nil {
		return nil, err
	}
	switch mediaType {
	case ndjsonType:
		return s.streamHistory(ctx, r, ndjsonFormat{}, false)
	case eventStreamType:
		return s.streamHistory(ctx, r, sseFormat{}, true)
	}
	return s.historyPage(ctx, r)
}

func (s *service) historyRequest(ctx context.Context, in *listEventsInput, resumable bool) (historyRequest, error) {
	admin := access.From(ctx).Role == access.Admin
	r := historyRequest{open: admin, SealedQuery: eventstore.SealedQuery{
		After: eventstore.Position(in.After), Type: domain.Type(in.Type), UserID: in.UserID, Limit: in.Limit,
	}}
	if in.UserID != "" && !admin {
		return r, newProblem(http.StatusForbidden, "query.user_id: an auditor may not ask for one user's events")
	}
	p := s.params()
	r.From, r.To = p.period(in.PeriodParams)
	if in.UserID != "" {
		p.check("query.user_id", in.UserID, domain.ValidUserID(in.UserID))
	}
	if in.Type != "" && !domain.KnownType(in.Type) {
		p.check("query.type", in.Type, errors.New("must be a type of the catalogue"))
	}
	if resumable && in.LastEventID != "" {
		var err error
		r.After, err = parsePosition(in.LastEventID)
		p.check("header.Last-Event-ID", in.LastEventID, err)
	}
	if in.UserID != "" {
		access.About(ctx, in.UserID)
	}
	return r, p.err()
}

// readHistory reads the next range of the log, of which few events or none
// may pass the filters.
func (s *service) readHistory(ctx context.Context, r historyRequest) ([]recordedEvent, eventstore.SealedPage, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	page, err := s.Log.ReadSealed(ctx, r.SealedQuery)
	if err != nil {
		return nil, page, err
	}
	events, err := s.showRecords(ctx, page.Records, r.open)
	return events, page, err
}

// historyPage answers with one page: a full one, unless the log ends before, or
// so few events pass the filters that filling it would take too long.
func (s *service) historyPage(ctx context.Context, r historyRequest) (*huma.StreamResponse, error) {
	if r.Limit == 0 {
		r.Limit = 50
	}
	enough := time.Now().Add(s.Timeout / 2)
	answer := recordedPage{Events: []recordedEvent{}}
	for {
		events, page, err := s.readHistory(ctx, r)
		if err != nil {
			return nil, err
		}
		answer.Events = append(answer.Events, events...)
		r.After, r.Limit = page.Next, r.Limit-len(events)
		if page.End {
			break
		}
		if r.Limit <= 0 || time.Now().After(enough) {
			answer.NextAfter = &page.Next
			break
		}
	}
	if r.UserID == "" { // else they are all of the user who was asked for
		access.About(ctx, readableUsers(answer.Events)...)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", jsonType)
		_ = encodeJSON(c.BodyWriter(), answer)
	}}, nil
}

// showRecords renders rows of the log: sealed, or readable where that may be
// and their user's key is still there.
func (s *service) showRecords(ctx context.Context, rows []eventstore.SealedRecord, open bool) ([]recordedEvent, error) {
	shown := make([]recordedEvent, len(rows))
	for i := range rows {
		r := &rows[i]
		stamp := domain.Stamp{Time: r.Time, Source: r.Source, ID: r.ID}
		shown[i] = recordedEvent{Position: r.Position, RecordedAt: instant(r.RecordedAt),
			Event: domain.MarshalSealed(r.Type, stamp, r.User.String(), r.Public, r.Sealed)}
	}
	if !open || len(rows) == 0 {
		return shown, nil
	}
	records, err := s.Log.Unseal(ctx, rows)
	if err != nil {
		return nil, err
	}
	for i := range records {
		if !records[i].Erased {
			shown[i].Event, shown[i].userID = records[i].Event.MarshalCloudEvent(), records[i].Event.Subject
		}
	}
	return shown, nil
}
