// This file is what can be done about refused events: counting them, sending
// one again, as it was or repaired, and deleting one.

package api

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/wire"
)

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

	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request, whose body may be there or not.
func (in *retryRefusedInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
}

type deleteRefusedInput struct{ RefusedParam }

func (s *service) registerRefusedActs() {
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
	kept, ok, err := s.Log.RefusedEvent(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, noRefused()
	}
	if body == nil {
		if body, err = keptBody(&kept); err != nil {
			return nil, err
		}
	}
	return s.sendAgain(ctx, &kept, body)
}

// repairedBody gives the repaired event; nil where there is none.
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

// keptBody gives the event that was kept, where it was kept whole.
func keptBody(kept *eventstore.RefusedEvent) ([]byte, error) {
	const send = "; send the event as the request's body, or delete it"
	switch {
	case kept.Body == nil && kept.Reason == domain.Conflict:
		return nil, conflict("nothing is kept of this event, since it was to make a user who is there already: delete it")
	case kept.Body == nil:
		return nil, conflict("nothing is kept of this event, since its user was erased" + send)
	case kept.Reason == domain.TooLarge:
		return nil, conflict("only the first part of this event is kept" + send)
	}
	return kept.Body, nil
}

// sendAgain publishes an event in the place of a refused one.
func (s *service) sendAgain(ctx context.Context, kept *eventstore.RefusedEvent, body []byte) (*publishOutput, error) {
	now := s.now()
	arrivals := []wire.Arrival{wire.Judge(&domain.Message{Body: body}, now)}
	event := arrivals[0].Event
	aboutRetry(ctx, kept, event)
	if event == nil {
		return showPublished(arrivals), nil
	}
	position, err := s.Log.Recorded(ctx, event.Source, event.ID)
	switch {
	case err != nil:
		return nil, err
	case position != 0:
		return nil, conflict("an event of this source and id is recorded already: send it with another id, or delete it")
	}
	// What is noted first does no harm should publishing fail; the other way
	// round it might be recorded and never leave the list.
	marked, err := s.Log.MarkRetried(ctx, kept.ID, event.Source, event.ID)
	switch {
	case err != nil:
		return nil, err
	case !marked:
		return nil, noRefused()
	}
	if err := s.publish(ctx, arrivals, now); err != nil {
		return nil, err
	}
	return showPublished(arrivals), nil
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
		return nil, noRefused()
	}
	aboutRetry(ctx, &kept, nil)
	deleted, err := s.Log.DeleteRefused(ctx, in.ID)
	if err == nil && !deleted {
		err = noRefused()
	}
	return nil, err
}

func noRefused() *Problem { return notFound("there is no refused event of this id in the list") }

func conflict(detail string) *Problem { return newProblem(http.StatusConflict, detail) }
