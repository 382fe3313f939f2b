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

// A contentPlace is where in the contents a page begins.
type contentPlace struct {
	After *projections.ContentCursor
	Row   int
}

func (v *visit) contents() (*answer, error) {
	q := v.query()
	if to, changed := canonicalPeriod(q, "", v.localTime()); changed {
		return &answer{redirect: "/contents" + queryText(to)}, nil
	}
	from, to := q.instant("from"), q.instant("to")
	bound := cursor.Listing{Name: "contents", Filters: []any{from, to}}
	var place contentPlace
	if !v.open(bound, q.Get("cursor"), &place) || q.bad {
		return nil, errInput
	}
	page, err := v.Reader.Contents(v.r.Context(), from, to, place.After, pageRows)
	if err != nil {
		return nil, err
	}
	list := &contentList{AsOf: asOf{At: v.at, Position: int64(page.Position)}, Filter: v.periodForm(q, "")}
	for i := range page.Contents {
		list.Rows = append(list.Rows, contentRow{page.Contents[i], contentName(&page.Contents[i])})
	}
	list.Pager = pager{First: place.Row + 1, Last: place.Row + len(list.Rows), NextRows: pageRows}
	if place.Row > 0 {
		list.Pager.ToFirst = v.listAddress()
	}
	if page.Next != nil {
		list.Pager.Next = v.address("cursor", v.Cursors.Seal(bound, contentPlace{page.Next, list.Pager.Last}))
	}
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
	bound := cursor.Listing{Name: "content sessions", Filters: []any{id, from, to}}
	place := sessionPlace{At: v.at}
	if !v.open(bound, q.Get("cursor"), &place) || q.bad {
		return nil, errInput
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
	return v.contentSessions(p, bound, place, from, to)
}

// contentSessions fills in a page of the content's sessions.
func (v *visit) contentSessions(p *contentPage, bound cursor.Listing, place sessionPlace, from, to *domain.Instant) (*answer, error) {
	page, err := v.Reader.Sessions(v.r.Context(), projections.SessionsQuery{
		ContentID: p.ContentID, From: from, To: to, Played: true, At: place.At, After: place.After, Limit: pageRows,
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
	p.Pager = pager{First: place.Row + 1, Last: place.Row + len(p.Sessions), Total: p.Content.Sessions, NextRows: pageRows}
	if place.Row > 0 {
		p.Pager.ToFirst = v.listAddress()
	}
	if page.Next != nil {
		p.Pager.Next = v.address("cursor", v.Cursors.Seal(bound, sessionPlace{place.At, page.Next, p.Pager.Last}))
	}
	return &answer{template: "content", title: p.Name, data: p}, nil
}
