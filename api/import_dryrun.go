// This file is what a dry run remembers of its rows. It publishes nothing, so
// what earlier rows of the file would have done isn't in the read models; and it
// keeps no more of each user than a few hashes, so that its memory is bounded.

package api

import (
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// A shadow is a user as rows of the file have left them: a place in shadows.
type shadow struct {
	all *shadows
	n   int
}

// userID gives an id that is nobody's: nothing is published under it.
func (s shadow) userID() string                   { return dryRunID }
func (s shadow) registeredAt() *domain.Instant    { return s.all.registered[s.n].orNil() }
func (s shadow) updatedAt() *domain.Instant       { return nil }
func (s shadow) value(importField) jsontext.Value { return nil }

func (s shadow) says(f importField, cell string) bool {
	there := s.fields()[f.at]
	return there == s.all.short(cell) || there == s.all.short(s.all.columns.unguarded(cell))
}

// fields are what each column says, hashed; 0 for nothing.
func (s shadow) fields() []uint32 { return s.all.fields[s.n*s.all.width : (s.n+1)*s.all.width] }

// dryRunID stands for the id of a user in a dry run.
const dryRunID = "dry-run"

// shadows are the users whom a dry run would have made or changed. A table for
// each thing that is remembered of them takes a tenth of what values would.
type shadows struct {
	seed    maphash.Seed
	columns *importColumns
	width   int

	fields     []uint32
	registered []optionalTime
	email      []uint64 // as compared, hashed
	byID       map[uint64]int
	// byEmail has who had an e-mail last, and before who had it before that; -1
	// ends the chain.
	byEmail map[uint64]int
	before  []emailLink
	// left is how many of the read models' users are shadows by now and count
	// as such, by the e-mail that they had.
	left map[uint64]int64
}

// An optionalTime is an instant that may not be known: Never then.
type optionalTime domain.Instant

func (t optionalTime) orNil() *domain.Instant {
	if domain.Instant(t) == domain.Never {
		return nil
	}
	at := domain.Instant(t)
	return &at
}

// An emailLink says that a user has had an e-mail.
type emailLink struct{ user, next int }

func newShadows(c *importColumns, width int) *shadows {
	return &shadows{seed: maphash.MakeSeed(), columns: c, width: width,
		byID: map[uint64]int{}, byEmail: map[uint64]int{}, left: map[uint64]int64{}}
}

// hash gives a number for a text, which isn't 0; short gives a smaller one.
func (s *shadows) hash(text string) uint64  { return maphash.String(s.seed, text) | 1 }
func (s *shadows) short(text string) uint32 { return uint32(s.hash(text)) }

// ofID gives the shadow of an id.
func (s *shadows) ofID(id string) (shadow, bool) {
	n, ok := s.byID[s.hash(id)]
	return shadow{s, n}, ok
}

// note remembers what a row makes of a user, nil for one whom it makes, now. id
// is empty for one whose id is made up.
func (s *shadows) note(r *importRow, user importedUser, id string, now domain.Instant) {
	sh, known := user.(shadow)
	if !known {
		sh = s.add(id)
	}
	if u, ok := user.(*foundUser); ok {
		s.takeOver(sh, u, r)
	}
	for _, f := range s.columns.fields {
		if cell := r.cells[f.at]; cell != "" && (user == nil || !user.says(f, cell)) {
			sh.fields()[f.at] = s.short(s.columns.unguarded(cell))
		}
	}
	switch {
	case r.registered != nil && !r.agreesWith(user):
		s.registered[sh.n] = optionalTime(r.registered.at)
	case user == nil:
		s.registered[sh.n] = optionalTime(now)
	}
	s.moveEmail(sh, s.hash(r.email))
}

func (s *shadows) add(id string) shadow {
	n := len(s.email)
	s.fields = append(s.fields, make([]uint32, s.width)...)
	s.registered = append(s.registered, optionalTime(domain.Never))
	s.email = append(s.email, 0)
	if id != "" {
		s.byID[s.hash(id)] = n
	}
	return shadow{s, n}
}

// takeOver takes what a user of the read models has.
func (s *shadows) takeOver(sh shadow, u *foundUser, r *importRow) {
	if u.RegisteredAt != nil {
		s.registered[sh.n] = optionalTime(*u.RegisteredAt)
	}
	for _, f := range s.columns.fields {
		cell := r.cells[f.at]
		switch {
		case cell != "" && u.says(f, cell):
			sh.fields()[f.at] = s.short(s.columns.unguarded(cell))
		case f.custom:
			if value := u.value(f); value != nil {
				sh.fields()[f.at] = s.short(shownValue(value))
			}
		default:
			if text := profileText(&u.Profile, f.name); text != nil {
				sh.fields()[f.at] = s.short(*text)
			}
		}
	}
	if u.Profile.Email != nil {
		email := s.hash(fold(*u.Profile.Email))
		s.moveEmail(sh, email)
		s.left[email]++
	}
}

// moveEmail takes a user from one e-mail to another.
func (s *shadows) moveEmail(sh shadow, email uint64) {
	if s.email[sh.n] == email {
		return
	}
	s.email[sh.n] = email
	next, ok := s.byEmail[email]
	if !ok {
		next = -1
	}
	s.byEmail[email] = len(s.before)
	s.before = append(s.before, emailLink{sh.n, next})
}

// who gives a shadow who has an e-mail, how many have it, two at most, and how
// many of the read models' users no longer count.
func (s *shadows) who(foldedEmail string) (one shadow, have, left int64) {
	email := s.hash(foldedEmail)
	at, ok := s.byEmail[email]
	for ; ok && at >= 0 && have < 2; at = s.before[at].next {
		// One who came back to an e-mail is in the chain twice.
		if n := s.before[at].user; s.email[n] == email && (have == 0 || n != one.n) {
			one = shadow{s, n}
			have++
		}
	}
	return one, have, s.left[email]
}
