// This file is about users: their profile, and what they are at an instant.

package oracle

import "encoding/json"

// A profile has each field's latest value; null or never given is nil.
type profile struct {
	fields map[string]*string
	custom map[string]json.RawMessage
}

var profileFields = []string{"email", "first_name", "last_name", "locale", "country", "platform"}

// foldProfile: registered_at is the time of the first user.registered, and
// updated_at that of the latest event that registers or updates. Each field has
// the value of the latest of them that carries it. Custom fields likewise, key
// by key: a null key is removed, and custom: null removes all.
func (u *user) foldProfile() {
	u.profile = profile{map[string]*string{}, map[string]json.RawMessage{}}
	for _, e := range u.events {
		if e.typ != "user.registered" && e.typ != "user.updated" {
			continue
		}
		if e.typ == "user.registered" && u.registeredAt == nil {
			u.registeredAt = &e.at
		}
		u.updatedAt = &e.at
		for _, name := range profileFields {
			if raw, carried := e.data[name]; carried {
				u.profile.fields[name] = must(text(raw))
			}
		}
		if raw, carried := e.data["custom"]; carried {
			u.profile.merge(raw)
		}
	}
}

func (p *profile) merge(raw json.RawMessage) {
	if isNull(raw) {
		p.custom = map[string]json.RawMessage{}
		return
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		panic(err)
	}
	for k, v := range keys {
		if isNull(v) {
			delete(p.custom, k)
		} else {
			p.custom[k] = v
		}
	}
}

// status is a user's at t, and since when: active in a span of any entitlement,
// since that united span's start; canceled after one, since the end of the last
// one that ended; registered otherwise, since registration, or since the first
// event where there is no registration.
func (u *user) status(t Instant) (string, Instant) {
	u.fold()
	status, since := "registered", u.first
	if u.registeredAt != nil {
		since = *u.registeredAt
	}
	for _, s := range u.access {
		switch {
		case s.contains(t):
			return "active", s.from
		case s.from <= t: // and it has ended
			status, since = "canceled", s.to
		}
	}
	return status, since
}

// present says that a user is in lists and counts at t: from their first event
// on, and not once erased.
func (u *user) present(t Instant) bool {
	u.fold()
	return !u.erased && len(u.events) > 0 && u.first <= t
}
