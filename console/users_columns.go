// This file is the columns of the list of users: which there are, and which
// somebody has chosen to see.

package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"boxoffice/projections"
)

// A column of the list.
type column struct {
	Name, Label string
	Shown       bool
	// Priority says which go first as room shrinks: p1 … p4; empty stays.
	Priority string
	// Sort is the address that sorts by it; Direction is how it is sorted now.
	Sort, Direction string
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

// columns are all columns to choose from, with the platform's own fields: those that
// users have, those of the page at any rate, and those that were chosen.
func (v *visit) columns(q *query, users []projections.User) (all []column, chosen bool) {
	list := q.Get("columns")
	if list != "" {
		http.SetCookie(v.w, &http.Cookie{
			Name: columnsCookie, Value: url.QueryEscape(list), Path: "/users", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.Front.Secure(v.r),
		})
	} else if kept, err := url.QueryUnescape(cookie(v.r, columnsCookie)); err == nil {
		list = kept
	}
	names := strings.Split(list, ",")
	all, chosen = slices.Clone(standardColumns), list != ""
	for _, key := range customKeys(v.customFields(v.r.Context()), users, names) {
		all = append(all, column{Name: "custom." + key, Label: key, Priority: "p1"})
	}
	if chosen {
		for i := range all {
			all[i].Shown, all[i].Priority = slices.Contains(names, all[i].Name), ""
		}
	}
	return all, chosen
}

// maxCustom is how many of the platform's own fields there are to choose from.
const maxCustom = 100

func customKeys(all []string, users []projections.User, names []string) []string {
	known := map[string]bool{}
	for _, key := range all {
		known[key] = true
	}
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
	return keys[:min(len(keys), maxCustom)]
}
