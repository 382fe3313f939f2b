// This file is what a dry run lays over the read models. It publishes nothing, so
// what earlier rows of the file would have done isn't in them; and it keeps no more
// of each user than a few hashes, so that its memory is bounded.

package accounts

import (
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
)

// An overlaidUser is a user as a row of the file would leave them: an index into
// the overlay.
type overlaidUser struct {
	all *overlay
	n   int32
}

// row gives the row that has made or changed the user.
func (u overlaidUser) row() int                         { return int(u.all.rows[u.n]) }
func (u overlaidUser) registeredAt() *domain.Instant    { return u.all.registered[u.n].orNil() }
func (u overlaidUser) value(importField) jsontext.Value { return nil }

func (u overlaidUser) says(f importField, cell string) bool {
	there := u.fields()[f.at]
	return there == u.all.short(cell) || there == u.all.short(u.all.columns.unguarded(cell))
}

// fields are what each column says, hashed; 0 for nothing.
func (u overlaidUser) fields() []uint32 {
	first := int(u.n) * u.all.width
	return u.all.fields[first : first+u.all.width]
}

// dryRunID stands for the id of a user in a dry run.
const dryRunID = "dry-run"

// An overlay is the users whom a dry run would have made or changed. A table for
// each thing that is remembered of them takes a tenth of what values would.
type overlay struct {
	seed    maphash.Seed
	columns *importColumns
	width   int

	rows       []int32
	fields     []uint32
	registered []optionalTime
	// before has who came to the same e-mail before, nobody for nobody.
	before []int32
	byID   map[uint64]int32
	// byEmail has who came to an e-mail last.
	byEmail map[uint64]int32
	// left is how many of the read models' users are overlaid by now and count as
	// such, by the e-mail that they had.
	left map[uint64]int64
}

const nobody = -1

// An optionalTime is an instant that may not be known: Never then.
type optionalTime domain.Instant

func (t optionalTime) orNil() *domain.Instant {
	if domain.Instant(t) == domain.Never {
		return nil
	}
	at := domain.Instant(t)
	return &at
}

func newOverlay(c *importColumns, width int) *overlay {
	return &overlay{seed: maphash.MakeSeed(), columns: c, width: width,
		byID: map[uint64]int32{}, byEmail: map[uint64]int32{}, left: map[uint64]int64{}}
}

// hash is a number for a text, which isn't 0; short is a smaller one.
func (o *overlay) hash(text string) uint64  { return maphash.String(o.seed, text) | 1 }
func (o *overlay) short(text string) uint32 { return uint32(o.hash(text)) }

// ofID is the overlaid user of an id.
func (o *overlay) ofID(id string) (overlaidUser, bool) {
	n, ok := o.byID[o.hash(id)]
	return overlaidUser{o, n}, ok
}

// note remembers what a row makes of a user, nil for one whom it makes, now.
func (o *overlay) note(r *importRow, user *foundUser, now domain.Instant) {
	made := o.add(r.number, o.columns.emailAfter(r, user))
	switch {
	case user != nil:
		o.byID[o.hash(user.ID)] = made.n
		o.takeOver(made, user, r)
	case r.id != "":
		o.byID[o.hash(r.id)] = made.n
	}
	for _, f := range o.columns.fields {
		if cell := r.cells[f.at]; cell != "" && (user == nil || !user.says(f, cell)) {
			made.fields()[f.at] = o.short(o.columns.unguarded(cell))
		}
	}
	switch {
	case r.registered != nil && (user == nil || !r.agreesWith(user)):
		o.registered[made.n] = optionalTime(r.registered.at)
	case user == nil:
		o.registered[made.n] = optionalTime(now)
	}
}

// add makes an overlaid user who has an e-mail, as compared.
func (o *overlay) add(row int, email string) overlaidUser {
	n, before := int32(len(o.rows)), int32(nobody)
	if last, ok := o.byEmail[o.hash(email)]; ok {
		before = last
	}
	o.byEmail[o.hash(email)] = n
	o.rows, o.before = append(o.rows, int32(row)), append(o.before, before)
	o.fields = append(o.fields, make([]uint32, o.width)...)
	o.registered = append(o.registered, optionalTime(domain.Never))
	return overlaidUser{o, n}
}

// takeOver takes what a user of the read models has.
func (o *overlay) takeOver(made overlaidUser, user *foundUser, r *importRow) {
	if user.RegisteredAt != nil {
		o.registered[made.n] = optionalTime(*user.RegisteredAt)
	}
	for _, f := range o.columns.fields {
		cell := r.cells[f.at]
		switch {
		case cell != "" && user.says(f, cell):
			made.fields()[f.at] = o.short(o.columns.unguarded(cell))
		case f.custom:
			if value := user.value(f); value != nil {
				made.fields()[f.at] = o.short(shownValue(value))
			}
		default:
			if text := profileText(&user.Profile, f.name); text != nil {
				made.fields()[f.at] = o.short(*text)
			}
		}
	}
	if user.Profile.Email != nil {
		o.left[o.hash(user.email())]++
	}
}

// ofEmail is the overlaid user who came to an e-mail last, how many have it, two at
// most, and how many of the read models' users no longer count.
func (o *overlay) ofEmail(email string) (last overlaidUser, have, left int64) {
	h := o.hash(email)
	left = o.left[h]
	n, ok := o.byEmail[h]
	switch {
	case !ok:
		return overlaidUser{}, 0, left
	case o.before[n] != nobody:
		return overlaidUser{o, n}, 2, left
	}
	return overlaidUser{o, n}, 1, left
}
