// This file makes and edits users: by events like anybody's, answered with what
// the log says of them.

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"boxoffice/domain"
	"boxoffice/projections"
)

const mergePatchType = "application/merge-patch+json"

// NewUser is what the OpenAPI document says of a user to be made. The body is
// never read into it: it is held against the rules of events.
type NewUser struct {
	ID *string `json:"id,omitempty" minLength:"1" doc:"The user's id on the platform, up to 128 bytes. Default: one is made up"`
	ProfilePatch
}

// ProfilePatch is what the document says of a change of a profile.
type ProfilePatch struct {
	Email     *string        `json:"email,omitempty" nullable:"true" example:"ana@example.org"`
	FirstName *string        `json:"first_name,omitempty" nullable:"true"`
	LastName  *string        `json:"last_name,omitempty" nullable:"true"`
	Locale    *string        `json:"locale,omitempty" nullable:"true" example:"fr-FR"`
	Country   *string        `json:"country,omitempty" nullable:"true" example:"FR"`
	Platform  *string        `json:"platform,omitempty" nullable:"true"`
	Custom    map[string]any `json:"custom,omitempty" nullable:"true" doc:"Each key a string, a number, a boolean or an array of strings; null removes a key, and null for the whole removes all"`
}

type createUserInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request: its body is held against the rules of events.
func (in *createUserInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
}

type createUserOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the user is"`
	Body     userDetail
}

type editUserInput struct {
	UserParam

	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request: its body is held against the rules of events.
func (in *editUserInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
}

type editUserOutput struct{ Body userDetail }

func (s *service) registerUserWrites() {
	schemas := s.api.OpenAPI().Components.Schemas
	create := register(s, operation{
		id: "create-user", method: http.MethodPost, path: "/v1/users", tag: "Users",
		summary: "Make a user",
		description: "Publishes a `user.registered`, and answers once the read models show it. 409 where there is a user of this id; " +
			"of two that make one at the same time, one gets it. 503 with `Retry-After` where the answer takes longer than ten seconds; the event is safe then.",
		errors: []int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.createUser)
	create.RequestBody = jsonBody(schemaOf[NewUser](schemas), jsonType)
	create.Responses["201"] = create.Responses["200"]
	create.Responses["201"].Description = "Made"
	delete(create.Responses, "200")

	edit := register(s, operation{
		id: "edit-user", method: http.MethodPatch, path: "/v1/users/{id}", tag: "Users",
		summary: "Edit a user's profile",
		description: "A merge patch (RFC 7396) of the profile: what isn't named stays, `null` clears, and `custom` is merged key by key. " +
			"Publishes a `user.updated`, and answers as making a user does. A patch that names nothing changes nothing.",
		errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.editUser)
	edit.RequestBody = jsonBody(schemaOf[ProfilePatch](schemas), mergePatchType, jsonType)
}

func jsonBody(schema *huma.Schema, mediaTypes ...string) *huma.RequestBody {
	body := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for _, mediaType := range mediaTypes {
		body.Content[mediaType] = &huma.MediaType{Schema: schema}
	}
	return body
}

func (s *service) createUser(ctx context.Context, in *createUserInput) (*createUserOutput, error) {
	members, err := readUserBody(in.writer, in.request, jsonType)
	if err != nil {
		return nil, err
	}
	p := s.params()
	id, profile := p.newUserID(members)
	data := p.profileData(profile)
	if err := p.err(); err != nil {
		return nil, err
	}
	patient, cancel := s.patiently(ctx)
	defer cancel()
	at, err := s.makeUser(patient, id, data)
	about(ctx, id) // now that there is a pseudonym
	if err != nil {
		return nil, err
	}
	body, err := s.userNow(ctx, id, at)
	if err != nil {
		return nil, err
	}
	return &createUserOutput{Status: http.StatusCreated, Location: "/v1/users/" + url.PathEscape(id), Body: body}, nil
}

// newUserID takes the id out of the members, or makes one up.
func (p *paramReader) newUserID(members []member) (id string, profile []member) {
	for _, m := range members {
		if m.name != "id" {
			profile = append(profile, m)
			continue
		}
		switch m.value.Kind() {
		case '"':
			if err := json.Unmarshal(m.value, &id); err != nil {
				p.note(m, "must be text")
			} else if err := domain.ValidUserID(id); err != nil {
				p.note(m, err.Error())
			}
		case 'n': // null is as absent
		default:
			p.note(m, "must be text")
		}
	}
	if id == "" {
		id = newUserID()
	}
	return id, profile
}

// newUserID makes up the id of a user. Ids that are made later sort later.
func newUserID() string { return uuid.Must(uuid.NewV7()).String() }

// makeAttempts is how often it is tried to make a user of an id that is being
// erased meanwhile.
const makeAttempts = 3

// makeUser publishes a registration, and gives its time once the read models
// show it.
func (s *service) makeUser(ctx context.Context, id string, data json.RawMessage) (domain.Instant, error) {
	for range makeAttempts {
		at, err := s.registrationTime(ctx, id)
		if err != nil {
			return 0, err
		}
		e, refusal := s.compose(ownEvent{eventType: domain.UserRegistered, userID: id, time: at, data: data, mustBeNew: true})
		if refusal != nil {
			return 0, refusedHere(refusal)
		}
		v, err := s.settleOne(ctx, e)
		if err != nil {
			return 0, err
		}
		switch {
		case v.Refused == nil:
			return at, nil
		case v.Refused.Reason == domain.Conflict:
			return 0, taken()
		case v.Refused.Reason != domain.Erased:
			return 0, refusedByLog()
		}
	}
	return 0, refusedByLog()
}

// registrationTime gives the time at which a user of an id can be registered:
// now, or after the erasure of an earlier one, whose clock may be ahead.
func (s *service) registrationTime(ctx context.Context, id string) (domain.Instant, error) {
	states, err := s.Log.SubjectStates(ctx, []string{id})
	if err != nil {
		return 0, err
	}
	if states[0].Taken {
		return 0, taken()
	}
	return after(s.now(), states[0].ErasedAt), nil
}

// after gives now, or a microsecond after last where that is later.
func after(now domain.Instant, last *domain.Instant) domain.Instant {
	if last == nil {
		return now
	}
	return max(now, *last+1)
}

func taken() *Problem {
	p := newProblem(http.StatusConflict, "there is a user of this id already")
	p.Errors = []ProblemDetail{{"body.id", "must be new", nil}}
	return p
}

// refusedHere is the answer to an event that breaks a rule as a whole.
func refusedHere(r *domain.Refusal) *Problem {
	switch r.Reason {
	case domain.TooLarge:
		return newProblem(http.StatusRequestEntityTooLarge, "the event would be over 256 KiB")
	case domain.InFuture:
		return refusedByLog()
	}
	return invalid("body", r.Message, nil)
}

// refusedByLog is the answer where the log refuses an event for what others do
// at the same time, or for clocks that are apart.
func refusedByLog() *Problem {
	return unavailable("nothing was changed, since the user is being changed by others at the same time; try again")
}

func (s *service) editUser(ctx context.Context, in *editUserInput) (*editUserOutput, error) {
	members, err := readUserBody(in.writer, in.request, mergePatchType, jsonType)
	if err != nil {
		return nil, err
	}
	p := s.params()
	id := p.userID(in.ID)
	data := p.profileData(members)
	if err := p.err(); err != nil {
		return nil, err
	}
	patient, cancel := s.patiently(ctx)
	defer cancel()
	user, err := s.userToChange(patient, id)
	if err != nil {
		return nil, err
	}
	at := after(s.now(), user.UpdatedAt)
	if !saysNothing(members) {
		if err := s.changeProfile(patient, id, at, data); err != nil {
			return nil, err
		}
	}
	body, err := s.userNow(ctx, id, at)
	if err != nil {
		return nil, err
	}
	return &editUserOutput{body}, nil
}

// userToChange gives a user who is there, as the end of the log has them: an edit
// has to be later than the last one, whose clock may be ahead.
func (s *service) userToChange(ctx context.Context, id string) (*projections.User, error) {
	states, err := s.Log.SubjectStates(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if !states[0].Taken {
		return nil, noUser()
	}
	if err := s.caughtUp(ctx, s.VerdictWithin); err != nil {
		return nil, err
	}
	found, err := s.Reader.FindUsers(ctx, []string{id}, nil, s.now())
	return cmp.Or(found.ByID[id], &projections.User{}), err
}

// changeProfile publishes a change of a profile, and returns when the read
// models show it.
func (s *service) changeProfile(ctx context.Context, id string, at domain.Instant, data json.RawMessage) error {
	e, refusal := s.compose(ownEvent{eventType: domain.UserUpdated, userID: id, time: at, data: data})
	if refusal != nil {
		return refusedHere(refusal)
	}
	v, err := s.settleOne(ctx, e)
	switch {
	case err != nil:
		return err
	case v.Refused == nil:
		return nil
	case v.Refused.Reason == domain.Erased:
		return noUser()
	}
	return refusedByLog()
}

// userNow gives a user as they are now; an event of theirs has just been
// recorded at an instant, which may be a little ahead.
func (s *service) userNow(ctx context.Context, id string, at domain.Instant) (userDetail, error) {
	detail, ok, err := s.Reader.User(ctx, id, max(at, s.now()))
	if err != nil {
		return userDetail{}, err
	}
	if !ok {
		return userDetail{}, noUser() // erased since
	}
	return showDetail(&detail), nil
}

// caughtUp waits until the read models show what is in the log now.
func (s *service) caughtUp(ctx context.Context, within time.Duration) error {
	patient, cancel := patientlyFor(ctx, within)
	defer cancel()
	head, err := s.Log.Head(patient)
	if err == nil {
		err = s.shown(patient, head.Position)
	}
	if err != nil && outOfPatience(patient) {
		return unavailable("the read models are behind the log; try again in a moment")
	}
	return err
}
