// This file erases users.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
)

type eraseUserInput struct{ UserParam }

type eraseUsersInput struct {
	bodyInput
}

const (
	// maxErasures is how many users one request erases.
	maxErasures = accounts.MaxErased
	// maxErasureBody is the largest body of one: as many ids as there may be of
	// 128 bytes, each written as an escape.
	maxErasureBody = 1 << 20
	// maxNotes is how many bad ids are named in an answer.
	maxNotes = 10
)

// An Erasure names whom to erase.
type Erasure struct {
	IDs []string `json:"ids" minItems:"1" maxItems:"1000" doc:"Ids of users on the platform"`
}

type eraseUsersOutput struct{ Body Erased }

// An Erased says who has been erased.
type Erased struct {
	Erased   []string `json:"erased" doc:"In the order in which they were named"`
	NotFound []string `json:"not_found" doc:"Of whom there is no user: never heard of, or erased before"`
}

const eraseDescription = "Publishes a `user.erased`, and answers once no read model has anything of the person any more. This can't be undone. " +
	"What they watched and had stays, as nobody's, and so do all figures. 503 with `Retry-After` where the answer takes longer than ten seconds; " +
	"the event is safe then, and takes effect."

func (s *service) registerErase() {
	register(s, operation{
		id: "erase-user", method: http.MethodDelete, path: "/v1/users/{id}", tag: "Users",
		summary: "Erase a user", description: eraseDescription,
		errors: []int{http.StatusNotFound},
	}, s.eraseUser)
	op := register(s, operation{
		id: "erase-users", method: http.MethodPost, path: "/v1/erasures", tag: "Users",
		summary: "Erase many users", description: eraseDescription,
		errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.eraseUsers)
	op.RequestBody = jsonBody(schemaOf[Erasure](s.api.OpenAPI().Components.Schemas), jsonType)
}

func (s *service) eraseUser(ctx context.Context, in *eraseUserInput) (*struct{}, error) {
	p := s.params()
	id := p.userID(in.ID)
	if err := p.err(); err != nil {
		return nil, err
	}
	erased, err := s.Accounts.Erase(ctx, []string{id})
	if err == nil && len(erased) == 0 {
		err = noUser()
	}
	return nil, err
}

func (s *service) eraseUsers(ctx context.Context, in *eraseUsersInput) (*eraseUsersOutput, error) {
	members, err := readObject(in.writer, in.request, maxErasureBody,
		newProblem(http.StatusRequestEntityTooLarge, "the body is over 1 MiB"), jsonType)
	if err != nil {
		return nil, err
	}
	p := s.params()
	named := p.erasure(members)
	if err := p.err(); err != nil {
		return nil, err
	}
	ids := once(named)
	if err := access.Announce(ctx, ids...); err != nil { // afterwards nobody can tell any more who that is
		return nil, err
	}
	erased, err := s.Accounts.Erase(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := &eraseUsersOutput{Erased{Erased: []string{}, NotFound: []string{}}}
	for _, id := range ids {
		if slices.Contains(erased, id) {
			out.Body.Erased = append(out.Body.Erased, id)
		} else {
			out.Body.NotFound = append(out.Body.NotFound, id)
		}
	}
	return out, nil
}

// erasure reads whom to erase.
func (p *paramReader) erasure(members []member) (ids []string) {
	given := false
	for _, m := range members {
		if m.name != "ids" {
			p.note(m, "unknown field")
			continue
		}
		given = true
		var values []jsontext.Value
		if err := json.Unmarshal(m.value, &values); err != nil || len(values) == 0 || len(values) > maxErasures {
			p.note(m, fmt.Sprintf("must be an array of 1 to %d ids", maxErasures))
			continue
		}
		for i, value := range values {
			if p.problem != nil && len(p.problem.Errors) >= maxNotes {
				break // an answer that repeats the whole body helps nobody
			}
			ids = append(ids, p.erasedID(member{fmt.Sprintf("ids[%d]", i), value}))
		}
	}
	if !given {
		p.note(member{name: "ids", value: jsontext.Value("null")}, "is missing")
	}
	return ids
}

// erasedID reads one id.
func (p *paramReader) erasedID(m member) (id string) {
	if m.value.Kind() != '"' {
		p.note(m, "must be text")
		return ""
	}
	err := json.Unmarshal(m.value, &id)
	if err == nil {
		err = domain.ValidUserID(id)
	}
	if err != nil {
		p.note(m, err.Error())
	}
	return id
}

// once leaves out what stands there already.
func once(ids []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		before := seen[id]
		seen[id] = true
		return before
	})
}
