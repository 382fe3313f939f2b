// This file is the log as a few lines of rules, in memory: what the real one is
// compared with over random schedules.

package storetest

import (
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A Model is what the log should hold. It knows nothing of keys and hashes: an
// identity is a text, and what was erased is marked. It isn't safe for
// concurrent use.
type Model struct {
	Events  []*ModelEvent
	Refused []*ModelRefused

	byID   map[string]*ModelEvent
	users  map[string]*ModelUser // by subject, those who aren't erased
	erased map[string]domain.Instant
	taken  []delivered
}

// A ModelEvent is an event in the log, at the position of its place in Events.
type ModelEvent struct {
	Draft Draft
	User  *ModelUser
}

// A ModelUser is one person; two of one id are two, where the first was erased.
type ModelUser struct{ Erased bool }

// A ModelRefused is a message that is kept as refused.
type ModelRefused struct {
	Sequence uint64
	Draft    Draft
	Reason   domain.Reason
	// Bare says that nothing of it is kept but its time, type and reason.
	Bare bool
}

// A Draft is one message of a schedule. Two drafts of one id are the same event
// only if they are equal.
type Draft struct {
	Kind    domain.Type
	Subject string
	ID      string
	At      domain.Instant
	Data    string // JSON
	// Bad says that Data breaks the type's rule, and Broken that it isn't
	// JSON at all.
	Bad, Broken bool
}

// A delivered is a message, each time that it is delivered.
type delivered struct {
	sequence uint64
	draft    Draft
}

// NewModel makes the model of an empty log.
func NewModel() *Model {
	return &Model{byID: map[string]*ModelEvent{}, users: map[string]*ModelUser{}, erased: map[string]domain.Instant{}}
}

// Clone returns a model of its own that has taken the same.
func (m *Model) Clone() *Model {
	other := NewModel()
	for _, d := range m.taken {
		other.Take(d.sequence, d.draft)
	}
	return other
}

// An Outcome is where a message ends.
type Outcome string

// The outcomes of Take.
const (
	Appended  Outcome = "appended"
	Duplicate Outcome = "duplicate"
	Refused   Outcome = "refused"
)

// Take takes one message of the broker's and says where it ends. A message that
// is delivered once more has the sequence number that it had.
func (m *Model) Take(sequence uint64, d Draft) Outcome {
	m.taken = append(m.taken, delivered{sequence, d})
	if d.Broken {
		return m.refuse(sequence, d, domain.Malformed, false)
	}
	gone := m.gone(d)
	if d.Bad {
		return m.refuse(sequence, d, domain.InvalidData, gone)
	}
	before := m.byID[d.ID]
	switch {
	case before != nil && (before.User.Erased || before.Draft == d):
		return Duplicate
	case gone:
		return m.refuse(sequence, d, domain.Erased, true)
	case before != nil:
		return m.refuse(sequence, d, domain.Conflict, false)
	}
	m.record(d)
	return Appended
}

// refuse keeps a message as refused, once.
func (m *Model) refuse(sequence uint64, d Draft, reason domain.Reason, bare bool) Outcome {
	kept := slices.ContainsFunc(m.Refused, func(r *ModelRefused) bool { return r.Sequence == sequence })
	if !kept {
		m.Refused = append(m.Refused, &ModelRefused{Sequence: sequence, Draft: d, Reason: reason, Bare: bare})
	}
	return Refused
}

// gone says whether a message is about a user who was erased.
func (m *Model) gone(d Draft) bool {
	at, erased := m.erased[d.Subject]
	switch {
	case !erased:
		return false
	case d.At <= at:
		return true
	default:
		return m.users[d.Subject] == nil && d.Kind != domain.UserRegistered
	}
}

func (m *Model) record(d Draft) {
	if m.users[d.Subject] == nil {
		m.users[d.Subject] = &ModelUser{}
	}
	e := &ModelEvent{Draft: d, User: m.users[d.Subject]}
	m.Events = append(m.Events, e)
	m.byID[d.ID] = e
	if d.Kind != domain.UserErased {
		return
	}
	e.User.Erased = true
	delete(m.users, d.Subject)
	m.erased[d.Subject] = d.At
	m.Refused = slices.DeleteFunc(m.Refused, func(r *ModelRefused) bool {
		return r.Draft.Subject == d.Subject && !r.Bare && !r.Draft.Broken
	})
}

// Text is the draft as an event, in structured mode.
func (d Draft) Text() []byte {
	if d.Broken {
		return []byte("broken " + d.ID)
	}
	return message{kind: d.Kind, subject: d.Subject, id: d.ID, at: d.At.String(), data: d.Data}.text()
}

// Incoming is the draft as a message that was delivered and judged at now.
func (d Draft) Incoming(sequence uint64, now domain.Instant) eventstore.Incoming {
	text := d.Text()
	e, refusal := domain.Decode(&domain.Message{Body: text}, now)
	return eventstore.Incoming{Sequence: sequence, Event: e, Refusal: refusal, Raw: text, ReceivedAt: now}
}
