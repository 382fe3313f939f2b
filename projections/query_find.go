// This file finds users by id and by e-mail, for those who write: whoever
// exists, at whatever time their first event is.

package projections

import (
	"context"
	"fmt"
	"slices"

	"boxoffice/domain"
	"boxoffice/eventstore"
	"boxoffice/internal/sqldb"
)

// FoundUsers are the users of some ids and e-mails, all of one moment.
type FoundUsers struct {
	// ByID has the users who are there, by the ids that were asked for.
	ByID map[string]*User
	// ByEmail has, for the e-mails that were asked for and that somebody has,
	// who: they are compared as domain.EmailKey has them.
	ByEmail  map[string]EmailMatch
	Position eventstore.Position
}

// An EmailMatch says who has an e-mail.
type EmailMatch struct {
	// User is nil where it is several.
	User *User
	// Users is how many have it.
	Users int64
}

// FindUsers returns the users of ids and of e-mails as they are at an instant, be
// it before their first event. It takes time in proportion
// to them, and to how many users share one of the e-mails.
func (r *Reader) FindUsers(ctx context.Context, ids, emails []string, at domain.Instant) (found FoundUsers, err error) {
	err = r.read(ctx, func(s *snapshot) error {
		found, err = s.findUsers(ctx, ids, emails, at)
		if err != nil {
			return fmt.Errorf("find users: %w", err)
		}
		return nil
	})
	return found, err
}

func (s *snapshot) findUsers(ctx context.Context, ids, emails []string, at domain.Instant) (FoundUsers, error) {
	found := FoundUsers{ByID: make(map[string]*User, len(ids)), ByEmail: map[string]EmailMatch{}, Position: s.Position}
	matches, err := s.countEmails(ctx, emails)
	if err != nil {
		return found, err
	}
	asked := slices.Clone(ids)
	for _, m := range matches {
		if m.users == 1 {
			asked = append(asked, m.id)
		}
	}
	all := make(map[string]*User, len(asked))
	for chunk := range slices.Chunk(texts(asked), sqldb.MaxKeys) {
		if err := readUsers(ctx, s, "u.id", chunk, at, func(_ sqldb.UUID, u *User) { all[u.ID] = u }); err != nil {
			return found, err
		}
	}
	for _, id := range ids {
		if u := all[id]; u != nil {
			found.ByID[id] = u
		}
	}
	for _, email := range emails {
		if m, ok := matches[domain.EmailKey(email)]; ok {
			match := EmailMatch{Users: m.users}
			if m.users == 1 {
				match.User = all[m.id]
			}
			found.ByEmail[email] = match
		}
	}
	return found, nil
}

// texts returns those that an engine takes as texts, each once.
func texts(all []string) []string {
	kept := slices.DeleteFunc(slices.Clone(all), func(text string) bool { return !isText(text) })
	slices.Sort(kept)
	return slices.Compact(kept)
}

// An emailCount is how many users have an e-mail, and the id of one of them.
type emailCount struct {
	users int64
	id    string
}

// countEmails counts who has the e-mails, by their keys.
func (s *snapshot) countEmails(ctx context.Context, emails []string) (map[string]emailCount, error) {
	folded := make([]string, 0, len(emails))
	for _, email := range emails {
		folded = append(folded, foldCase(email))
	}
	counts := map[string]emailCount{}
	for chunk := range slices.Chunk(texts(folded), sqldb.MaxKeys) {
		if err := s.readEmails(ctx, chunk, counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// readEmails counts who has e-mails, of which their folded forms are given: what is
// the same by its key is so when it is folded, too.
func (s *snapshot) readEmails(ctx context.Context, folded []string, counts map[string]emailCount) error {
	in, args := sqldb.In(s.d, "u.search_email", 1, folded)
	text := "SELECT u.email, COUNT(*), MIN(u.id) FROM users u WHERE u.id IS NOT NULL AND " + in + " GROUP BY u.email"
	return eachRow(ctx, s.tx, text, args, func(row scanner) error {
		var email string
		var c emailCount
		err := row.Scan(&email, &c.users, &c.id)
		key := domain.EmailKey(email)
		c.users += counts[key].users
		counts[key] = c
		return err
	})
}
