// This file is the list of users: by status, search, period and sort, or those
// whom a figure of a month counts.

package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

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

// countedBy is the figure whose users are listed.
type countedBy struct {
	KPI, Reason string
	Month       domain.Month
	Count       int64
	Erased      int64
	Back        string
}

type tab struct {
	Label   string
	Count   int64
	Href    string
	Current bool
}

type param struct{ Name, Value string }

// A token is one condition of a filter.
type token struct{ Text, Without string }

type userFilter struct {
	Query, By, Period string
	From, To          string // days, both inclusive
	Set               int    // how many conditions there are behind the button
	Periods           []option
	Sorts             []option
}

// A column of the list.
type column struct {
	Name, Label string
	Shown       bool
	// Priority says which go first as room shrinks: p1 … p4; empty stays.
	Priority string
	// Sort is the address that sorts by it; Direction is how it is sorted now.
	Sort, Direction string
}

type userRow struct {
	projections.User
	Name  string
	Cells []any
}

type pager struct {
	First, Last int
	Total       int64
	More        bool // Total is a lower bound
	ToFirst     string
	Next        string
	NextRows    int
}

// pageRows is how many rows a page has.
const pageRows = 50

// countUpTo is how many users are counted at most for a filter.
const countUpTo = 10_000

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

// canonicalUsers turns what the filter's form sends into the parameters of the
// API: a preset into days, an end that people read into one that excludes.
func canonicalUsers(q *query, now time.Time) (address string, changed bool) {
	values := url.Values{}
	for name, all := range q.Values {
		values[name] = slices.Clone(all)
	}
	if q.Has("period") || q.Has("by") {
		changed = true
		by := "registered"
		if q.Get("by") == "updated" {
			by = "updated"
		}
		from, to := chosenDays(q, now)
		for _, name := range []string{"by", "period", "from", "to", "registered_from", "registered_to", "updated_from", "updated_to"} {
			values.Del(name)
		}
		values.Set(by+"_from", from)
		values.Set(by+"_to", to)
	}
	if columns := values["columns"]; len(columns) > 1 {
		values["columns"], changed = []string{strings.Join(columns, ",")}, true
	}
	changed = dropEmpty(values) || changed
	return "/users" + queryText(values), changed
}

// dropEmpty takes away parameters that say nothing, and says whether there were any.
func dropEmpty(values url.Values) (dropped bool) {
	for name, all := range values {
		if len(all) == 0 || all[0] == "" {
			values.Del(name)
			dropped = true
		}
	}
	return dropped
}

// filterOf reads the filter and the sort.
func filterOf(q *query) (projections.UserFilter, projections.UserSort, error) {
	f := projections.UserFilter{
		Status:         projections.Status(q.oneOf("status", "registered", "active", "canceled")),
		RegisteredFrom: q.instant("registered_from"), RegisteredTo: q.instant("registered_to"),
		UpdatedFrom: q.instant("updated_from"), UpdatedTo: q.instant("updated_to"),
		Query: q.Get("q"),
	}
	sort := q.oneOf("sort", sorts...)
	if sort == "" {
		sort = string(projections.ByRegisteredDesc)
	}
	return f, projections.UserSort(sort), q.err()
}

var sorts = []string{
	string(projections.ByRegisteredDesc), string(projections.ByRegisteredAsc),
	string(projections.ByUpdatedDesc), string(projections.ByUpdatedAsc),
}

// A userPlace is where in the list a page begins.
type userPlace struct {
	At    domain.Instant
	After *projections.UserCursor
	Row   int
}

func (v *visit) readUsers(q *query) (*userList, error) {
	if q.Has("kpi") {
		return v.readMembers(q)
	}
	filter, sort, err := filterOf(q)
	if err != nil {
		return nil, err
	}
	bound := cursor.Listing{Name: "users", Filters: []any{filter, sort}}
	place := userPlace{At: instantOr(q.instant("as_of"), v.at)}
	if !v.open(bound, q.Get("cursor"), &place) || q.bad {
		return nil, errInput
	}
	ctx := v.r.Context()
	page, err := v.Reader.Users(ctx, projections.UsersQuery{Filter: filter, Sort: sort, At: place.At, After: place.After, Limit: pageRows})
	if err != nil {
		return nil, err
	}
	counts, err := v.Reader.UserCounts(ctx, place.At)
	if err != nil {
		return nil, err
	}
	list := v.newList(q, page.Users, int64(page.Position), place.At)
	list.Tabs = v.tabs(q, counts)
	if list.Found, list.More, err = v.count(filter, counts, place.At); err != nil {
		return nil, err
	}
	list.Filter, list.Tokens, list.Words = v.filterForm(q, sort)
	for i := range list.Columns {
		list.Columns[i].Sort, list.Columns[i].Direction = v.sortLink(list.Columns[i].Name, sort)
	}
	list.Pager = v.pager(list, place, page.Next, bound)
	list.Excel, list.CSV = exportLinks(q)
	if v.who.May("erase-users") {
		list.EraseAll = "/users/erase?all=1" + strings.Replace(queryText(filterParams(q)), "?", "&", 1)
	}
	return list, nil
}

// count is how many users a filter finds.
func (v *visit) count(f projections.UserFilter, counts projections.UserCounts, at domain.Instant) (n int64, more bool, err error) {
	if f == (projections.UserFilter{Status: f.Status}) {
		switch f.Status {
		case domain.StatusRegistered:
			return counts.Registered, false, nil
		case domain.StatusActive:
			return counts.Active, false, nil
		case domain.StatusCanceled:
			return counts.Canceled, false, nil
		}
		return counts.Registered + counts.Active + counts.Canceled, false, nil
	}
	n, err = v.Reader.CountUsers(v.r.Context(), projections.UsersQuery{Filter: f, At: at, Limit: countUpTo + 1})
	if n > countUpTo {
		return countUpTo, true, err
	}
	return n, false, err
}

// readMembers lists the users whom a figure counts.
func (v *visit) readMembers(q *query) (*userList, error) {
	month := q.month("month")
	kpi := q.oneOf("kpi", "registered", "active", "trial", "unsubscribed", "cancellations")
	reason := q.oneOf("reason", reasonNames()...)
	if month == nil || kpi == "" || reason != "" && kpi != string(projections.KPIUnsubscribed) {
		return nil, errInput
	}
	if kpi == string(projections.KPITrial) && !v.Trials {
		return nil, errNoPage
	}
	bound := cursor.Listing{Name: "members", Filters: []any{month, kpi, reason}}
	place := userPlace{At: instantOr(q.instant("as_of"), v.at)}
	if !v.open(bound, q.Get("cursor"), &place) || q.bad {
		return nil, errInput
	}
	page, err := v.Reader.Members(v.r.Context(), projections.MembersQuery{
		Month: *month, KPI: projections.KPI(kpi), Reason: domain.ChurnReason(reason), At: place.At, After: place.After, Limit: pageRows,
	})
	if err != nil {
		return nil, err
	}
	months, err := v.Reader.KPIs(v.r.Context(), *month, *month, place.At)
	if err != nil {
		return nil, err
	}
	list := v.newList(q, page.Users, int64(page.Position), place.At)
	list.Counted = &countedBy{KPI: kpi, Reason: reason, Month: *month, Count: figureOf(&months[0], kpi, reason), Erased: page.Erased, Back: "/?month=" + month.String()}
	list.Found = list.Counted.Count - page.Erased
	list.Pager = v.pager(list, place, page.Next, bound)
	return list, nil
}

func reasonNames() []string {
	names := make([]string, len(domain.ChurnReasons))
	for i, r := range domain.ChurnReasons {
		names[i] = string(r)
	}
	return names
}

func figureOf(k *projections.MonthKPI, kpi, reason string) int64 {
	switch projections.KPI(kpi) {
	case projections.KPIRegistered:
		return k.Registered
	case projections.KPIActive:
		return k.Active
	case projections.KPITrial:
		return k.Trial
	case projections.KPICancellations:
		return k.Cancellations
	}
	if reason != "" {
		return k.Unsubscribed[domain.ChurnReason(reason)]
	}
	return sum(k.Unsubscribed)
}

func (v *visit) countedTitle(c *countedBy) string {
	title := v.T("users.counted", "figure", v.T("kpi."+c.KPI), "month", v.Month(c.Month.Year, c.Month.Month))
	if c.Reason != "" {
		title += ": " + v.T("reason."+c.Reason)
	}
	return title
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

// listAddress is the list's own address with some parameters changed, from its beginning.
func (v *visit) listAddress(pairs ...string) string {
	return v.address(append(pairs, "cursor", "")...)
}

// filterForm makes the form, and what it says in words.
func (v *visit) filterForm(q *query, sort projections.UserSort) (userFilter, []token, string) {
	by := "registered"
	if q.Has("updated_from") || q.Has("updated_to") {
		by = "updated"
	}
	f := v.periodForm(q, by+"_")
	f.Query, f.By = q.Get("q"), by
	for _, s := range sorts {
		f.Sorts = append(f.Sorts, option{s, "sort." + s, s == string(sort)})
	}
	var tokens []token
	if s := q.Get("status"); s != "" {
		tokens = append(tokens, token{v.T("status." + s), v.listAddress("status", "")})
	}
	if f.Query != "" {
		tokens = append(tokens, token{v.T("quoted", "text", f.Query), v.listAddress("q", "")})
	}
	words := ""
	if f.Period != "" {
		f.Set++
		words = v.periodWords(f)
		tokens = append(tokens, token{words, v.listAddress(f.By+"_from", "", f.By+"_to", "")})
	}
	return f, tokens, words
}

// periodWords says a period in words: "registered 1–30 Nov 2026".
func (v *visit) periodWords(f userFilter) string {
	day := func(s string) string {
		t, err := time.ParseInLocation(time.DateOnly, s, v.server.Zone)
		if err != nil {
			return s
		}
		return v.Date(t.Add(12 * time.Hour))
	}
	key := "users." + f.By
	switch {
	case f.From == "":
		return v.T(key+".until", "to", day(f.To))
	case f.To == "":
		return v.T(key+".since", "from", day(f.From))
	}
	return v.T(key+".within", "from", day(f.From), "to", day(f.To))
}

// sortLink is the address that sorts by a column, the other way round where it
// is sorted by that already; empty for a column that can't be sorted by.
func (v *visit) sortLink(name string, sort projections.UserSort) (href, direction string) {
	if !slices.Contains(sorts, name) {
		return "", ""
	}
	next := "-" + name
	switch string(sort) {
	case name:
		direction = "ascending"
	case "-" + name:
		direction, next = "descending", name
	}
	return v.listAddress("sort", next), direction
}

func (v *visit) pager(list *userList, place userPlace, next *projections.UserCursor, bound cursor.Listing) pager {
	p := pager{First: place.Row + 1, Last: place.Row + len(list.Rows), Total: list.Found, More: list.More}
	if place.Row > 0 {
		p.ToFirst = v.listAddress()
	}
	if next != nil {
		p.NextRows = pageRows
		if left := list.Found - int64(p.Last); !list.More && left > 0 && left < pageRows {
			p.NextRows = int(left)
		}
		p.Next = v.address("cursor", v.Cursors.Seal(bound, userPlace{place.At, next, p.Last}))
	}
	return p
}

// open reads a cursor of a list into a place; an empty one leaves it as it is.
func (v *visit) open(l cursor.Listing, text string, place any) bool {
	return text == "" || v.Cursors.Open(l, text, place)
}

// filterParams are the parameters that say which users are meant.
func filterParams(q *query) url.Values {
	values := url.Values{}
	for _, name := range []string{"status", "q", "registered_from", "registered_to", "updated_from", "updated_to"} {
		if value := q.Get(name); value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// exportLinks are the addresses of the list as files.
func exportLinks(q *query) (excel, csv string) {
	values := filterParams(q)
	if sort := q.Get("sort"); sort != "" {
		values.Set("sort", sort)
	}
	values.Set("format", "xlsx")
	excel = "/v1/exports/users?" + values.Encode()
	values.Set("format", "csv")
	values.Set("bom", "true")
	return excel, "/v1/exports/users?" + values.Encode()
}

// columnsCookie keeps which columns somebody has chosen, in their browser.
const columnsCookie = "boxoffice_columns"

// standardColumns are those of every platform, and which are shown where nobody
// has chosen.
var standardColumns = []column{
	{Name: "email", Label: "field.email", Shown: true, Priority: "p3"},
	{Name: "status", Label: "field.status", Shown: true},
	{Name: "status_since", Label: "field.status_since", Shown: true, Priority: "p1"},
	{Name: "registered_at", Label: "field.registered_at", Shown: true, Priority: "p4"},
	{Name: "updated_at", Label: "field.updated_at", Shown: true, Priority: "p2"},
	{Name: "country", Label: "field.country", Shown: true, Priority: "p2"},
	{Name: "platform", Label: "field.platform", Shown: true, Priority: "p1"},
	{Name: "locale", Label: "field.locale", Priority: "p1"},
	{Name: "id", Label: "field.id", Priority: "p1"},
}

// columns are all columns to choose from, with the platform's own fields that
// are known: those that the users of the page have, and those that were chosen.
func (v *visit) columns(q *query, users []projections.User) (all []column, chosen bool) {
	list := q.Get("columns")
	if list != "" {
		http.SetCookie(v.w, &http.Cookie{
			Name: columnsCookie, Value: url.QueryEscape(list), Path: "/users", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.secure(),
		})
	} else if kept, err := url.QueryUnescape(cookie(v.r, columnsCookie)); err == nil {
		list = kept
	}
	names := strings.Split(list, ",")
	all, chosen = slices.Clone(standardColumns), list != ""
	for _, key := range customKeys(users, names) {
		all = append(all, column{Name: "custom." + key, Label: key, Priority: "p1"})
	}
	if chosen {
		for i := range all {
			all[i].Shown, all[i].Priority = slices.Contains(names, all[i].Name), ""
		}
	}
	return all, chosen
}

// mostCustom is how many of the platform's own fields there are to choose from.
const mostCustom = 100

func customKeys(users []projections.User, names []string) []string {
	known := map[string]bool{}
	for i := range users {
		for key := range customOf(&users[i]) {
			known[key] = true
		}
	}
	for _, name := range names {
		if key, ok := strings.CutPrefix(name, "custom."); ok && key != "" {
			known[key] = true
		}
	}
	keys := make([]string, 0, len(known))
	for key := range known {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys[:min(len(keys), mostCustom)]
}

func userIDs(users []projections.User) []string {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	return ids
}
