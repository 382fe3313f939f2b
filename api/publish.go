// This file takes events for the log: it judges them, publishes the good and
// the refused ones to the broker, and says which were refused and why.

package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/domain"
)

const (
	// subjectPrefix stands before the type in the subject of every event.
	subjectPrefix = "boxoffice.events."
	// unknownSubject is where events go whose type there isn't, or can't be
	// read; they are refused whatever their subject.
	unknownSubject = subjectPrefix + "unknown"
)

type publishInput struct {
	DryRun bool `query:"dry_run" doc:"Only judge the events: publish and keep nothing"`

	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request: which events it holds is for its headers and its
// body together to say.
func (in *publishInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
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

// An arrival is one event of a request, judged.
type arrival struct {
	message *domain.Message
	event   *domain.Event
	refusal *domain.Refusal
}

func (s *service) publishEvents(ctx context.Context, in *publishInput) (*publishOutput, error) {
	messages, err := readMessages(in.writer, in.request)
	if err != nil {
		return nil, err
	}
	now := s.now()
	arrivals := make([]arrival, len(messages))
	for i, m := range messages {
		event, refusal := domain.Decode(m, now)
		arrivals[i] = arrival{m, event, refusal}
	}
	if err := forbidden(identity(ctx), arrivals); err != nil {
		return nil, err
	}
	if !in.DryRun {
		if err := s.publish(ctx, arrivals, now); err != nil {
			return nil, err
		}
	}
	return showPublished(arrivals), nil
}

// forbidden names every event whose type the caller may not publish. One is
// enough to publish nothing: it is a mistake in the key or in the program, not
// in the event.
func forbidden(caller Identity, arrivals []arrival) error {
	var p *Problem
	for i := range arrivals {
		eventType := arrivals[i].eventType()
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

// eventType gives the event's type, known or not; empty where it can't be read.
func (a *arrival) eventType() string {
	if a.event != nil {
		return string(a.event.Type)
	}
	return a.refusal.Type
}

func (s *service) publish(ctx context.Context, arrivals []arrival, now domain.Instant) error {
	if len(arrivals) == 0 {
		return nil
	}
	received := receivedHeader(now)
	outgoing := make([]Outgoing, len(arrivals))
	for i := range arrivals {
		outgoing[i] = arrivals[i].outgoing(received)
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if err := s.Publisher.Publish(ctx, outgoing); err != nil {
		s.Logger.ErrorContext(ctx, "events could not be published", "events", len(outgoing), "error", err)
		return unavailable("the broker can't take the events at the moment; try again: repeating is safe")
	}
	return nil
}

// receivedHeader is the value of HeaderReceivedAt.
func receivedHeader(now domain.Instant) string {
	return now.Time().Format("2006-01-02T15:04:05.000000Z07:00")
}

// outgoing makes the message for the broker: the event as it came, in its own
// mode, so that it is judged there as it was here.
func (a *arrival) outgoing(received string) Outgoing {
	o := Outgoing{Subject: unknownSubject, Header: map[string][]string{HeaderReceivedAt: {received}}, Data: a.message.Body}
	if t := a.eventType(); domain.KnownType(t) {
		o.Subject = subjectPrefix + t
	}
	if a.refusal != nil && a.refusal.Reason == domain.TooLarge {
		o.Data = firstBytes(a.message)
		addEnvelope(o.Header, a.refusal)
		return o
	}
	if !a.message.Binary {
		o.Header[contentTypeHeader] = []string{structuredType}
		return o
	}
	for _, attribute := range a.message.Attributes {
		name := attributePrefix + attribute.Name
		if attribute.Name == contentTypeAttribute {
			name = contentTypeHeader
		}
		o.Header[name] = append(o.Header[name], attribute.Value)
	}
	return o
}

// addEnvelope says of an event of which only the first part goes on that it is
// too large, and what could be read of its attributes.
func addEnvelope(h map[string][]string, r *domain.Refusal) {
	h[HeaderRefused] = []string{string(r.Reason)}
	for _, a := range r.Attributes() {
		h[attributePrefix+a.Name] = []string{a.Value}
	}
}

// firstBytes gives as much of an event that is too large as is kept.
func firstBytes(m *domain.Message) []byte {
	text := m.Body
	if m.Binary {
		text = domain.RenderStructured(m)
	}
	return text[:min(len(text), domain.KeptOfTooLarge)]
}

func showPublished(arrivals []arrival) *publishOutput {
	out := &publishOutput{Status: http.StatusAccepted, Body: publishResult{Refused: []refusedEntry{}}}
	for i := range arrivals {
		refusal := arrivals[i].refusal
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
		structuredType: {Schema: event, Example: exampleEvent("1", "10293")},
		batchType: {Schema: &huma.Schema{Type: huma.TypeArray, Items: event, MaxItems: new(maxBatchEvents)},
			Example: []any{exampleEvent("1", "10293"), exampleEvent("2", "10294")}},
		jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
			Description: "In binary mode, with the attributes in ce- headers: the event's data"}},
	}}
	for _, name := range []string{"specversion", "id", "source", "type", "subject", "time"} {
		op.Parameters = append(op.Parameters, &huma.Param{Name: attributePrefix + name, In: "header",
			Description: "In binary mode only: the attribute " + name, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	delete(op.Responses, "200")
	op.Responses["202"] = &huma.Response{Description: "Stored durably",
		Content: map[string]*huma.MediaType{jsonType: {Schema: result}}}
	problem := op.Responses["422"].Content[problemType]
	op.Responses["422"] = &huma.Response{Description: "No event is acceptable, or a parameter breaks a rule",
		Content: map[string]*huma.MediaType{jsonType: {Schema: result}, problemType: problem}}
}
