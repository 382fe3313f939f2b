// This file matches the rows of an import with users.

package accounts

import (
	"context"
	"fmt"
	"maps"

	"boxoffice/eventstore"
	"boxoffice/projections"
)

// lookUp finds the users whom rows are about.
func (m *Import) lookUp(ctx context.Context, rows []importRow) error {
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
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	var err error
	if m.found, err = m.service.config.Reader.FindUsers(ctx, ids, emails, m.service.now()); err != nil {
		return err
	}
	ids = m.inDoubt(rows)
	states, err := m.service.config.Log.SubjectStates(ctx, ids)
	m.states = make(map[string]eventstore.SubjectState, len(ids))
	for i := range states {
		m.states[ids[i]] = states[i]
	}
	return err
}

// inDoubt are the ids of which it matters whether an earlier user of them was
// erased: those of rows that make a user, or make the registration of one earlier.
func (m *Import) inDoubt(rows []importRow) []string {
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

// lookUpAgain looks a row up that earlier rows of the window have to do with, once
// what these say is in the read models.
func (m *Import) lookUpAgain(ctx context.Context, r *importRow) error {
	if m.overlay != nil {
		return nil // which shows it already
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
func (m *Import) touch(id, email string, user *foundUser) {
	m.touched[touchedID(id)] = true
	for _, email := range []string{email, user.email()} {
		if email != "" {
			m.touched[touchedEmail(email)] = true
		}
	}
}

// match is the user whom a row is about, nil for one whom it makes.
func (m *Import) match(r *importRow) (matchedUser, string, error) {
	if r.id != "" {
		if m.overlay != nil {
			if user, err := m.overlay.ofID(r.id); err != nil || user != nil {
				return user, "", err
			}
		}
		return m.known(m.found.ByID[r.id])
	}
	found := m.found.ByEmail[r.email]
	if m.overlay == nil {
		if found.Users > 1 {
			return nil, severalMessage, nil
		}
		return m.known(found.User)
	}
	last, have, left, err := m.overlay.ofEmail(r.email)
	switch others := found.Users - left; {
	case err != nil:
		return nil, "", err
	case others+have > 1 || others == 1 && found.User == nil:
		return nil, severalMessage, nil
	case have == 1:
		return last, "", nil
	case others == 1:
		return m.known(found.User)
	}
	return nil, "", nil
}

func (m *Import) known(u *projections.User) (matchedUser, string, error) {
	if u == nil {
		return nil, "", nil
	}
	found, err := newFoundUser(u, m.columns)
	if err != nil {
		return nil, "", fmt.Errorf("the custom fields of a user: %w", err)
	}
	return found, "", nil
}
