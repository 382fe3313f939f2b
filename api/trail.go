// This file serves the trail of who did what with personal data.

package api

import (
	"context"
	"net/http"
	"time"

	"boxoffice/access/trail"
	"boxoffice/eventstore"
	"boxoffice/internal/cursor"
)

// A trailEntry is one audit entry.
type trailEntry struct {
	ID         int64     `json:"id"`
	At         time.Time `json:"at"`
	Actor      string    `json:"actor" doc:"Name of the key, or of the person whom the token names"`
	Role       string    `json:"role" doc:"Empty where the service itself says something about the trail; shell where somebody did it at a shell that reaches the database: actor is then shell: USER@HOST, of the operating system"`
	Action     string    `json:"action" doc:"The operation, by its operationId in this document; of a shell also make-key, revoke-key and scrub; trail-gap where entries are missing, as many as people says"`
	Status     *int      `json:"status" doc:"How it was answered, at a shell 200 where it was done and 500 where it wasn't; null where that isn't known (yet): what changes something is written down before it is done"`
	People     *int64    `json:"people" doc:"How many people or records it was about; null where that isn't known"`
	Subjects   []string  `json:"subjects" doc:"Pseudonyms of the users whom it was about, as in the history, as far as they are told one by one"`
	Parameters []string  `json:"parameters" doc:"Names of the query parameters that were given; never their values"`
}

type listTrailInput struct {
	Actor  string `query:"actor" maxLength:"400" doc:"Only what was done with the key, or by the person, of this name"`
	Action string `query:"action" maxLength:"100" doc:"Only this operation" example:"get-user"`
	PeriodParams
	PageParams
}

type listTrailOutput struct{ Body trailPage }

// A trailPage is a page of the trail.
type trailPage struct {
	Entries    []trailEntry `json:"entries"`
	NextCursor *string      `json:"next_cursor" doc:"Null on the last page"`
}

func (s *service) registerTrail() {
	register(s, operation{
		id: "list-trail", method: http.MethodGet, path: "/v1/audit/trail", tag: "History",
		summary: "Who did what with personal data",
		description: "Latest first. Reads and changes of personal data through this API and at a shell that reaches the database, by whom and how answered, " +
			"with the users as pseudonyms. A read stands here within some seconds.",
	}, s.listTrail)
}

func (s *service) listTrail(ctx context.Context, in *listTrailInput) (*listTrailOutput, error) {
	p := s.params()
	from, to := p.period(in.PeriodParams)
	if err := p.err(); err != nil {
		return nil, err
	}
	q := trail.Query{From: optionalInstant(from), To: optionalInstant(to), Actor: in.Actor, Action: in.Action}
	list := cursor.Listing{Name: "list-trail", Filters: q}
	at, before, err := openPage[int64](s, list, in.Cursor, nil)
	if err != nil {
		return nil, err
	}
	q.Limit = in.Limit
	if before != nil {
		q.Before = *before
	}
	page := trailPage{Entries: []trailEntry{}}
	if s.Trail == nil {
		return &listTrailOutput{page}, nil
	}
	entries, next, err := s.Trail.Entries(ctx, q)
	if err != nil {
		return nil, err
	}
	page.Entries = show(entries, showTrail)
	if next != 0 {
		page.NextCursor = cursorFor(s.cursors, list, at, &next)
	}
	return &listTrailOutput{page}, nil
}

func showTrail(e *trail.Entry) trailEntry {
	shown := trailEntry{
		ID: e.ID, At: e.At, Actor: e.Actor, Role: e.Role, Action: e.Action, People: e.People,
		Subjects: make([]string, len(e.Subjects)), Parameters: append([]string{}, e.Parameters...),
	}
	if e.Status != 0 {
		shown.Status = &e.Status
	}
	for i, subject := range e.Subjects {
		shown.Subjects[i] = eventstore.UserKey(subject).String()
	}
	return shown
}
