// This file finds whom the rows of an import are about.

package api

import (
	"context"
	"fmt"
	"maps"

	"boxoffice/eventstore"
	"boxoffice/projections"
)

// lookUp finds the users whom rows are about.
func (m *importer) lookUp(ctx context.Context, rows []importRow) error {
	var ids, emails []string
	for i := range rows {
		switch r := &rows[i]; {
		case r.fault != "":
		case r.id != "":
			ids = append(ids, r.id)
		default:
			emails = append(emails, r.email)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.service.Timeout)
	defer cancel()
	var err error
	if m.found, err = m.service.Reader.FindUsers(ctx, ids, emails, m.service.now()); err != nil {
		return err
	}
	ids = m.inDoubt(rows)
	states, err := m.service.Log.SubjectStates(ctx, ids)
	m.states = make(map[string]eventstore.SubjectState, len(ids))
	for i := range states {
		m.states[ids[i]] = states[i]
	}
	return err
}

// inDoubt gives the ids of which it matters whether an earlier user of them was
// erased: those of rows that make a user, or make the registration of one earlier.
func (m *importer) inDoubt(rows []importRow) []string {
	var ids []string
	for i := range rows {
		r := &rows[i]
		user := m.found.ByID[r.id]
		if r.id == "" {
			user = m.found.ByEmail[r.email].User
		}
		switch {
		case r.fault != "":
		case user == nil && r.id != "":
			ids = append(ids, r.id)
		case user != nil && r.registered != nil && (user.RegisteredAt == nil || !r.registered.agrees(*user.RegisteredAt)):
			ids = append(ids, user.ID)
		}
	}
	return ids
}

// again looks a row up that earlier rows of the window have to do with, once
// what these say is in the read models.
func (m *importer) again(ctx context.Context, r *importRow) error {
	if m.shadows != nil {
		return nil
	}
	if err := m.settle(ctx); err != nil {
		return err
	}
	found, states := m.found, m.states
	defer func() { m.found, m.states = found, states }()
	if err := m.lookUp(ctx, []importRow{*r}); err != nil {
		return err
	}
	maps.Copy(states, m.states)
	if r.id != "" {
		delete(found.ByID, r.id)
		if u := m.found.ByID[r.id]; u != nil {
			found.ByID[r.id] = u
		}
		return nil
	}
	delete(found.ByEmail, r.email)
	if match, ok := m.found.ByEmail[r.email]; ok {
		found.ByEmail[r.email] = match
	}
	return nil
}

// What a row is looked up by, as it stands in touched.
func touchedID(id string) string       { return "id " + id }
func touchedEmail(email string) string { return "email " + email }

// touch marks what a row changes of how users are found.
func (m *importer) touch(id, email string, user *foundUser) {
	m.touched[touchedID(id)], m.touched[touchedEmail(email)], m.touched[touchedEmail(user.email())] = true, true, true
}

// who gives the user whom a row is about, nil for one whom it makes.
func (m *importer) who(r *importRow) (importedUser, string, error) {
	if r.id != "" {
		if m.shadows != nil {
			if sh, ok := m.shadows.ofID(r.id); ok {
				return sh, "", nil
			}
		}
		return m.known(m.found.ByID[r.id])
	}
	match := m.found.ByEmail[r.email]
	if m.shadows == nil {
		if match.Users > 1 {
			return nil, severalMessage, nil
		}
		return m.known(match.User)
	}
	last, have, left := m.shadows.who(r.email)
	switch others := match.Users - left; {
	case others+have > 1 || others == 1 && match.User == nil:
		return nil, severalMessage, nil
	case have == 1:
		return last, "", nil
	case others == 1:
		return m.known(match.User)
	}
	return nil, "", nil
}

func (m *importer) known(u *projections.User) (importedUser, string, error) {
	if u == nil {
		return nil, "", nil
	}
	found, err := newFoundUser(u, m.columns)
	if err != nil {
		return nil, "", fmt.Errorf("the custom fields of a user: %w", err)
	}
	return found, "", nil
}
