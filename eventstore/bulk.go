// This file reads the log in bulk, for those who fold all of it at once: of a
// part of the users at a time, in no order, and with as little work for each
// event as there can be.

package eventstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"boxoffice/domain"
	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

// A UserRange is a range of pseudonyms, by their first eight bytes as a number;
// both ends are in it. Pseudonyms are random, so half of the numbers have about
// half of the users.
type UserRange struct{ First, Last uint64 }

// Everybody is the range with all users.
var Everybody = UserRange{Last: math.MaxUint64}

// Prefix returns the number by which ranges are counted.
func (u UserKey) Prefix() uint64 { return binary.BigEndian.Uint64(u[:8]) }

// bounds give the least and the greatest pseudonym of the range.
func (r UserRange) bounds() (first, last sqldb.UUID) {
	binary.BigEndian.PutUint64(first[:8], r.First)
	binary.BigEndian.PutUint64(last[:8], r.Last)
	for i := 8; i < len(last); i++ {
		last[i] = 0xff
	}
	return first, last
}

// Keys are the keys of the users of a range as they were at one moment. They
// are read-only.
type Keys struct {
	Users    UserRange
	erasures int64
	users    map[UserKey]*vault.User
}

// ID returns the id that a user has on the platform; false where the user was
// erased by the moment of the keys.
func (k *Keys) ID(user UserKey) (string, bool) {
	u := k.users[user]
	if u == nil {
		return "", false
	}
	return u.ID, true
}

// Keys reads the keys of the users of a range. Where these are more than limit,
// it reads about limit of them, and the range of what it returns ends earlier.
func (s *Store) Keys(ctx context.Context, r UserRange, limit int) (*Keys, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	first, last := r.bounds()
	users, err := s.vault.Range(ctx, s.db.SQL(), first, last, limit+1)
	if err != nil {
		return nil, fmt.Errorf("read the keys of users: %w", err)
	}
	if len(users) > limit {
		end := UserKey(users[limit].Pseudonym).Prefix()
		if end == UserKey(users[0].Pseudonym).Prefix() {
			return s.Keys(ctx, r, 2*limit) // they can't be told apart
		}
		r.Last, users = end-1, users[:limit]
	}
	keys := &Keys{Users: r, erasures: head.Erasures, users: make(map[UserKey]*vault.User, len(users))}
	for _, u := range users {
		if key := UserKey(u.Pseudonym); key.Prefix() <= r.Last {
			keys.users[key] = u
		}
	}
	return keys, nil
}

// ErasedSince returns those of the users who have been erased since their keys
// were read.
func (s *Store) ErasedSince(ctx context.Context, keys *Keys) ([]UserKey, error) {
	head, err := s.Head(ctx)
	if err != nil || head.Erasures == keys.erasures {
		return nil, err
	}
	there := make(map[UserKey]bool, len(keys.users))
	first, last := keys.Users.bounds()
	err = s.db.Scan(ctx, "SELECT user_key FROM users WHERE user_key >= $1 AND user_key <= $2", []any{first, last},
		func(row *sqldb.RawRow) error {
			there[UserKey(row.UUID(0))] = true
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("look for erased users: %w", err)
	}
	var erased []UserKey
	for key := range keys.users {
		if !there[key] {
			erased = append(erased, key)
		}
	}
	return erased, nil
}

// selectBulk selects what ReadOf needs.
const selectBulk = `SELECT time, type, user_key, source, id, data, sealed, CASE WHEN sealed IS NOT NULL THEN identity END
	FROM events WHERE position > $1 AND position <= $2`

// ReadOf hands to take the events after a position up to last, included, of the
// users of a range that is the keys' or a part of it, in no order and in this
// goroutine. The events are as Read returns them, except that they have no
// Subject, which the keys have, and that what has no effect on the rules (an
// extension, say) isn't opened. An event and the bytes in it hold until take
// returns; its texts stay.
func (s *Store) ReadOf(ctx context.Context, keys *Keys, users UserRange, after, last Position, take func(UserKey, *domain.Event) error) error {
	query, args := selectBulk, []any{int64(after), int64(last)}
	if users != Everybody {
		least, greatest := users.bounds()
		query += " AND user_key >= $3 AND user_key <= $4"
		args = append(args, least, greatest)
	}
	r := bulkReader{keys: keys}
	err := s.db.Scan(ctx, query, args, func(row *sqldb.RawRow) error {
		user := UserKey(row.UUID(2))
		event, err := r.read(row, user)
		if err != nil {
			return err
		}
		return take(user, event)
	})
	if err != nil {
		return fmt.Errorf("read the log from %d to %d: %w", after+1, last, err)
	}
	return nil
}

// A bulkReader makes events from rows, one after the other.
type bulkReader struct {
	keys         *Keys
	kind, source string
	restorer     domain.Restorer
}

func (r *bulkReader) read(row *sqldb.RawRow, user UserKey) (*domain.Event, error) {
	r.kind, r.source = row.Text(1, r.kind), row.Text(3, r.source)
	var personal []byte
	if sealed := row.Bytes(6); sealed != nil && domain.HasPersonal(domain.Type(r.kind)) {
		if u := r.keys.users[user]; u != nil {
			var err error
			if personal, err = u.Open(vault.Hash(row.Bytes(7)), sealed); err != nil {
				return nil, err
			}
		}
	}
	stamp := domain.Stamp{Time: domain.Instant(row.Micros(0)), Source: r.source, ID: row.Text(4, "")}
	return r.restorer.Restore(domain.Type(r.kind), stamp, "", row.Bytes(5), personal)
}
