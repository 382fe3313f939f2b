// This file serves users: the list and the numbers, and one user with everything
// they have; it makes users and edits them.

package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

const mergePatchType = "application/merge-patch+json"

// A User is a user as the lists have them.
type User struct {
	ID           string     `json:"id"`
	Status       string     `json:"status" enum:"registered,active,canceled"`
	StatusSince  time.Time  `json:"status_since"`
	RegisteredAt *time.Time `json:"registered_at"`
	UpdatedAt    *time.Time `json:"updated_at" doc:"The last profile update"`
	Email        *string    `json:"email"`
	FirstName    *string    `json:"first_name"`
	LastName     *string    `json:"last_name"`
	Locale       *string    `json:"locale"`
	Country      *string    `json:"country"`
	Platform     *string    `json:"platform"`
	Custom       custom     `json:"custom" doc:"The platform's own registration fields"`
}

// custom is a JSON object of the platform's own fields.
type custom json.RawMessage

// MarshalJSON writes the object.
func (c custom) MarshalJSON() ([]byte, error) {
	if len(c) == 0 {
		return []byte("{}"), nil
	}
	return c, nil
}

// Schema says that it is an object of anything.
func (c custom) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// UserListParams are the filters and the sort of the list of users.
type UserListParams struct {
	Status         string `query:"status" enum:"registered,active,canceled" doc:"Only users of this status"`
	RegisteredFrom string `query:"registered_from" doc:"Registered from this instant or date on" example:"2026-11-01"`
	RegisteredTo   string `query:"registered_to" doc:"Registered before this instant or date" example:"2026-12-01"`
	UpdatedFrom    string `query:"updated_from" doc:"Profile last updated from this instant or date on" example:"2026-11-01"`
	UpdatedTo      string `query:"updated_to" doc:"Profile last updated before this instant or date" example:"2026-12-01"`
	Query          string `query:"q" doc:"Part of \"first_name last_name\", of the e-mail or of the id, whatever the case and however accents are composed; blanks around it are ignored" example:"ana"`
	Sort           string `query:"sort" enum:"registered_at,-registered_at,updated_at,-updated_at" default:"-registered_at" doc:"Order; - is latest first. Nulls last, ties by id"`
	AsOfParam
}

// A userDetail is one user with everything they have.
type userDetail struct {
	User
	Subscriptions []subscription `json:"subscriptions" doc:"Those that began by the instant asked about, latest first"`
	Rentals       []rental       `json:"rentals" doc:"Those that began by the instant asked about, latest first"`
	FreeCopies    []freeCopy     `json:"free_copies" doc:"Those that began by the instant asked about, latest first"`
	Viewing       viewing        `json:"viewing"`
}

// A viewing sums a user's viewing sessions.
type viewing struct {
	Sessions     int64      `json:"sessions"`
	DurationS    seconds    `json:"duration_s"`
	LastViewedAt *time.Time `json:"last_viewed_at"`
}

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
	Custom    map[string]any `json:"custom,omitempty" nullable:"true" doc:"Each key any value, taken whole; null removes a key, and null for the whole removes all"`
}

type listUsersInput struct {
	UserListParams
	PageParams
}

type listUsersOutput struct{ Body userPage }

// A userPage is a page of the list of users.
type userPage struct {
	Users      []User              `json:"users"`
	NextCursor *string             `json:"next_cursor" doc:"Null on the last page"`
	Position   eventstore.Position `json:"position" doc:"The log position that the read model had reached"`
}

type getUserCountsInput struct{ AsOfParam }

type getUserCountsOutput struct{ Body userCounts }

// A userCounts is how many users there are of each status.
type userCounts struct {
	Registered int64 `json:"registered"`
	Active     int64 `json:"active"`
	Canceled   int64 `json:"canceled"`
	Total      int64 `json:"total"`
}

type getUserInput struct {
	UserParam
	AsOfParam
}

type getUserOutput struct{ Body userDetail }

type createUserInput struct {
	bodyInput
}

type createUserOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the user is"`
	Body     userDetail
}

type editUserInput struct {
	UserParam
	bodyInput
}

type editUserOutput struct{ Body userDetail }

func (s *service) registerUsers() {
	register(s, operation{
		id: "list-users", method: http.MethodGet, path: "/v1/users", tag: "Users",
		summary: "List users",
	}, s.listUsers)
	register(s, operation{
		id: "get-user-counts", method: http.MethodGet, path: "/v1/user-counts", tag: "Users",
		summary: "How many users there are of each status",
	}, s.getUserCounts)
	register(s, operation{
		id: "get-user", method: http.MethodGet, path: "/v1/users/{id}", tag: "Users",
		summary: "One user with everything they have",
		errors:  []int{http.StatusNotFound},
	}, s.getUser)

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

func (s *service) listUsers(ctx context.Context, in *listUsersInput) (*listUsersOutput, error) {
	filter, asOf, err := s.userFilter(&in.UserListParams)
	if err != nil {
		return nil, err
	}
	list := cursor.Listing{Name: "list-users", Filters: struct {
		Filter projections.UserFilter
		Sort   string
	}{filter, in.Sort}}
	at, after, err := openPage[projections.UserCursor](s, list, in.Cursor, asOf)
	if err != nil {
		return nil, err
	}
	page, err := s.Reader.Users(ctx, projections.UsersQuery{
		Filter: filter, Sort: projections.UserSort(in.Sort), At: at, After: after, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	access.About(ctx, userIDs(page.Users)...)
	return &listUsersOutput{userPage{
		Users:      showUsers(page.Users),
		NextCursor: cursorFor(s.cursors, list, at, page.Next),
		Position:   page.Position,
	}}, nil
}

func (s *service) userFilter(in *UserListParams) (projections.UserFilter, *domain.Instant, error) {
	p := s.params()
	filter := projections.UserFilter{
		Status:         projections.Status(in.Status),
		RegisteredFrom: p.dateOrInstant("registered_from", in.RegisteredFrom),
		RegisteredTo:   p.dateOrInstant("registered_to", in.RegisteredTo),
		UpdatedFrom:    p.dateOrInstant("updated_from", in.UpdatedFrom),
		UpdatedTo:      p.dateOrInstant("updated_to", in.UpdatedTo),
		Query:          strings.TrimSpace(in.Query),
	}
	asOf := p.dateOrInstant("as_of", in.AsOf)
	return filter, asOf, p.err()
}

func (s *service) getUserCounts(ctx context.Context, in *getUserCountsInput) (*getUserCountsOutput, error) {
	p := s.params()
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	c, err := s.Reader.UserCounts(ctx, s.orNow(asOf))
	if err != nil {
		return nil, err
	}
	return &getUserCountsOutput{userCounts{
		Registered: c.Registered, Active: c.Active, Canceled: c.Canceled,
		Total: c.Registered + c.Active + c.Canceled,
	}}, nil
}

func (s *service) getUser(ctx context.Context, in *getUserInput) (*getUserOutput, error) {
	p := s.params()
	id := p.userID(in.ID)
	asOf := p.dateOrInstant("as_of", in.AsOf)
	if err := p.err(); err != nil {
		return nil, err
	}
	detail, ok, err := s.Reader.User(ctx, id, s.orNow(asOf))
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, noUser()
	}
	return &getUserOutput{showDetail(&detail)}, nil
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

func userIDs(users []projections.User) []string {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	return ids
}

func showUsers(users []projections.User) []User {
	shown := make([]User, len(users))
	for i := range users {
		shown[i] = showUser(&users[i])
	}
	return shown
}

func showUser(u *projections.User) User {
	return User{
		ID:           u.ID,
		Status:       string(u.Status),
		StatusSince:  instant(u.StatusSince),
		RegisteredAt: optionalInstant(u.RegisteredAt),
		UpdatedAt:    optionalInstant(u.UpdatedAt),
		Email:        u.Profile.Email,
		FirstName:    u.Profile.FirstName,
		LastName:     u.Profile.LastName,
		Locale:       u.Profile.Locale,
		Country:      u.Profile.Country,
		Platform:     u.Profile.Platform,
		Custom:       custom(u.Profile.Custom),
	}
}

func showDetail(d *projections.UserDetail) userDetail {
	return userDetail{
		User:          showUser(&d.User),
		Subscriptions: show(d.Subscriptions, showSubscription),
		Rentals:       show(d.Rentals, showRental),
		FreeCopies:    show(d.FreeCopies, showFreeCopy),
		Viewing: viewing{
			Sessions:     d.Viewing.Sessions,
			DurationS:    seconds(d.Viewing.DurationMS),
			LastViewedAt: optionalInstant(d.Viewing.LastViewedAt),
		},
	}
}
