// This file serves everything that is held about a person, as one document.

package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
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
		defer s.exports.giveBack()
		return s.writeUserData(ctx, w, id)
	}), nil
}

// writeUserData writes the document. The read models are let go of before the
// log is read.
func (s *service) writeUserData(ctx context.Context, w io.Writer, id string) error {
	d := &documentWriter{out: bufio.NewWriterSize(w, 32<<10)}
	now := s.now()
	whole := func(at domain.Instant) error {
		return s.Reader.WholeUser(ctx, id, at, func(whole *projections.UserWhole) error {
			d.open(at, &whole.Position, present(showDetail(&whole.UserDetail)))
			return list(d, "sessions", whole.Sessions, showSession).err
		})
	}
	err := whole(now)
	known := err == nil
	if errors.Is(err, projections.ErrNoUser) {
		if known, err = s.thereByLog(ctx, id); err != nil {
			return err
		}
		err = projections.ErrNoUser
		if known {
			if err = whole(now); errors.Is(err, projections.ErrNoUser) {
				err = whole(now + domain.ClockSkew) // their first event may be ahead of the clock
			}
		}
	}
	if errors.Is(err, projections.ErrNoUser) {
		if !known {
			if err := s.somethingRefused(ctx, id); err != nil {
				return err
			}
		}
		d.open(now, nil, nullable[userDetail]{})
		err = list(d, "sessions", nothing[projections.Session], showSession).err
	}
	if err != nil {
		return err
	}
	events := list(d, "events", s.Log.UserEvents(ctx, id), showReadable)
	if events.err == nil && known && events.n == 0 {
		return eventstore.ErrUserGone // a user who is there has events
	}
	list(d, "refused", s.Log.RefusedAbout(ctx, id), showRefused)
	return d.end()
}

// thereByLog says whether there is a user of an id, and then waits until the read
// models show what the log has of them.
func (s *service) thereByLog(ctx context.Context, id string) (bool, error) {
	states, err := s.Log.SubjectStates(ctx, []string{id})
	if err != nil || !states[0].Taken {
		return false, err
	}
	return true, s.caughtUp(ctx, s.VerdictWithin)
}

// somethingRefused gives the error that nothing at all is held about an id;
// nil where there are refused events about it.
func (s *service) somethingRefused(ctx context.Context, id string) error {
	for _, err := range s.Log.RefusedAbout(ctx, id) {
		return err
	}
	return noUser()
}

func nothing[T any](func(*T, error) bool) {}

// showReadable renders a recorded event that has been opened.
func showReadable(r *eventstore.Record) recordedEvent {
	return recordedEvent{r.Position, instant(r.RecordedAt), r.Event.MarshalCloudEvent()}
}

// A documentWriter writes a JSON object member by member. Of its errors the
// first stays.
type documentWriter struct {
	out *bufio.Writer
	err error
}

func (d *documentWriter) text(text string) {
	if d.err == nil {
		_, d.err = d.out.WriteString(text)
	}
}

func (d *documentWriter) value(v any) {
	if d.err == nil {
		d.err = encodeJSON(d.out, v)
	}
}

func (d *documentWriter) open(at domain.Instant, position *eventstore.Position, user nullable[userDetail]) {
	d.text(`{"as_of":`)
	d.value(instant(at))
	d.text(`,"position":`)
	d.value(position)
	d.text(`,"user":`)
	d.value(user)
}

// end closes the object and sends what is left.
func (d *documentWriter) end() error {
	d.text("}\n")
	if d.err != nil {
		return d.err
	}
	return d.out.Flush()
}

// A listed is how many items a list has, and why it isn't whole.
type listed struct {
	n   int
	err error
}

// list writes a member that is a list, an item at a time.
func list[From, To any](d *documentWriter, name string, items iter.Seq2[*From, error], one func(*From) To) listed {
	d.text(`,"` + name + `":[`)
	n := 0
	for item, err := range items {
		if d.err == nil {
			d.err = err
		}
		if d.err != nil {
			break
		}
		if n > 0 {
			d.text(",")
		}
		d.value(one(item))
		n++
	}
	d.text("]")
	return listed{n, d.err}
}
