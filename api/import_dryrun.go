// This file is what a dry run remembers of its rows. It publishes nothing, so
// what earlier rows of the file would have done isn't in the read models; and it
// keeps no more of each user than a few hashes, so that its memory is bounded.

package api

import (
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// A shadow is a user as a row of the file has left them: a place in shadows.
type shadow struct {
	all *shadows
	n   int32
}

// row gives the row that has made or changed the user.
func (s shadow) row() int                         { return int(s.all.rows[s.n]) }
func (s shadow) registeredAt() *domain.Instant    { return s.all.registered[s.n].orNil() }
func (s shadow) value(importField) jsontext.Value { return nil }

func (s shadow) says(f importField, cell string) bool {
	there := s.fields()[f.at]
	return there == s.all.short(cell) || there == s.all.short(s.all.columns.unguarded(cell))
}

// fields are what each column says, hashed; 0 for nothing.
func (s shadow) fields() []uint32 {
	first := int(s.n) * s.all.width
	return s.all.fields[first : first+s.all.width]
}

// dryRunID stands for the id of a user in a dry run.
const dryRunID = "dry-run"

// shadows are the users whom a dry run would have made or changed. A table for
// each thing that is remembered of them takes a tenth of what values would.
type shadows struct {
	seed    maphash.Seed
	columns *importColumns
	width   int

	rows       []int32
	fields     []uint32
	registered []optionalTime
	// before has who came to the same e-mail before, noShadow for nobody.
	before []int32
	byID   map[uint64]int32
	// byEmail has who came to an e-mail last.
	byEmail map[uint64]int32
	// left is how many of the read models' users are shadows by now and count
	// as such, by the e-mail that they had.
	left map[uint64]int64
}

const noShadow = -1

// An optionalTime is an instant that may not be known: Never then.
type optionalTime domain.Instant

func (t optionalTime) orNil() *domain.Instant {
	if domain.Instant(t) == domain.Never {
		return nil
	}
	at := domain.Instant(t)
	return &at
}

func newShadows(c *importColumns, width int) *shadows {
	return &shadows{seed: maphash.MakeSeed(), columns: c, width: width,
		byID: map[uint64]int32{}, byEmail: map[uint64]int32{}, left: map[uint64]int64{}}
}

// hash gives a number for a text, which isn't 0; short gives a smaller one.
func (s *shadows) hash(text string) uint64  { return maphash.String(s.seed, text) | 1 }
func (s *shadows) short(text string) uint32 { return uint32(s.hash(text)) }

// ofID gives the shadow of an id.
func (s *shadows) ofID(id string) (shadow, bool) {
	n, ok := s.byID[s.hash(id)]
	return shadow{s, n}, ok
}

// note remembers what a row makes of a user, nil for one whom it makes, now.
func (s *shadows) note(r *importRow, user *foundUser, now domain.Instant) {
	sh := s.add(r.number, s.columns.emailAfter(r, user))
	switch {
	case user != nil:
		s.byID[s.hash(user.ID)] = sh.n
		s.takeOver(sh, user, r)
	case r.id != "":
		s.byID[s.hash(r.id)] = sh.n
	}
	for _, f := range s.columns.fields {
		if cell := r.cells[f.at]; cell != "" && (user == nil || !user.says(f, cell)) {
			sh.fields()[f.at] = s.short(s.columns.unguarded(cell))
		}
	}
	switch {
	case r.registered != nil && (user == nil || !r.agreesWith(user)):
		s.registered[sh.n] = optionalTime(r.registered.at)
	case user == nil:
		s.registered[sh.n] = optionalTime(now)
	}
}

// add makes a shadow who has an e-mail, as compared.
func (s *shadows) add(row int, email string) shadow {
	n, before := int32(len(s.rows)), int32(noShadow)
	if last, ok := s.byEmail[s.hash(email)]; ok {
		before = last
	}
	s.byEmail[s.hash(email)] = n
	s.rows, s.before = append(s.rows, int32(row)), append(s.before, before)
	s.fields = append(s.fields, make([]uint32, s.width)...)
	s.registered = append(s.registered, optionalTime(domain.Never))
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
		s.left[s.hash(u.email())]++
	}
}

// who gives the shadow who came to an e-mail last, how many have it, two at most,
// and how many of the read models' users no longer count.
func (s *shadows) who(email string) (last shadow, have, left int64) {
	h := s.hash(email)
	left = s.left[h]
	n, ok := s.byEmail[h]
	switch {
	case !ok:
		return shadow{}, 0, left
	case s.before[n] != noShadow:
		return shadow{s, n}, 2, left
	}
	return shadow{s, n}, 1, left
}
