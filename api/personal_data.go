// This file serves everything that is held about a person, as one document.

package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/projections"
)

// A personalData is the document, for its description: it is never in memory
// as a whole.
type personalData struct {
	AsOf     time.Time            `json:"as_of" doc:"When it was asked for; five minutes later where all events about the user are ahead of the clock"`
	Position *eventstore.Position `json:"position" nullable:"true" doc:"The log position of user and sessions; events go to the end of the log. Null where there is no user"`
	User     nullable[userDetail] `json:"user" doc:"The profile and everything the user has and had; null where only refused events are about the id"`
	Sessions []Session            `json:"sessions" doc:"Viewing sessions, latest first"`
	Events   []recordedEvent      `json:"events" doc:"Recorded events about the user, readable, in log order"`
	Refused  []refusedEvent       `json:"refused" doc:"Events about the id that were refused and are still kept, latest first"`
}

type getUserDataInput struct{ UserParam }

func (s *service) registerUserData() {
	op := register(s, operation{
		id: "get-user-data", method: http.MethodGet, path: "/v1/users/{id}/data", tag: "Users",
		summary: "Everything that is held about a person",
		description: "As one JSON document (GDPR, article 15), streamed: the user with profile and entitlements, viewing sessions, " +
			"recorded events in readable form and refused events about the id.",
		errors:     []int{http.StatusNotFound},
		noDeadline: true,
	}, s.getUserData)
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		jsonType: {Schema: schemaOf[personalData](s.api.OpenAPI().Components.Schemas)},
	}}
}

func (s *service) getUserData(_ context.Context, in *getUserDataInput) (*huma.StreamResponse, error) {
	p := s.params()
	id := p.userID(in.ID)
	if err := p.err(); err != nil {
		return nil, err
	}
	header := map[string]string{"Content-Type": jsonType, "Content-Disposition": `attachment; filename="user-data.json"`}
	return s.stream(header, func(ctx context.Context, w io.Writer) error {
		if err := s.exports.take(); err != nil {
			return err
		}
		defer s.exports.release()
		return s.writeUserData(ctx, w, id)
	}), nil
}

// writeUserData writes the document.
func (s *service) writeUserData(ctx context.Context, w io.Writer, id string) error {
	d := &documentWriter{out: bufio.NewWriterSize(w, 32<<10)}
	if err := s.Accounts.Held(ctx, id, d); err != nil {
		return err
	}
	return d.end()
}

// showReadable renders a recorded event that has been opened.
func showReadable(r *eventstore.Record) recordedEvent {
	return recordedEvent{Position: r.Position, RecordedAt: instant(r.RecordedAt), Event: r.Event.MarshalCloudEvent()}
}

// A documentWriter writes the document, an item of a list at a time.
type documentWriter struct {
	out *bufio.Writer
	// lists is how many of heldLists have begun, and items how many the last has.
	lists, items int
}

// heldLists are the lists of the document, in its order.
var heldLists = []string{"sessions", "events", "refused"}

// User writes all but the lists.
func (d *documentWriter) User(asOf domain.Instant, position *eventstore.Position, user *projections.UserDetail) error {
	var shown nullable[userDetail]
	if user != nil {
		shown = present(showDetail(user))
	}
	return errors.Join(d.member(`{"as_of":`, instant(asOf)), d.member(`,"position":`, position), d.member(`,"user":`, shown))
}

// Session writes one of the sessions.
func (d *documentWriter) Session(s *projections.Session) error {
	return d.item("sessions", showSession(s))
}

// Event writes one of the events.
func (d *documentWriter) Event(r *eventstore.Record) error { return d.item("events", showReadable(r)) }

// Refused writes one of the refused events.
func (d *documentWriter) Refused(r *eventstore.RefusedEvent) error {
	return d.item("refused", showRefused(r))
}

func (d *documentWriter) member(name string, value any) error {
	if _, err := d.out.WriteString(name); err != nil {
		return err
	}
	return encodeJSON(d.out, value)
}

// item writes an item of a list, and what comes before the list.
func (d *documentWriter) item(list string, value any) error {
	for d.lists == 0 || heldLists[d.lists-1] != list {
		d.beginList()
	}
	separator := ","
	if d.items == 0 {
		separator = ""
	}
	d.items++
	return d.member(separator, value)
}

// beginList ends the list before and begins the next.
func (d *documentWriter) beginList() {
	if d.lists > 0 {
		_, _ = d.out.WriteString("]") // its error stays with the writer
	}
	_, _ = d.out.WriteString(`,"` + heldLists[d.lists] + `":[`)
	d.lists, d.items = d.lists+1, 0
}

// end ends the document and sends what is left.
func (d *documentWriter) end() error {
	for d.lists < len(heldLists) {
		d.beginList()
	}
	_, _ = d.out.WriteString("]}\n")
	return d.out.Flush()
}
