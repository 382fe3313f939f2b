// This file erases users: by events like anybody's, answered once nothing of
// the people can be read any more.

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

type eraseUserInput struct{ UserParam }

type eraseUsersInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve keeps the request: its body is read strictly, so that nobody else is
// erased than was named.
func (in *eraseUsersInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = request(ctx)
	return nil
}

const (
	// maxErasures is how many users one request erases.
	maxErasures = mostSettled
	// maxErasureBody is the largest body of one: as many ids as there may be of
	// 128 bytes, each written as an escape.
	maxErasureBody = 1 << 20
	// mostNotes is how many bad ids are named in an answer.
	mostNotes = 10
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
	erased, err := s.erase(ctx, []string{id})
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
	if err := s.tellBefore(ctx, ids...); err != nil { // afterwards nobody can tell any more who that is
		return nil, err
	}
	erased, err := s.erase(ctx, ids)
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
			if p.problem != nil && len(p.problem.Errors) >= mostNotes {
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

// erase erases those of the ids that are users, and gives them in their order,
// once every generation of the read models has forgotten them, and those who
// were erased before.
func (s *service) erase(ctx context.Context, ids []string) ([]string, error) {
	patient, cancel := s.patiently(ctx)
	defer cancel()
	events, users, known, err := s.composeErasures(patient, ids)
	if err != nil || !known {
		return nil, err
	}
	verdicts, err := s.settle(patient, events, s.VerdictWithin)
	if errors.Is(err, errNotSettled) {
		return nil, notForgotten(err)
	}
	if err != nil {
		return nil, err
	}
	if err := s.forgotten(patient); err != nil {
		if outOfPatience(patient) {
			return nil, notForgotten(err)
		}
		return nil, err
	}
	return whoIsErased(users, verdicts)
}

// notForgotten is the answer where an erasure takes longer than it.
func notForgotten(err error) *Problem {
	return unavailable("the erasure is " + howStored(err) + ", and takes effect then, but has not in all read models yet; ask again in a moment")
}

// whoIsErased gives the users whose erasures are recorded.
func whoIsErased(users []string, verdicts []verdict) ([]string, error) {
	var erased []string
	refused := 0
	for i, v := range verdicts {
		switch {
		case v.Refused == nil:
			erased = append(erased, users[i])
		case v.Refused.Reason != domain.Erased: // by somebody else, meanwhile
			refused++
		}
	}
	switch {
	case refused == 0:
		return erased, nil
	case len(erased) == 0:
		return nil, refusedByLog()
	}
	return nil, unavailable(fmt.Sprintf("%d users are erased, but %d are not, since others change them at the same time; ask again", len(erased), refused))
}

// composeErasures makes an event for each of the ids that is a user's. known
// says whether any is, or was before they were erased.
func (s *service) composeErasures(ctx context.Context, ids []string) (events []*composedEvent, users []string, known bool, err error) {
	states, err := s.Log.SubjectStates(ctx, ids)
	if err != nil {
		return nil, nil, false, err
	}
	for i, state := range states {
		if state.Taken {
			users = append(users, ids[i])
		}
		known = known || state.Taken || state.ErasedAt != nil
	}
	if len(users) == 0 {
		return nil, nil, known, nil
	}
	// A profile event that isn't shown yet may be later than the clock. That is
	// rare, and read models that are behind are no reason not to erase.
	_ = s.caughtUp(ctx, min(time.Second, s.VerdictWithin/4))
	now := s.now()
	found, err := s.Reader.FindUsers(ctx, users, nil, now)
	if err != nil {
		return nil, nil, false, err
	}
	events = make([]*composedEvent, len(users))
	for i, id := range users {
		at := now
		if user := found.ByID[id]; user != nil {
			at = after(now, user.UpdatedAt)
		}
		e, refusal := s.compose(ownEvent{eventType: domain.UserErased, userID: id, time: at})
		if refusal != nil {
			return nil, nil, false, refusedHere(refusal)
		}
		events[i] = e
	}
	return events, users, true, nil
}

// forgotten waits until every generation of the read models has forgotten all
// who have been erased until now.
func (s *service) forgotten(ctx context.Context) error {
	erasure, err := s.Log.LastErasure(ctx)
	if err != nil {
		return err
	}
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, lookAgain) {
		done, err := s.Reader.Forgotten(ctx, erasure)
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
