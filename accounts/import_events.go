// This file turns the rows of an import into events, publishes these a lot at a
// time, and counts the rows by what the log says.

package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"boxoffice/domain"
)

// A pendingRow is a row whose events are published with the next lot.
type pendingRow struct {
	outcome RowOutcome // where the log records its events
	events  int
}

// create makes the user of a row.
func (m *Import) create(ctx context.Context, r *importRow) error {
	state := m.states[r.id]
	at := after(m.service.now(), state.ErasedAt)
	if r.registered != nil {
		at = r.registered.at
		if state.ErasedAt != nil && at <= *state.ErasedAt {
			m.refuse(r.number, erasedMessage)
			return nil
		}
	}
	fault, err := m.occurrences.emailFault(r, r.email, "")
	if err != nil {
		return err
	}
	if fault.text != "" {
		m.refuseFor(r.number, fault)
		return nil
	}
	id := r.id
	switch {
	case id != "":
	case m.overlay != nil:
		id = dryRunID
	default:
		id = NewUserID()
	}
	event := ownEvent{eventType: domain.UserRegistered, userID: id, time: at, data: m.columns.changedData(r.cells, nil), mustBeNew: true}
	return m.put(ctx, r, nil, RowOutcome{Row: r.number, Outcome: RowCreated, UserID: id}, []ownEvent{event})
}

// change changes the user of a row.
func (m *Import) change(ctx context.Context, r *importRow, user *foundUser) error {
	fault, err := m.occurrences.emailFault(r, m.columns.emailAfter(r, user), user.email())
	if err != nil {
		return err
	}
	if fault.text != "" {
		m.refuseFor(r.number, fault)
		return nil
	}
	var events []ownEvent
	if r.registered != nil && !r.agreesWith(user) {
		if fault := m.registrationFault(r, user); fault != "" {
			m.refuse(r.number, fault)
			return nil
		}
		events = append(events, ownEvent{eventType: domain.UserRegistered, userID: user.ID, time: r.registered.at, data: json.RawMessage("{}")})
	}
	if data := m.columns.changedData(r.cells, user); data != nil {
		at := after(m.service.now(), user.UpdatedAt)
		events = append(events, ownEvent{eventType: domain.UserUpdated, userID: user.ID, time: at, data: data})
	}
	if len(events) == 0 {
		m.count(RowOutcome{Row: r.number, Outcome: RowUnchanged, UserID: user.ID})
		return nil
	}
	return m.put(ctx, r, user, RowOutcome{Row: r.number, Outcome: RowUpdated, UserID: user.ID}, events)
}

// registrationFault is why the registration of a user mustn't be what a row says,
// which isn't what is recorded; empty where none is, and it may.
func (m *Import) registrationFault(r *importRow, user *foundUser) string {
	there, erased := user.RegisteredAt, m.states[user.ID].ErasedAt
	switch at := r.registered.at; {
	case there != nil && at > *there:
		return "registered_at is later than the registration that is recorded"
	case erased != nil && at <= *erased:
		return erasedMessage
	case there != nil:
		return "registered_at is earlier than the registration that is recorded"
	}
	return ""
}

// put judges the events of a row, and adds them to what is published next. The
// outcome is that of a row whose events are recorded.
func (m *Import) put(ctx context.Context, r *importRow, user *foundUser, outcome RowOutcome, events []ownEvent) error {
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
	if m.overlay != nil {
		if err := m.overlay.note(r, user, m.service.now()); err != nil {
			return err
		}
		if r.id == "" && user == nil {
			outcome.UserID = "" // nobody has it
		}
		m.count(outcome)
		return nil
	}
	if len(m.pending)+len(composed) > maxSettled || m.size+size > pendingBytes {
		if err := m.settle(ctx); err != nil {
			return err
		}
	}
	m.pending, m.size = append(m.pending, composed...), m.size+size
	m.pendingRows = append(m.pendingRows, pendingRow{outcome, len(composed)})
	m.touch(outcome.UserID, r.email, user)
	return nil
}

// stillAlone makes sure that no other import may be running by now, which would
// make the same users.
func (m *Import) stillAlone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpWithin)
	defer cancel()
	err := m.lock.Check(ctx)
	if err == nil {
		return nil
	}
	m.service.config.Logger.ErrorContext(ctx, "an import has lost its lock, and stops", "error", err)
	return &UnavailableError{Cause: CauseLock, Reason: "the connection to the database that keeps other imports from running beside this one has broken; import the file again"}
}

// settle publishes what is pending, and counts the rows by the log's verdicts.
func (m *Import) settle(ctx context.Context) error {
	if len(m.pending) == 0 {
		return nil
	}
	if err := m.stillAlone(ctx); err != nil {
		return err
	}
	last := m.pendingRows[len(m.pendingRows)-1].outcome.Row
	// Whoever goes away in the middle isn't followed: rows that are published and
	// not shown yet would be made once more by the next import.
	verdicts, err := m.service.settle(context.WithoutCancel(ctx), m.pending, importWithin)
	if errors.Is(err, errNotSettled) {
		return notSettled(err, fmt.Sprintf("the rows up to %d are %%s, but the read models don't show them yet; ", last)+
			"wait until they do before the file is imported again, for users without an id would be made twice")
	}
	if u, ok := errors.AsType[*UnavailableError](err); ok {
		return u.adding(fmt.Sprintf("The rows up to %d may be stored all the same: a user without an id among them would be made twice; "+
			"see that they aren't there before the file is imported again", last))
	}
	if err != nil {
		return err
	}
	for _, row := range m.pendingRows {
		if reason := refusalOf(verdicts[:row.events]); reason != "" {
			m.refuse(row.outcome.Row, reason)
		} else {
			m.count(row.outcome)
		}
		verdicts = verdicts[row.events:]
	}
	m.pending, m.pendingRows, m.size = m.pending[:0], m.pendingRows[:0], 0
	return nil
}
