// This file is the lists: users, sessions and contents.

package oracle

import (
	"cmp"
	"sort"
	"strings"

	"golang.org/x/text/cases"
)

// A UsersQuery asks for the list of users; its zero value but for At asks for
// all in the default order. From is inclusive and To exclusive.
type UsersQuery struct {
	At                           Instant
	Status                       string
	RegisteredFrom, RegisteredTo *Instant
	UpdatedFrom, UpdatedTo       *Instant
	Q                            string
	Sort                         string // empty: -registered_at
}

// Users returns the whole list of users that a query asks for.
func (o *Oracle) Users(q UsersQuery) []User {
	var found []*user
	for _, u := range o.users {
		if u.present(q.At) && u.matches(q) {
			found = append(found, u)
		}
	}
	sortUsers(found, q.Sort)
	list := []User{}
	for _, u := range found {
		list = append(list, u.answer(q.At))
	}
	return list
}

func (u *user) matches(q UsersQuery) bool {
	if status, _ := u.status(q.At); q.Status != "" && q.Status != status {
		return false
	}
	if !inRange(u.registeredAt, q.RegisteredFrom, q.RegisteredTo) || !inRange(u.updatedAt, q.UpdatedFrom, q.UpdatedTo) {
		return false
	}
	return q.Q == "" || u.found(q.Q)
}

// inRange says that an instant is at or after from and before to. One that
// isn't there is in no range.
func inRange(i, from, to *Instant) bool {
	if from == nil && to == nil {
		return true
	}
	return i != nil && (from == nil || *from <= *i) && (to == nil || *i < *to)
}

// found says that a text is part of "first_name last_name", of the e-mail or of
// the id, after Unicode case folding.
func (u *user) found(q string) bool {
	fold := cases.Fold()
	var names []string
	for _, name := range []string{"first_name", "last_name"} {
		if v := u.profile.fields[name]; v != nil {
			names = append(names, *v)
		}
	}
	texts := []string{strings.Join(names, " "), u.id}
	if v := u.profile.fields["email"]; v != nil {
		texts = append(texts, *v)
	}
	for _, text := range texts {
		if strings.Contains(fold.String(text), fold.String(q)) {
			return true
		}
	}
	return false
}

// sortUsers sorts by registered_at or updated_at, ascending or (with -)
// descending, with nulls last, and ties by id.
func sortUsers(all []*user, by string) {
	name, descending := strings.CutPrefix(cmp.Or(by, "-registered_at"), "-")
	key := func(u *user) *Instant {
		if name == "updated_at" {
			return u.updatedAt
		}
		return u.registeredAt
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := key(all[i]), key(all[j])
		switch {
		case (a == nil) != (b == nil):
			return b == nil
		case a != nil && *a != *b:
			return (*a < *b) != descending
		}
		return all[i].id < all[j].id
	})
}

// UserCounts returns the numbers of users of each status at t.
func (o *Oracle) UserCounts(t Instant) (c Counts) {
	for _, u := range o.users {
		if !u.present(t) {
			continue
		}
		switch status, _ := u.status(t); status {
		case "registered":
			c.Registered++
		case "active":
			c.Active++
		case "canceled":
			c.Canceled++
		}
		c.Total++
	}
	return c
}

// A SessionsQuery asks for viewing sessions with started_at in [From, To), as
// they are at At. Empty ids ask for all users and all contents.
type SessionsQuery struct {
	At        Instant
	UserID    string
	ContentID string
	From, To  *Instant
}

// Sessions returns the sessions that a query asks for, latest first, then by
// session_id, content_id and user_id, null last.
func (o *Oracle) Sessions(q SessionsQuery) []UserSession {
	var found []*session
	for _, s := range o.sessionsOf(q.UserID) {
		if inRange(&s.startedAt, q.From, q.To) && (q.ContentID == "" || q.ContentID == s.content) {
			found = append(found, s)
		}
	}
	sort.SliceStable(found, func(i, j int) bool {
		a, b := found[i], found[j]
		if a.user.erased != b.user.erased && a.startedAt == b.startedAt && a.id == b.id && a.content == b.content {
			return b.user.erased
		}
		return cmp.Or(-cmp.Compare(a.startedAt, b.startedAt), cmp.Compare(a.id, b.id),
			cmp.Compare(a.content, b.content), cmp.Compare(a.user.id, b.user.id)) < 0
	})
	list := []UserSession{}
	for _, s := range found {
		answer := UserSession{Session: s.answer(q.At, Instant(o.opts.SessionTimeout.Microseconds()))}
		if !s.user.erased {
			answer.UserID = &s.user.id
		}
		list = append(list, answer)
	}
	return list
}

// sessionsOf returns one user's sessions, or with no id those of all, erased
// users' too.
func (o *Oracle) sessionsOf(id string) (all []*session) {
	for _, u := range o.all {
		if id == "" || id == u.id && !u.erased {
			u.fold()
			all = append(all, u.sessions...)
		}
	}
	return all
}

// UserContents returns what a user viewed in sessions with started_at in
// [from, to), latest last_event_at first, then by content_id.
func (o *Oracle) UserContents(id string, from, to *Instant) []Content {
	all := byContent(o.started(id, from, to))
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(-cmp.Compare(a.lastEvent(), b.lastEvent()), cmp.Compare(a.content, b.content)) < 0
	})
	list := []Content{}
	for _, v := range all {
		c := v.answer()
		c.CompletionRate = rate(completion(v.watched(), v.length()))
		list = append(list, c)
	}
	return list
}

// Contents returns what all users viewed in sessions with started_at in
// [from, to), most sessions first, then by content_id. The completion rate is
// the mean of the sessions'.
func (o *Oracle) Contents(from, to *Instant) []ContentOfAll {
	all := byContent(o.started("", from, to))
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(-cmp.Compare(len(a.sessions), len(b.sessions)), cmp.Compare(a.content, b.content)) < 0
	})
	list := []ContentOfAll{}
	for _, v := range all {
		c := ContentOfAll{Content: v.answer(), Users: v.users()}
		c.CompletionRate = rate(v.meanCompletion())
		list = append(list, c)
	}
	return list
}

func (o *Oracle) started(id string, from, to *Instant) (found []*session) {
	for _, s := range o.sessionsOf(id) {
		if inRange(&s.startedAt, from, to) {
			found = append(found, s)
		}
	}
	return found
}
