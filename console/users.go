// This file is the list of users: by status, search, period and sort, or those
// whom a figure of a month counts (users_counted.go).

package console

import (
	"strings"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/internal/cursor"
	"boxoffice/projections"
)

// A userList is what the page shows.
type userList struct {
	AsOf asOf
	// Counted is whom a figure counts, where the list is of those.
	Counted *countedBy
	Tabs    []tab
	Filter  userFilter
	// Found is how many there are in all; More says that there are more than that.
	Found int64
	More  bool
	Words string // what the filter says, in words
	// Tokens are what is filtered by, each with the address without it.
	Tokens  []token
	Columns []column // those that are shown
	// Chosen says that somebody has chosen the columns: then none is left out
	// where there is little room.
	Chosen  bool
	Choices []column // all that there are
	Rows    []userRow
	Pager   pager
	// Downloads are the addresses of the files.
	Excel, CSV string
	// MayEdit says that rows have a gear and can be chosen.
	MayEdit bool
	// Address is that of the list, for forms that go back to it.
	Address string
	// EraseAll is the address of the question about all of the filter.
	EraseAll string
	// Hidden are the parameters that a form has to carry.
	Hidden []param
}

type tab struct {
	Label   string
	Count   int64
	Href    string
	Current bool
}

type param struct{ Name, Value string }

type userRow struct {
	projections.User
	Name  string
	Cells []any
}

// countUpTo is how many users are counted at most for a filter.
const countUpTo = 1_000

func (v *visit) users() (*answer, error) {
	q := v.query()
	if to, ok := canonicalUsers(q, v.at.Time().In(v.server.Zone)); ok {
		if !v.scripted() {
			return &answer{redirect: to}, nil
		}
		v.w.Header().Set("HX-Replace-Url", to)
		v.r.URL.RawQuery = strings.TrimPrefix(strings.TrimPrefix(to, "/users"), "?")
		q = v.query()
	}
	list, err := v.readUsers(q)
	if err != nil {
		return nil, err
	}
	title := v.T("users.title")
	if c := list.Counted; c != nil {
		title = v.countedTitle(c)
	}
	return &answer{template: "users", title: title, data: list}, nil
}

func (v *visit) readUsers(q *query) (*userList, error) {
	if q.Has("kpi") {
		return v.readMembers(q)
	}
	filter, sort, err := filterOf(q)
	if err != nil {
		return nil, err
	}
	listed := cursor.Listing{Name: "users", Filters: []any{filter, sort}}
	from, err := openPage[projections.UserCursor](v, q, listed, instantOr(q.instant("as_of"), v.at), pageRows)
	if err != nil {
		return nil, err
	}
	ctx := v.r.Context()
	page, err := v.Reader.Users(ctx, projections.UsersQuery{Filter: filter, Sort: sort, At: from.At, After: from.After, Limit: pageRows})
	if err != nil {
		return nil, err
	}
	counts, err := v.Reader.UserCounts(ctx, from.At)
	if err != nil {
		return nil, err
	}
	list := v.newList(q, page.Users, int64(page.Position), from.At)
	list.Tabs = v.tabs(q, counts)
	if list.Found, list.More, err = v.count(filter, counts, from.At); err != nil {
		return nil, err
	}
	list.Filter, list.Tokens, list.Words = v.filterForm(q, sort)
	for i := range list.Columns {
		list.Columns[i].Sort, list.Columns[i].Direction = v.sortLink(list.Columns[i].Name, sort)
	}
	list.Pager = from.pager(len(list.Rows), page.Next).of(list.Found, list.More)
	list.Excel, list.CSV = exportLinks(q)
	if v.who.May("erase-users") {
		list.EraseAll = "/users/erase?all=1" + strings.Replace(queryText(filterParams(q)), "?", "&", 1)
	}
	return list, nil
}

// count is how many users a filter finds, at most countUpTo; more says that there
// are more than that.
func (v *visit) count(f projections.UserFilter, counts projections.UserCounts, at domain.Instant) (n int64, more bool, err error) {
	if n, known := countOf(f, counts); known {
		return n, false, nil
	}
	n, err = v.Reader.CountUsers(v.r.Context(), projections.UsersQuery{Filter: f, At: at, Limit: countUpTo + 1})
	if n > countUpTo {
		return countUpTo, true, err
	}
	return n, false, err
}

// countOf is how many users a filter finds that asks for a status or for nothing at
// all; false for any other.
func countOf(f projections.UserFilter, counts projections.UserCounts) (n int64, known bool) {
	if f != (projections.UserFilter{Status: f.Status}) {
		return 0, false
	}
	switch f.Status {
	case domain.StatusRegistered:
		return counts.Registered, true
	case domain.StatusActive:
		return counts.Active, true
	case domain.StatusCanceled:
		return counts.Canceled, true
	}
	return counts.Registered + counts.Active + counts.Canceled, true
}

// newList begins a list with what every list of users has.
func (v *visit) newList(q *query, users []projections.User, position int64, at domain.Instant) *userList {
	list := &userList{
		AsOf: asOf{At: at, Position: position}, MayEdit: v.who.May("edit-user"),
		Address: v.r.URL.RequestURI(),
	}
	list.Choices, list.Chosen = v.columns(q, users)
	for _, c := range list.Choices {
		if c.Shown {
			list.Columns = append(list.Columns, c)
		}
	}
	access.About(v.r.Context(), userIDs(users)...)
	for i := range users {
		list.Rows = append(list.Rows, v.userRow(&users[i], list.Columns))
	}
	for _, name := range []string{"status", "q", "registered_from", "registered_to", "updated_from", "updated_to", "sort", "kpi", "month", "reason", "as_of"} {
		if value := q.Get(name); value != "" {
			list.Hidden = append(list.Hidden, param{name, value})
		}
	}
	return list
}

func (v *visit) userRow(u *projections.User, columns []column) userRow {
	row := userRow{User: *u, Name: fullName(u)}
	for _, c := range columns {
		row.Cells = append(row.Cells, v.userCell(u, c.Name))
	}
	return row
}

// fullName is what a user is called in lists: the name, else the e-mail, else the id.
func fullName(u *projections.User) string {
	name := strings.TrimSpace(orEmpty(u.Profile.FirstName) + " " + orEmpty(u.Profile.LastName))
	if name == "" {
		name = orEmpty(u.Profile.Email)
	}
	if name == "" {
		name = u.ID
	}
	return name
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// tabs are the statuses with their counts.
func (v *visit) tabs(q *query, c projections.UserCounts) []tab {
	current := q.Get("status")
	return []tab{
		{"status.registered", c.Registered, v.listAddress("status", "registered"), current == "registered"},
		{"status.active", c.Active, v.listAddress("status", "active"), current == "active"},
		{"status.canceled", c.Canceled, v.listAddress("status", "canceled"), current == "canceled"},
		{"users.all", c.Registered + c.Active + c.Canceled, v.listAddress("status", ""), current == ""},
	}
}

// exportLinks are the addresses of the list as files.
func exportLinks(q *query) (excel, csv string) {
	values := filterParams(q)
	for _, name := range []string{"sort", "as_of"} {
		if value := q.Get(name); value != "" {
			values.Set(name, value)
		}
	}
	return fileAddresses("/v1/exports/users", values)
}

func userIDs(users []projections.User) []string {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	return ids
}
