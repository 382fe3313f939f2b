// This file takes events for the log: it judges them, publishes the good and
// the refused ones to the broker, and says which were refused and why.

package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/wire"
)

type publishInput struct {
	bodyInput
	DryRun bool `query:"dry_run" doc:"Only judge the events: publish and keep nothing"`
}

type publishOutput struct {
	Status int
	Body   publishResult
}

// A publishResult says what became of the events.
type publishResult struct {
	Accepted int            `json:"accepted" doc:"How many the broker has stored durably"`
	Refused  []refusedEntry `json:"refused"`
}

// A refusedEntry is one event that was refused at once.
type refusedEntry struct {
	Index   int     `json:"index" doc:"Place in the batch, from 0"`
	ID      *string `json:"id" doc:"The event's id; null where it can't be read"`
	Reason  string  `json:"reason" enum:"too_large,malformed,invalid_attribute,unknown_type,in_future,invalid_data"`
	Message string  `json:"message" doc:"Which field, and which rule it breaks"`
}

func (s *service) registerPublish() {
	op := register(s, operation{
		id: "publish-events", method: http.MethodPost, path: "/v1/events", tag: "Publish",
		summary: "Publish events",
		description: "CloudEvents 1.0 as the HTTP binding has it: one structured event (`application/cloudevents+json`), " +
			"a batch (`application/cloudevents-batch+json`, up to 10,000 events or 16 MiB), or one event in binary mode " +
			"(`ce-` headers; the body is `data`). 202 once the broker has stored the accepted events durably. " +
			"What is refused is kept with its reason. 422 with the same body where none is acceptable. Repeating a request is safe.",
		noDeadline: true, // a large body may take its time
		errors:     []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		responses:  map[string]*huma.Response{},
	}, s.publishEvents)
	describePublish(op, s.api.OpenAPI().Components.Schemas)
}

func (s *service) publishEvents(ctx context.Context, in *publishInput) (*publishOutput, error) {
	messages, err := readMessages(in.writer, in.request)
	if err != nil {
		return nil, err
	}
	now := s.now()
	arrivals := make([]wire.Arrival, len(messages))
	for i, m := range messages {
		arrivals[i] = wire.Judge(m, now)
	}
	if err := forbidden(access.From(ctx), arrivals); err != nil {
		return nil, err
	}
	if !in.DryRun {
		if err := s.publish(ctx, arrivals, now); err != nil {
			return nil, err
		}
	}
	access.AboutMany(ctx, len(arrivals))
	return showPublished(arrivals), nil
}

// forbidden names every event whose type the caller may not publish. One is
// enough to publish nothing: it is a mistake in the key or in the program, not
// in the event.
func forbidden(caller access.Identity, arrivals []wire.Arrival) error {
	var p *Problem
	for i := range arrivals {
		eventType := arrivals[i].Type()
		if eventType == "" || caller.MayPublish(eventType) {
			continue
		}
		if p == nil {
			p = newProblem(http.StatusForbidden, "the key may not publish events of this type: body["+strconv.Itoa(i)+"]; nothing was published")
		}
		p.Errors = append(p.Errors, ProblemDetail{"body[" + strconv.Itoa(i) + "]", "the key may not publish events of this type", nil})
	}
	if p == nil {
		return nil
	}
	return p
}

func (s *service) publish(ctx context.Context, arrivals []wire.Arrival, now domain.Instant) error {
	if len(arrivals) == 0 {
		return nil
	}
	received := wire.ReceivedAt(now)
	outgoing := make([]wire.Message, len(arrivals))
	for i := range arrivals {
		outgoing[i] = arrivals[i].Forward(received)
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if err := s.Publisher.PublishBatch(ctx, outgoing); err != nil {
		s.Logger.ErrorContext(ctx, "events could not be published", "events", len(outgoing), "error", err)
		return unavailable("the broker can't take the events at the moment; try again: repeating is safe")
	}
	return nil
}

func showPublished(arrivals []wire.Arrival) *publishOutput {
	out := &publishOutput{Status: http.StatusAccepted, Body: publishResult{Refused: []refusedEntry{}}}
	for i := range arrivals {
		refusal := arrivals[i].Refusal
		if refusal == nil {
			out.Body.Accepted++
			continue
		}
		entry := refusedEntry{Index: i, Reason: string(refusal.Reason), Message: refusal.Message}
		if refusal.ID != "" {
			entry.ID = &refusal.ID
		}
		out.Body.Refused = append(out.Body.Refused, entry)
	}
	if out.Body.Accepted == 0 && len(arrivals) > 0 {
		out.Status = http.StatusUnprocessableEntity
	}
	return out
}

// describePublish adds to the document what the library can't see: the three
// forms of the body and the answers.
func describePublish(op *huma.Operation, r huma.Registry) {
	event := schemaOf[CloudEvent](r)
	result := schemaOf[publishResult](r)
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		wire.StructuredType: {Schema: event, Example: exampleEvent("1", "10293")},
		wire.BatchType: {Schema: &huma.Schema{Type: huma.TypeArray, Items: event, MaxItems: new(wire.MaxBatchEvents)},
			Example: []any{exampleEvent("1", "10293"), exampleEvent("2", "10294")}},
		jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
			Description: "In binary mode, with the attributes in ce- headers: the event's data"}},
	}}
	for _, name := range []string{"specversion", "id", "source", "type", "subject", "time"} {
		op.Parameters = append(op.Parameters, &huma.Param{Name: wire.AttributePrefix + name, In: "header",
			Description: "In binary mode only: the attribute " + name, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	delete(op.Responses, "200")
	op.Responses["202"] = &huma.Response{Description: "Stored durably",
		Content: map[string]*huma.MediaType{jsonType: {Schema: result}}}
	problem := op.Responses["422"].Content[problemType]
	op.Responses["422"] = &huma.Response{Description: "No event is acceptable, or a parameter breaks a rule",
		Content: map[string]*huma.MediaType{jsonType: {Schema: result}, problemType: problem}}
}
