// This file serves what was viewed of each content, by one user and by all.

package api

import (
	"context"
	"net/http"
	"time"

	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// A ViewedContent is what was viewed of one content.
type ViewedContent struct {
	ContentID      string    `json:"content_id"`
	Title          *string   `json:"title"`
	Sessions       int64     `json:"sessions" doc:"How many viewing sessions"`
	DurationS      seconds   `json:"duration_s" doc:"Sum over the sessions"`
	WatchedS       seconds   `json:"watched_s"`
	ContentLengthS *seconds  `json:"content_length_s" nullable:"true"`
	CompletionRate *rate     `json:"completion_rate" nullable:"true" doc:"Of one user: of everything played together; of all users: the mean of the sessions"`
	FirstStartedAt time.Time `json:"first_started_at"`
	LastEventAt    time.Time `json:"last_event_at"`
}

// An audience is what all users viewed of one content.
type audience struct {
	ViewedContent
	Users int64 `json:"users" doc:"How many users"`
}

type listUserContentsInput struct {
	UserParam
	PeriodParams
}

type listUserContentsOutput struct{ Body viewedContents }

// A viewedContents is what one user viewed.
type viewedContents struct {
	Contents []ViewedContent `json:"contents"`
}

type listContentsInput struct {
	PeriodParams
	PageParams
}

type listContentsOutput struct{ Body contentPage }

// A contentPage is a page of what all users viewed.
type contentPage struct {
	Contents   []audience `json:"contents"`
	NextCursor *string    `json:"next_cursor" doc:"Null on the last page"`
}

func (s *service) registerContents() {
	register(s, operation{
		id: "list-user-contents", method: http.MethodGet, path: "/v1/users/{id}/contents", tag: "Viewing",
		summary:     "What one user viewed",
		description: "Over the sessions that started in the period; latest last_event_at first, then by content_id.",
		errors:      []int{http.StatusNotFound},
	}, s.listUserContents)
	register(s, operation{
		id: "list-contents", method: http.MethodGet, path: "/v1/contents", tag: "Viewing",
		summary:     "What all users viewed",
		description: "Over the sessions that started in the period; most sessions first, then by content_id.",
	}, s.listContents)
}

func (s *service) listUserContents(ctx context.Context, in *listUserContentsInput) (*listUserContentsOutput, error) {
	p := s.params()
	id := p.userID(in.ID)
	from, to := p.period(in.PeriodParams)
	if err := p.err(); err != nil {
		return nil, err
	}
	contents, _, err := s.Reader.UserContents(ctx, id, from, to)
	if err != nil {
		return nil, err
	}
	return &listUserContentsOutput{viewedContents{show(contents, showContent)}}, nil
}

func (s *service) listContents(ctx context.Context, in *listContentsInput) (*listContentsOutput, error) {
	p := s.params()
	from, to := p.period(in.PeriodParams)
	if err := p.err(); err != nil {
		return nil, err
	}
	list := cursor.Listing{Name: "list-contents", Filters: []*domain.Instant{from, to}}
	at, after, err := openPage[projections.ContentCursor](s, list, in.Cursor, nil)
	if err != nil {
		return nil, err
	}
	page, err := s.Reader.Contents(ctx, from, to, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return &listContentsOutput{contentPage{
		Contents:   show(page.Contents, showAudience),
		NextCursor: cursorFor(s.cursors, list, at, page.Next),
	}}, nil
}

func showContent(c *projections.Content) ViewedContent {
	return ViewedContent{
		ContentID:      c.ContentID,
		Title:          c.Title,
		Sessions:       c.Sessions,
		DurationS:      seconds(c.DurationMS),
		WatchedS:       seconds(c.WatchedMS),
		ContentLengthS: optionalSeconds(c.ContentLengthMS),
		CompletionRate: optionalRate(c.CompletionRate),
		FirstStartedAt: instant(c.FirstStartedAt),
		LastEventAt:    instant(c.LastEventAt),
	}
}

func showAudience(c *projections.Content) audience { return audience{showContent(c), c.Users} }
