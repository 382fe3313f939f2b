// This file is what an import remembers of the rows that came before: the first
// occurrence of each user. That one counts. A further one may say what is so
// already and nothing else, for of two rows that each say their own, each would
// undo the other's work whenever the file is imported again.

package accounts

import (
	"crypto/sha256"
	"fmt"
)

// occurrences are the rows of a file that were the first about each user, whatever
// became of them. They take a few bytes a row, however long the texts in it are.
type occurrences struct {
	// byUser has the rows by the users' ids, without the users whom rows without
	// an id have made: only their e-mail leads to these.
	byUser map[textHash]int32
	// byEmail has the rows without an id by their e-mails.
	byEmail map[textHash]int32
}

func newOccurrences() *occurrences {
	return &occurrences{byUser: map[textHash]int32{}, byEmail: map[textHash]int32{}}
}

// A textHash stands for a text of any length.
type textHash [16]byte

func hashText(text string) textHash {
	sum := sha256.Sum256([]byte(text))
	return textHash(sum[:16])
}

// keepFirst keeps a row under a text that no row stands under yet, and returns the
// one that does.
func keepFirst(rows map[textHash]int32, text string, row int) int {
	h := hashText(text)
	if first, ok := rows[h]; ok {
		return int(first)
	}
	rows[h] = int32(row)
	return row
}

// firstOf is the first row about the user of a row, which is the row itself where
// none was before. user is nil for one who isn't there.
func (f *occurrences) firstOf(r *importRow, user matchedUser) int {
	if r.id != "" {
		return keepFirst(f.byUser, r.id, r.number)
	}
	sameEmail := keepFirst(f.byEmail, r.email, r.number)
	switch u := user.(type) {
	case overlaidUser:
		return u.row()
	case *foundUser:
		if sameEmail == r.number {
			return keepFirst(f.byUser, u.ID, r.number)
		}
		if first, ok := f.byUser[hashText(u.ID)]; ok {
			return int(first)
		}
	}
	return sameEmail
}

// repeatMessage is why a further row about a user is refused.
func repeatMessage(first int) string {
	return fmt.Sprintf("row %d is about this user already", first)
}

// emailFault is why a row mustn't give a user another e-mail: a row before has
// that one, or the one that the user had, and no id. Whom that row is about would
// be another question the next time. It is empty where there is no such row.
func (f *occurrences) emailFault(r *importRow, has, had string) string {
	if r.id == "" || has == had {
		return ""
	}
	if row, ok := f.byEmail[hashText(has)]; ok {
		return fmt.Sprintf("row %d has the same email and no id: whom it is about would change", row)
	}
	if row, ok := f.byEmail[hashText(had)]; ok {
		return fmt.Sprintf("row %d has the email that is replaced, and no id: whom it is about would change", row)
	}
	return ""
}
