// This file is a user's key: what is encrypted and hashed under it.

package vault

import (
	"crypto/cipher"
	"crypto/sha256"
	"fmt"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A User is a user who hasn't been erased, with their key. It is read-only and
// safe for concurrent use.
type User struct {
	Pseudonym sqldb.UUID
	// ID is the user's id on the platform, and Subject its keyed hash.
	ID      string
	Subject Hash
	// After is the time of the erasure of an earlier user of the same id:
	// events at or before it aren't this user's. Always where there was none.
	After domain.Instant

	key        [32]byte // what is wrapped; the others are derived from it
	sealKey    [32]byte
	contentKey [32]byte
}

// NewUser makes a pseudonym and a key for a user who isn't in the vault yet.
// Nothing is stored until [Vault.Insert].
func (v *Vault) NewUser(id string, after domain.Instant) *User {
	u := &User{Pseudonym: newPseudonym(), ID: id, Subject: v.SubjectHash(id), After: after, key: newKey()}
	u.derive()
	return u
}

// newPseudonym makes a random UUID, version 4.
func newPseudonym() sqldb.UUID {
	random := newKey()
	p := sqldb.UUID(random[:16])
	p[6] = p[6]&0x0f | 0x40
	p[8] = p[8]&0x3f | 0x80
	return p
}

func (u *User) derive() {
	u.sealKey = derive(u.key[:], "boxoffice user seal")
	u.contentKey = derive(u.key[:], "boxoffice user content")
}

// Seal encrypts what is personal in the event of that identity.
func (u *User) Seal(identity Hash, personal []byte) []byte {
	return sealWith(newAEAD(&u.sealKey), personal, u.associated(identity))
}

// Open decrypts what Seal has encrypted.
func (u *User) Open(identity Hash, sealed []byte) ([]byte, error) {
	return openWith(newAEAD(&u.sealKey), sealed, u.associated(identity))
}

// associated binds a ciphertext to its event and user. The position isn't part
// of it, so that it can be encrypted before the position is known.
func (u *User) associated(identity Hash) []byte {
	data := make([]byte, 0, 1+len(identity)+len(u.Pseudonym))
	data = append(data, sealVersion)
	data = append(data, identity[:]...)
	return append(data, u.Pseudonym[:]...)
}

// ContentRoom is what has to stand before the content that is given to
// [User.ContentHash].
var ContentRoom [sha256.BlockSize]byte

// ContentHash hashes the canonical content of an event of this user. content
// begins with [ContentRoom], which is overwritten. It is the HMAC of what
// follows, computed in place: there is one for every event, and crypto/hmac
// would allocate as much as the event.
func (u *User) ContentHash(content []byte) Hash {
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		var k byte
		if i < len(u.contentKey) {
			k = u.contentKey[i]
		}
		content[i] = k ^ 0x36
		outer[i] = k ^ 0x5c
	}
	inner := sha256.Sum256(content)
	copy(outer[sha256.BlockSize:], inner[:])
	sum := sha256.Sum256(outer[:])
	return Hash(sum[:16])
}

// sealID encrypts the user's id.
func (u *User) sealID() []byte {
	return sealWith(newAEAD(&u.sealKey), []byte(u.ID), idData(u.Pseudonym))
}

// openUser makes a user from their row, whose key is under wrapping.
func openUser(r *userRow, wrapping cipher.AEAD) (*User, error) {
	u := &User{Pseudonym: r.pseudonym, Subject: Hash(r.subject), After: domain.Always}
	if r.erasedAt != sqldb.Endless {
		u.After = domain.Instant(r.erasedAt)
	}
	key, err := openWith(wrapping, r.wrapped, keyData(u.Pseudonym))
	if err != nil || len(key) != len(u.key) {
		return nil, fmt.Errorf("unwrap the key of the user %s: %w", u.Pseudonym, errOpen)
	}
	u.key = [32]byte(key)
	u.derive()
	id, err := openWith(newAEAD(&u.sealKey), r.sealedID, idData(u.Pseudonym))
	if err != nil {
		return nil, fmt.Errorf("open the id of the user %s: %w", u.Pseudonym, err)
	}
	u.ID = string(id)
	return u, nil
}

func idData(p sqldb.UUID) []byte  { return append([]byte("id of "), p[:]...) }
func keyData(p sqldb.UUID) []byte { return append([]byte("key of "), p[:]...) }
