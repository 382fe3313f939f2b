// This file is what an import remembers of the rows that came before: the first
// occurrence of each user. That one counts. A further one may say what is so
// already and nothing else, for of two rows that each say their own, each would
// undo the other's work whenever the file is imported again.

package accounts

// occurrences are the rows of a file that were the first about each user, whatever
// became of them.
type occurrences struct {
	// byUser has the rows by the users' ids, without the users whom rows without
	// an id have made: only their e-mail leads to these.
	byUser *hashTable
	// byEmail has the rows without an id by their e-mails.
	byEmail *hashTable
}

func newOccurrences() *occurrences {
	return &occurrences{byUser: newHashTable(), byEmail: newHashTable()}
}

func (f *occurrences) close() {
	f.byUser.close()
	f.byEmail.close()
}

// keepFirst keeps a row under a text that no row stands under yet, and returns the
// one that does.
func (t *hashTable) keepFirst(text string, row int) (int, error) {
	first, ok, err := t.get(text)
	if err != nil || ok {
		return int(first), err
	}
	return row, t.put(text, int64(row))
}

// firstOf is the first row about the user of a row, which is the row itself where
// none was before. user is nil for one who isn't there.
func (f *occurrences) firstOf(r *importRow, user matchedUser) (int, error) {
	if r.id != "" {
		return f.byUser.keepFirst(r.id, r.number)
	}
	sameEmail, err := f.byEmail.keepFirst(r.email, r.number)
	if err != nil {
		return 0, err
	}
	switch u := user.(type) {
	case *overlaidUser:
		return int(u.row), nil
	case *foundUser:
		if sameEmail == r.number {
			return f.byUser.keepFirst(u.ID, r.number)
		}
		if first, ok, err := f.byUser.get(u.ID); err != nil || ok {
			return int(first), err
		}
	}
	return sameEmail, nil
}

// The reasons for which a row is refused for what a row before says.
const (
	repeatedUser  = "row %d is about this user already"
	emailGoesTo   = "row %d has the same email and no id: whom it is about would change"
	emailIsLostBy = "row %d has the email that is replaced, and no id: whom it is about would change"
)

// emailFault is why a row mustn't give a user another e-mail: a row before has
// that one, or the one that the user had, and no id. Whom that row is about would
// be another question the next time. It is empty where there is no such row.
func (f *occurrences) emailFault(r *importRow, has, had string) (reason, error) {
	if r.id == "" || has == had {
		return reason{}, nil
	}
	row, found, err := f.byEmail.get(has)
	if err != nil || found {
		return reason{emailGoesTo, int(row)}, err
	}
	row, found, err = f.byEmail.get(had)
	if err != nil || found {
		return reason{emailIsLostBy, int(row)}, err
	}
	return reason{}, nil
}
