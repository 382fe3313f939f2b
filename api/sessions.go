// This file serves viewing sessions, of one user and of all.

package api

import (
	"context"
	"net/http"
	"time"

	"boxoffice/access"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// A Session is one viewing session.
type Session struct {
	SessionID      string    `json:"session_id"`
	ContentID      string    `json:"content_id"`
	Title          *string   `json:"title"`
	State          string    `json:"state" enum:"in_progress,ended,abandoned"`
	StartedAt      time.Time `json:"started_at"`
	LastEventAt    time.Time `json:"last_event_at"`
	DurationS      seconds   `json:"duration_s"`
	WatchedS       seconds   `json:"watched_s"`
	ContentLengthS *seconds  `json:"content_length_s" nullable:"true"`
	CompletionRate *rate     `json:"completion_rate" nullable:"true"`
	Completed      *bool     `json:"completed"`
	PositionS      *seconds  `json:"position_s" nullable:"true"`
	Device         *string   `json:"device"`
	Platform       *string   `json:"platform"`
}

// A userSession is one viewing session and whose it is.
type userSession struct {
	Session
	UserID *string `json:"user_id" doc:"Null for an erased user's, and always for a viewer and an auditor"`
}

type listUserSessionsInput struct {
	UserParam
	PeriodParams
	PageParams
}

type listUserSessionsOutput struct{ Body sessionPage }

// A sessionPage is a page of one user's viewing sessions.
type sessionPage struct {
	Sessions   []Session `json:"sessions"`
	NextCursor *string   `json:"next_cursor" doc:"Null on the last page"`
}

type listSessionsInput struct {
	ContentID string `query:"content_id" doc:"Only sessions of this content"`
	PeriodParams
	PageParams
}

type listSessionsOutput struct{ Body userSessionPage }

// A userSessionPage is a page of the viewing sessions of all users.
type userSessionPage struct {
	Sessions   []userSession `json:"sessions"`
	NextCursor *string       `json:"next_cursor" doc:"Null on the last page"`
}

func (s *service) registerSessions() {
	register(s, operation{
		id: "list-user-sessions", method: http.MethodGet, path: "/v1/users/{id}/sessions", tag: "Viewing",
		summary:     "List one user's viewing sessions",
		description: "Those that started in the period, latest first, then by session_id and content_id.",
		errors:      []int{http.StatusNotFound},
	}, s.listUserSessions)
	register(s, operation{
		id: "list-sessions", method: http.MethodGet, path: "/v1/sessions", tag: "Viewing",
		summary:     "List the viewing sessions of all users",
		description: "Those that started in the period, latest first, then by session_id, content_id and user_id.",
	}, s.listSessions)
}

func (s *service) listUserSessions(ctx context.Context, in *listUserSessionsInput) (*listUserSessionsOutput, error) {
	p := s.params()
	q := projections.SessionsQuery{UserID: p.userID(in.ID)}
	sessions, next, err := s.pageOfSessions(ctx, "list-user-sessions", q, p, in.PeriodParams, in.PageParams)
	if err != nil {
		return nil, err
	}
	return &listUserSessionsOutput{sessionPage{show(sessions, showSession), next}}, nil
}

func (s *service) listSessions(ctx context.Context, in *listSessionsInput) (*listSessionsOutput, error) {
	q := projections.SessionsQuery{ContentID: in.ContentID}
	sessions, next, err := s.pageOfSessions(ctx, "list-sessions", q, s.params(), in.PeriodParams, in.PageParams)
	if err != nil {
		return nil, err
	}
	access.About(ctx, sessionUsers(sessions)...)
	return &listSessionsOutput{userSessionPage{showUserSessions(sessions, access.From(ctx).Role), next}}, nil
}

// pageOfSessions reads a page of the sessions that a query and a period name. The
// parameters that p has read so far are wrong or right with the period.
func (s *service) pageOfSessions(ctx context.Context, name string, q projections.SessionsQuery, p *paramReader, period PeriodParams, page PageParams) ([]projections.Session, *string, error) {
	q.From, q.To = p.period(period)
	if err := p.err(); err != nil {
		return nil, nil, err
	}
	list := cursor.Listing{Name: name, Filters: q}
	q.Limit = page.Limit
	var err error
	if q.At, q.After, err = openPage[projections.SessionCursor](s, list, page.Cursor, nil); err != nil {
		return nil, nil, err
	}
	found, err := s.Reader.Sessions(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return found.Sessions, cursorFor(s.cursors, list, q.At, found.Next), nil
}

func showSession(v *projections.Session) Session {
	return Session{
		SessionID:      v.SessionID,
		ContentID:      v.ContentID,
		Title:          v.Title,
		State:          string(v.State),
		StartedAt:      instant(v.StartedAt),
		LastEventAt:    instant(v.LastEventAt),
		DurationS:      seconds(v.DurationMS),
		WatchedS:       seconds(v.WatchedMS),
		ContentLengthS: optionalSeconds(v.ContentLengthMS),
		CompletionRate: optionalRate(v.CompletionRate),
		Completed:      v.Completed,
		PositionS:      optionalSeconds(v.PositionMS),
		Device:         v.Device,
		Platform:       v.Platform,
	}
}

// sessionUsers returns the users of sessions, each once.
func sessionUsers(sessions []projections.Session) []string {
	var ids []string
	seen := map[string]bool{}
	for i := range sessions {
		if id := sessions[i].UserID; id != nil && !seen[*id] {
			seen[*id] = true
			ids = append(ids, *id)
		}
	}
	return ids
}

// showUserSessions names the users to those only who may see personal data.
func showUserSessions(sessions []projections.Session, role access.Role) []userSession {
	named := role == access.Support || role == access.Admin
	shown := make([]userSession, len(sessions))
	for i := range sessions {
		shown[i].Session = showSession(&sessions[i])
		if named {
			shown[i].UserID = sessions[i].UserID
		}
	}
	return shown
}
