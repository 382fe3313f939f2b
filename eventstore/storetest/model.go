// This file is the log as a few lines of rules, in memory: what the real one is
// compared with over random schedules.

package storetest

import (
	"fmt"

	"boxoffice/domain"
)

// A model is what the log should hold. It knows nothing of keys and hashes: an
// identity is a text, and what was erased is marked.
type model struct {
	events  []*modelEvent
	byID    map[string]*modelEvent
	users   map[string]*modelUser // by subject, those who aren't erased
	erased  map[string]domain.Instant
	refused []*modelRefused
}

type modelEvent struct {
	draft draft
	user  *modelUser
}

type modelUser struct{ erased bool }

type modelRefused struct {
	draft  draft
	reason domain.Reason
	bare   bool
}

// A draft is one message of a schedule. Two drafts of one id are the same event
// only if they are equal.
type draft struct {
	kind    domain.Type
	subject string
	id      string
	at      domain.Instant
	variant int
	// bad says that its data breaks the type's rule, and broken that it isn't
	// JSON at all.
	bad, broken bool
}

func newModel() *model {
	return &model{byID: map[string]*modelEvent{}, users: map[string]*modelUser{}, erased: map[string]domain.Instant{}}
}

// take takes one message and says where it ends.
func (m *model) take(d draft) string {
	if d.broken {
		m.refused = append(m.refused, &modelRefused{draft: d, reason: domain.Malformed})
		return "refused"
	}
	gone := m.gone(d)
	if d.bad {
		m.refused = append(m.refused, &modelRefused{draft: d, reason: domain.InvalidData, bare: gone})
		return "refused"
	}
	before := m.byID[d.id]
	switch {
	case before != nil && (before.user.erased || before.draft == d):
		return "duplicate"
	case gone:
		m.refused = append(m.refused, &modelRefused{draft: d, reason: domain.Erased, bare: true})
		return "refused"
	case before != nil:
		m.refused = append(m.refused, &modelRefused{draft: d, reason: domain.Conflict})
		return "refused"
	}
	m.record(d)
	return "appended"
}

// gone says whether a message is about a user who was erased.
func (m *model) gone(d draft) bool {
	at, erased := m.erased[d.subject]
	switch {
	case !erased:
		return false
	case d.at <= at:
		return true
	default:
		return m.users[d.subject] == nil && d.kind != domain.UserRegistered
	}
}

func (m *model) record(d draft) {
	if m.users[d.subject] == nil {
		m.users[d.subject] = &modelUser{}
	}
	e := &modelEvent{draft: d, user: m.users[d.subject]}
	m.events = append(m.events, e)
	m.byID[d.id] = e
	if d.kind != domain.UserErased {
		return
	}
	e.user.erased = true
	delete(m.users, d.subject)
	m.erased[d.subject] = d.at
	var kept []*modelRefused
	for _, r := range m.refused {
		if r.draft.subject != d.subject || r.bare || r.draft.broken {
			kept = append(kept, r)
		}
	}
	m.refused = kept
}

// text is the draft as an event.
func (d draft) text() []byte {
	if d.broken {
		return []byte("broken " + d.id)
	}
	m := message{kind: d.kind, subject: d.subject, id: d.id, at: d.at.String()}
	switch {
	case d.bad:
		m.data = `{"email":7}`
	case d.kind == domain.PlaybackProgressed:
		m.data = fmt.Sprintf(`{"session_id":"s","content_id":"c","position_s":%d}`, d.variant)
	default:
		m.data = fmt.Sprintf(`{"email":"%d@example.org"}`, d.variant)
	}
	return m.text()
}
