// This file is what was watched: the contents with the most sessions, and one of
// them with its sessions. Nobody is named to those who may not see users.

package console

import (
	"cmp"
	"html/template"
	"time"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// A contentList is what the page of contents shows.
type contentList struct {
	AsOf   asOf
	Filter userFilter
	Hidden []param
	Rows   []contentRow
	Pager  pager
}

// A contentPage is what the page of one content shows.
type contentPage struct {
	projections.Content
	AsOf     asOf
	Name     string
	Filter   userFilter
	Hidden   []param
	Sessions []contentSession
	Pager    pager
	// Users says that sessions are shown with whose they are.
	Users bool
}

type contentSession struct {
	projections.Session
	Seen template.HTML
}

func (v *visit) contents() (*answer, error) {
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.localTime()); changed {
		return &answer{redirect: "/contents" + queryText(to)}, nil
	}
	from, to := q.instant("from"), q.instant("to")
	listed := cursor.Listing{Name: "contents", Filters: []any{from, to}}
	begin, err := openPage[projections.ContentCursor](v, q, listed, v.at, pageRows)
	if err != nil {
		return nil, err
	}
	page, err := v.Reader.Contents(v.r.Context(), from, to, begin.After, pageRows)
	if err != nil {
		return nil, err
	}
	list := &contentList{AsOf: asOf{At: v.at, Position: int64(page.Position)}, Filter: v.periodForm(q, "")}
	for i := range page.Contents {
		list.Rows = append(list.Rows, contentRow{page.Contents[i], contentName(&page.Contents[i])})
	}
	list.Pager = begin.pager(len(list.Rows), page.Next)
	return &answer{template: "contents", title: v.T("nav.contents"), data: list}, nil
}

// contentName is the title, or the id where there is none.
func contentName(c *projections.Content) string { return cmp.Or(orEmpty(c.Title), c.ContentID) }

func (v *visit) localTime() time.Time { return v.at.Time().In(v.server.Zone) }

func (v *visit) content() (*answer, error) {
	id, ok := pathID(v.r)
	if !ok {
		return nil, errNoPage
	}
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.localTime()); changed {
		return &answer{redirect: v.r.URL.EscapedPath() + queryText(to)}, nil
	}
	from, to := q.instant("from"), q.instant("to")
	listed := cursor.Listing{Name: "content sessions", Filters: []any{id, from, to}}
	begin, err := openPage[projections.SessionCursor](v, q, listed, v.at, pageRows)
	if err != nil {
		return nil, err
	}
	c, found, position, err := v.Reader.Content(v.r.Context(), id, from, to)
	if err != nil {
		return nil, err
	}
	if !found && from == nil && to == nil {
		return nil, errNoPage
	}
	c.ContentID = id
	p := &contentPage{
		Content: c, Name: contentName(&c), AsOf: asOf{At: v.at, Position: int64(position)},
		Filter: v.periodForm(q, ""), Users: v.who.May("list-users"),
	}
	return v.contentSessions(p, &begin, from, to)
}

// contentSessions fills in a page of the content's sessions.
func (v *visit) contentSessions(p *contentPage, begin *paging[projections.SessionCursor], from, to *domain.Instant) (*answer, error) {
	page, err := v.Reader.Sessions(v.r.Context(), projections.SessionsQuery{
		ContentID: p.ContentID, From: from, To: to, Played: true, At: begin.At, After: begin.After, Limit: pageRows,
	})
	if err != nil {
		return nil, err
	}
	for i := range page.Sessions {
		s := &page.Sessions[i]
		if s.UserID != nil && p.Users {
			access.About(v.r.Context(), *s.UserID)
		} else {
			s.UserID = nil
		}
		p.Sessions = append(p.Sessions, contentSession{*s, v.sessionRow(s).Seen})
	}
	p.Pager = begin.pager(len(p.Sessions), page.Next).of(p.Content.Sessions, false)
	return &answer{template: "content", title: p.Name, data: p}, nil
}
