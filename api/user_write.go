// This file makes and edits users.

package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
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
	id, rest := p.newUserID(members)
	profile := p.profile(rest)
	if err := p.err(); err != nil {
		return nil, err
	}
	user, err := s.Accounts.Create(ctx, id, profile)
	access.About(ctx, id) // now that there is a pseudonym
	if err != nil {
		return nil, err
	}
	return &createUserOutput{Status: http.StatusCreated, Location: "/v1/users/" + url.PathEscape(id), Body: showDetail(&user)}, nil
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
		id = accounts.NewUserID()
	}
	return id, profile
}

// profile reads the fields of a profile.
func (p *paramReader) profile(members []member) accounts.Profile {
	fields := make([]accounts.Field, len(members))
	for i, m := range members {
		fields[i] = accounts.Field{Name: m.name, Value: m.value}
	}
	profile, err := accounts.ReadProfile(fields)
	if invalid, ok := errors.AsType[*accounts.InvalidError](err); ok {
		p.add(invalidFields(invalid))
	}
	return profile
}

func (s *service) editUser(ctx context.Context, in *editUserInput) (*editUserOutput, error) {
	members, err := readUserBody(in.writer, in.request, mergePatchType, jsonType)
	if err != nil {
		return nil, err
	}
	p := s.params()
	id := p.userID(in.ID)
	profile := p.profile(members)
	if err := p.err(); err != nil {
		return nil, err
	}
	user, err := s.Accounts.Edit(ctx, id, profile)
	if err != nil {
		return nil, err
	}
	return &editUserOutput{showDetail(&user)}, nil
}
