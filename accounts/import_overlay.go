// This file is what a dry run lays over the read models: the dry-run overlay. It
// publishes nothing, so what earlier rows of the file would have done isn't in
// them. Of each user it keeps hashes of what they say, and these in a file where they
// are many.

package accounts

import (
	"encoding/binary"
	"hash/maphash"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/domain"
	"boxoffice/internal/tempfile"
)

// An overlaidUser is a user as a row of the file would leave them.
type overlaidUser struct {
	all *overlay
	// row is the row that has made or changed the user.
	row int32
	// registered is Never where it isn't known.
	registered domain.Instant
	// says has what columns say, hashed; without those that say nothing.
	texts map[uint32]uint32
}

func (u *overlaidUser) registeredAt() *domain.Instant {
	if u.registered == domain.Never {
		return nil
	}
	return &u.registered
}

func (u *overlaidUser) hasEmail() bool {
	_, has := u.texts[uint32(u.all.columns.email)]
	return has
}

func (u *overlaidUser) value(importField) jsontext.Value { return nil }

func (u *overlaidUser) says(f importField, cell string) bool {
	there, ok := u.texts[uint32(f.at)]
	return ok && (there == u.all.short(f, cell) || there == u.all.short(f, u.all.columns.unguarded(cell)))
}

// dryRunID stands for the id of a user in a dry run.
const dryRunID = "dry-run"

// An overlay is the users whom a dry run would have made or changed. It has to be
// closed.
type overlay struct {
	seed    maphash.Seed
	columns *importColumns
	users   *recordFile

	// byID has where users are, by their ids; and byEmail, by e-mail, where the one
	// is who came to it last, doubled, and one more where somebody came before.
	byID, byEmail *hashTable
	// left is how many of the read models' users are overlaid by now and count as
	// such, by the e-mail that they had.
	left *hashTable
}

func newOverlay(c *importColumns) *overlay {
	return &overlay{seed: maphash.MakeSeed(), columns: c, users: &recordFile{},
		byID: newHashTable(), byEmail: newHashTable(), left: newHashTable()}
}

func (o *overlay) close() {
	o.users.close()
	o.byID.close()
	o.byEmail.close()
	o.left.close()
}

// short is a small number for what a field says.
func (o *overlay) short(f importField, text string) uint32 {
	return uint32(maphash.String(o.seed, f.compared(text)))
}

// ofID is the overlaid user of an id.
func (o *overlay) ofID(id string) (*overlaidUser, error) {
	at, ok, err := o.byID.get(id)
	if err != nil || !ok {
		return nil, err
	}
	return o.read(at)
}

// note remembers what a row makes of a user, nil for one whom it makes, now.
func (o *overlay) note(r *importRow, user *foundUser, now domain.Instant) error {
	made := &overlaidUser{all: o, row: int32(r.number), registered: domain.Never, texts: map[uint32]uint32{}}
	if user != nil {
		made.takeOver(user)
	}
	for _, cell := range r.cells {
		if f, ok := o.columns.field(cell.Column); ok && (user == nil || !user.says(f, cell.Text)) {
			made.texts[uint32(f.at)] = o.short(f, o.columns.unguarded(cell.Text))
		}
	}
	switch {
	case made.registered != domain.Never:
	case r.registered != nil:
		made.registered = r.registered.at
	case user == nil:
		made.registered = now
	}
	at, err := o.users.add(made.encoded())
	if err != nil {
		return err
	}
	id := r.id
	if user != nil {
		id = user.ID
	}
	if id != "" {
		if err := o.byID.put(id, at); err != nil {
			return err
		}
	}
	return o.noteEmails(o.columns.emailAfter(r, user), user.email(), at)
}

// noteEmails remembers to which e-mail a user has come, and which they had in the
// read models; empty for none.
func (o *overlay) noteEmails(has, had string, at int64) error {
	if has != "" {
		last := 2 * at
		_, several, err := o.byEmail.get(has)
		if several {
			last++
		}
		if err != nil {
			return err
		}
		if err := o.byEmail.put(has, last); err != nil {
			return err
		}
	}
	if had == "" {
		return nil
	}
	left, _, err := o.left.get(had)
	if err != nil {
		return err
	}
	return o.left.put(had, left+1)
}

// takeOver takes what a user of the read models has.
func (u *overlaidUser) takeOver(user *foundUser) {
	if user.RegisteredAt != nil {
		u.registered = *user.RegisteredAt
	}
	keep := func(f importField, text string) { u.texts[uint32(f.at)] = u.all.short(f, text) }
	for _, name := range profileFields {
		if f, ok := u.all.columns.named(name); ok {
			if text := profileText(&user.Profile, name); text != nil {
				keep(f, *text)
			}
		}
	}
	for key, value := range user.custom {
		if f, ok := u.all.columns.named(customPrefix + key); ok {
			keep(f, shownValue(value))
		}
	}
}

// ofEmail is the overlaid user who came to an e-mail last, how many have it, two at
// most, and how many of the read models' users no longer count.
func (o *overlay) ofEmail(email string) (last *overlaidUser, have, left int64, err error) {
	if left, _, err = o.left.get(email); err != nil {
		return nil, 0, 0, err
	}
	at, ok, err := o.byEmail.get(email)
	if err != nil || !ok {
		return nil, 0, left, err
	}
	last, err = o.read(at / 2)
	return last, 1 + at%2, left, err
}

// encoded is a user as a record.
func (u *overlaidUser) encoded() []byte {
	to := binary.LittleEndian.AppendUint32(nil, uint32(u.row))
	to = binary.LittleEndian.AppendUint64(to, uint64(u.registered))
	for column, text := range u.texts {
		to = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(to, column), text)
	}
	return to
}

func (o *overlay) read(at int64) (*overlaidUser, error) {
	from, err := o.users.read(at)
	if err != nil {
		return nil, err
	}
	u := &overlaidUser{all: o, row: int32(binary.LittleEndian.Uint32(from)), registered: domain.Instant(binary.LittleEndian.Uint64(from[4:])), texts: map[uint32]uint32{}}
	for from = from[12:]; len(from) > 0; from = from[8:] {
		u.texts[binary.LittleEndian.Uint32(from)] = binary.LittleEndian.Uint32(from[4:])
	}
	return u, nil
}

// A recordFile keeps records of any length: the last ones in memory, and those
// before, where there are any, in a temporary file.
type recordFile struct {
	file *os.File
	size int64 // of the file
	tail []byte
}

// recordsInMemory is how much of a recordFile is in memory.
const recordsInMemory = 1 << 20

// add keeps a record, and returns where it is.
func (f *recordFile) add(record []byte) (at int64, err error) {
	if len(f.tail) > recordsInMemory {
		if err := f.spill(); err != nil {
			return 0, err
		}
	}
	at = f.size + int64(len(f.tail))
	f.tail = append(binary.LittleEndian.AppendUint32(f.tail, uint32(len(record))), record...)
	return at, nil
}

func (f *recordFile) spill() (err error) {
	if f.file == nil {
		if f.file, err = tempfile.New(); err != nil {
			return err
		}
	}
	n, err := f.file.Write(f.tail)
	f.size, f.tail = f.size+int64(n), f.tail[:0]
	return err
}

// read is the record that was kept at a place.
func (f *recordFile) read(at int64) ([]byte, error) {
	if at >= f.size {
		from := f.tail[at-f.size:]
		return from[4:][:binary.LittleEndian.Uint32(from)], nil
	}
	var length [4]byte
	if _, err := f.file.ReadAt(length[:], at); err != nil {
		return nil, err
	}
	record := make([]byte, binary.LittleEndian.Uint32(length[:]))
	_, err := f.file.ReadAt(record, at+int64(len(length)))
	return record, err
}

func (f *recordFile) close() {
	if f.file != nil {
		_ = f.file.Close() // which removes it
	}
}
