// This file is what a dry run remembers of its rows. It publishes nothing, so
// what earlier rows of the file would have done isn't in the read models; and it
// keeps no more of each user than a few hashes, so that its memory is bounded.

package api

import (
	"hash/maphash"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// A shadow is a user as rows of the file have left them.
type shadow struct {
	all        *shadows
	id         string
	registered *domain.Instant
	updated    domain.Instant
	fields     []uint64 // what each column says, hashed; 0 for nothing
	email      uint64
}

func (s *shadow) userID() string                   { return s.id }
func (s *shadow) registeredAt() *domain.Instant    { return s.registered }
func (s *shadow) updatedAt() *domain.Instant       { return &s.updated }
func (s *shadow) value(importField) jsontext.Value { return nil }

func (s *shadow) says(f importField, cell string) bool {
	return s.fields[f.at] == s.all.hash(cell) || s.fields[f.at] == s.all.hash(s.all.columns.unguarded(cell))
}

// shadows are the users whom a dry run would have made or changed.
type shadows struct {
	seed    maphash.Seed
	columns *importColumns
	width   int
	byID    map[string]*shadow
	byEmail map[uint64][]*shadow
	// left is how many of the read models' users would no longer have an e-mail.
	left map[uint64]int64
}

func newShadows(c *importColumns, width int) *shadows {
	return &shadows{seed: maphash.MakeSeed(), columns: c, width: width,
		byID: map[string]*shadow{}, byEmail: map[uint64][]*shadow{}, left: map[uint64]int64{}}
}

// hash gives a number for a text, which isn't 0.
func (s *shadows) hash(text string) uint64 { return maphash.String(s.seed, text) | 1 }

// note remembers what a row makes of a user, nil for one whom it makes, now.
func (s *shadows) note(r *importRow, user importedUser, id string, now domain.Instant) {
	sh, known := user.(*shadow)
	if !known {
		sh = &shadow{all: s, id: id, fields: make([]uint64, s.width)}
		s.byID[id] = sh
	}
	if u, ok := user.(*foundUser); ok {
		s.takeOver(sh, u, r)
	}
	for _, f := range s.columns.fields {
		if cell := r.cells[f.at]; cell != "" && (user == nil || !user.says(f, cell)) {
			sh.fields[f.at] = s.hash(s.columns.unguarded(cell))
		}
	}
	switch {
	case r.registered != nil && !r.agreesWith(user):
		sh.registered = &r.registered.at
	case user == nil:
		sh.registered = &now
	}
	sh.updated = now
	s.moveEmail(sh, s.hash(r.email))
}

// takeOver takes what a user of the read models has.
func (s *shadows) takeOver(sh *shadow, u *foundUser, r *importRow) {
	sh.registered = u.RegisteredAt
	for _, f := range s.columns.fields {
		cell := r.cells[f.at]
		switch {
		case cell != "" && u.says(f, cell):
			sh.fields[f.at] = s.hash(s.columns.unguarded(cell))
		case f.custom:
			if value := u.value(f); value != nil {
				sh.fields[f.at] = s.hash(shownValue(value))
			}
		default:
			if text := profileText(&u.Profile, f.name); text != nil {
				sh.fields[f.at] = s.hash(*text)
			}
		}
	}
	if u.Profile.Email != nil {
		sh.email = s.hash(fold(*u.Profile.Email))
		s.byEmail[sh.email] = append(s.byEmail[sh.email], sh)
		s.left[sh.email]++ // counted as a shadow from now on
	}
}

// moveEmail takes a user from one e-mail to another.
func (s *shadows) moveEmail(sh *shadow, email uint64) {
	if sh.email == email {
		return
	}
	sh.email = email
	s.byEmail[email] = append(s.byEmail[email], sh)
}

// who gives the shadows who have an e-mail, and how many of the read models'
// users no longer count.
func (s *shadows) who(foldedEmail string) (have []*shadow, left int64) {
	email := s.hash(foldedEmail)
	for _, sh := range s.byEmail[email] {
		if sh.email == email {
			have = append(have, sh)
		}
	}
	return have, s.left[email]
}

// nextID gives an id for a user whom a row makes.
func (s *shadows) nextID() string { return "\x00" + strconv.Itoa(len(s.byID)) }
