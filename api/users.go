// This file serves the list of users and their numbers.

package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

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
	Query          string `query:"q" doc:"Part of \"first_name last_name\", of the e-mail or of the id, whatever the case" example:"ana"`
	Sort           string `query:"sort" enum:"registered_at,-registered_at,updated_at,-updated_at" default:"-registered_at" doc:"Order; - is latest first. Nulls last, ties by id"`
	AsOfParam
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

func (s *service) registerUsers() {
	register(s, operation{
		id: "list-users", method: http.MethodGet, path: "/v1/users", tag: "Users",
		summary: "List users",
	}, s.listUsers)
	register(s, operation{
		id: "get-user-counts", method: http.MethodGet, path: "/v1/user-counts", tag: "Users",
		summary: "How many users there are of each status",
	}, s.getUserCounts)
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
		Query:          in.Query,
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
