// This file turns the rows of an import into events, publishes these a lot at a
// time, and counts the rows by what the log says.

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"boxoffice/domain"
)

// A pendingRow is a row whose events are published with the next lot.
type pendingRow struct {
	number int
	count  *int // what to count it as
	events int
}

// create makes the user of a row.
func (m *importer) create(ctx context.Context, r *importRow) error {
	state := m.states[r.id]
	at := after(m.service.now(), state.ErasedAt)
	if r.registered != nil {
		at = r.registered.at
		if state.ErasedAt != nil && at <= *state.ErasedAt {
			m.refuse(r.number, erasedMessage)
			return nil
		}
	}
	if fault := m.first.emailFault(r, r.email, ""); fault != "" {
		m.refuse(r.number, fault)
		return nil
	}
	id := r.id
	switch {
	case id != "":
	case m.shadows != nil:
		id = dryRunID
	default:
		id = newUserID()
	}
	event := ownEvent{eventType: domain.UserRegistered, userID: id, time: at, data: m.columns.changedData(r.cells, nil), mustBeNew: true}
	return m.put(ctx, r, nil, id, &m.result.Created, []ownEvent{event})
}

// change changes the user of a row.
func (m *importer) change(ctx context.Context, r *importRow, user *foundUser) error {
	if fault := m.first.emailFault(r, m.columns.emailAfter(r, user), user.email()); fault != "" {
		m.refuse(r.number, fault)
		return nil
	}
	var events []ownEvent
	if r.registered != nil && !r.agreesWith(user) {
		if there := user.RegisteredAt; there != nil && r.registered.at > *there {
			m.refuse(r.number, "registered_at is later than the registration that is recorded")
			return nil
		}
		if erased := m.states[user.ID].ErasedAt; erased != nil && r.registered.at <= *erased {
			m.refuse(r.number, erasedMessage)
			return nil
		}
		events = append(events, ownEvent{eventType: domain.UserRegistered, userID: user.ID, time: r.registered.at, data: json.RawMessage("{}")})
	}
	if data := m.columns.changedData(r.cells, user); data != nil {
		at := after(m.service.now(), user.UpdatedAt)
		events = append(events, ownEvent{eventType: domain.UserUpdated, userID: user.ID, time: at, data: data})
	}
	if len(events) == 0 {
		m.result.Unchanged++
		return nil
	}
	return m.put(ctx, r, user, user.ID, &m.result.Updated, events)
}

// put judges the events of a row, and adds them to what is published next.
func (m *importer) put(ctx context.Context, r *importRow, user *foundUser, id string, count *int, events []ownEvent) error {
	composed := make([]*composedEvent, 0, len(events))
	size := 0
	for _, e := range events {
		c, refusal := m.service.compose(e)
		if refusal != nil {
			m.refuse(r.number, importFault(refusal))
			return nil
		}
		composed = append(composed, c)
		size += len(c.message.Data)
	}
	if m.shadows != nil {
		m.shadows.note(r, user, m.service.now())
		*count++
		return nil
	}
	if len(m.pending)+len(composed) > mostSettled || m.size+size > pendingBytes {
		if err := m.settle(ctx); err != nil {
			return err
		}
	}
	m.pending, m.size = append(m.pending, composed...), m.size+size
	m.pendingRows = append(m.pendingRows, pendingRow{r.number, count, len(composed)})
	m.touch(id, r.email, user)
	return nil
}

// settle publishes what is pending, and counts the rows by the log's verdicts.
func (m *importer) settle(ctx context.Context) error {
	if len(m.pending) == 0 {
		return nil
	}
	last := m.pendingRows[len(m.pendingRows)-1].number
	// Whoever goes away in the middle isn't followed: rows that are published and
	// not shown yet would be made once more by the next import.
	verdicts, err := m.service.settle(context.WithoutCancel(ctx), m.pending, importWithin)
	if errors.Is(err, errNotSettled) {
		return unavailable(fmt.Sprintf("the rows up to %d are %s, but the read models don't show them yet; "+
			"wait until they do before the file is imported again, for users without an id would be made twice", last, howStored(err)))
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.adding(fmt.Sprintf("The rows up to %d may be stored all the same: a user without an id among them would be made twice; "+
			"see that they aren't there before the file is imported again", last))
	}
	if err != nil {
		return err
	}
	for _, row := range m.pendingRows {
		if reason := refusalOf(verdicts[:row.events]); reason != "" {
			m.refuse(row.number, reason)
		} else {
			*row.count++
		}
		verdicts = verdicts[row.events:]
	}
	m.pending, m.pendingRows, m.size = m.pending[:0], m.pendingRows[:0], 0
	return nil
}
