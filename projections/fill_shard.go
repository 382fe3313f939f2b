// This file folds the events of a part of the users in memory, within bounds:
// where what is kept of them would become too large, the part becomes smaller.

package projections

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A shard holds the facts of the users of a range. Events are taken by several
// goroutines at once.
type shard struct {
	keys   *eventstore.Keys
	first  uint64
	last   atomic.Uint64
	budget int64
	size   atomic.Int64 // about how many bytes are kept

	fitting sync.Mutex
	stripes [shardStripes]stripe
}

// shardStripes is in how many parts, each with a lock, a shard keeps its users.
const shardStripes = 64

type stripe struct {
	mu    sync.Mutex
	users map[eventstore.UserKey]*shardUser
}

// About how many bytes are kept of a user and their key, of an event of an
// entitlement or profile beside its data, of what is retracted beside its source
// and id, of a session that is open and of one that is packed, and of a range of
// what was played.
const (
	userBytes          = 768
	eventBytes         = 192
	retractionBytes    = 96
	sessionBytes       = 896
	packedSessionBytes = 192
	rangeBytes         = 24
)

func newShard(keys *eventstore.Keys, budget int64) *shard {
	s := &shard{keys: keys, first: keys.Users.First, budget: budget}
	s.last.Store(keys.Users.Last)
	for i := range s.stripes {
		s.stripes[i].users = map[eventstore.UserKey]*shardUser{}
	}
	return s
}

// users returns the range of the users whom the shard has.
func (s *shard) users() eventstore.UserRange {
	return eventstore.UserRange{First: s.first, Last: s.last.Load()}
}

// retract takes up what is retracted. No event of the shard has been taken yet.
func (s *shard) retract(r eventstore.Retraction) {
	_ = s.change(r.User, func(u *shardUser) (int64, error) { return u.retract(r.Names), nil })
}

// take takes an event into the facts of its user.
func (s *shard) take(user eventstore.UserKey, e *domain.Event) error {
	return s.change(user, func(u *shardUser) (int64, error) { return u.take(e) })
}

// change changes what is kept of a user, and keeps within bounds what is kept of
// all.
func (s *shard) change(user eventstore.UserKey, f func(*shardUser) (grown int64, err error)) error {
	err := s.changeUser(user, f)
	if s.size.Load() > s.budget {
		s.fit()
	}
	return err
}

func (s *shard) changeUser(user eventstore.UserKey, f func(*shardUser) (grown int64, err error)) error {
	stripe := &s.stripes[user[len(user)-1]%shardStripes]
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	if user.Prefix() > s.last.Load() {
		return nil // the shard has become smaller since the event was asked for
	}
	u, grown := stripe.users[user], int64(0)
	if u == nil {
		u, grown = newShardUser(), userBytes
		stripe.users[user] = u
	}
	more, err := f(u)
	if grown += more; grown != 0 {
		u.size += grown
		s.size.Add(grown)
	}
	return err
}

// fit sees to it that what is kept isn't larger than it may be. It packs what
// hasn't been touched for a while, then all. Where that isn't enough it gives up
// the upper half of the users, again and again: they are in a later shard then.
func (s *shard) fit() {
	s.fitting.Lock()
	defer s.fitting.Unlock()
	if s.size.Load() <= s.budget {
		return // another goroutine has done it
	}
	// A quarter is left free, so that this isn't done for each event.
	enough := s.budget - s.budget/4
	for range 2 { // after the first time nothing has been touched
		if s.size.Load() > enough {
			s.each(func(st *stripe) int64 { return st.pack() })
		}
	}
	for last := s.last.Load(); s.size.Load() > enough && last > s.first; {
		last = s.first + (last-s.first)/2
		s.last.Store(last)
		s.each(func(st *stripe) int64 { return st.giveUp(last) })
	}
}

// each runs f on each stripe, which returns by how much it has made it smaller.
func (s *shard) each(f func(*stripe) int64) {
	for i := range s.stripes {
		st := &s.stripes[i]
		st.mu.Lock()
		s.size.Add(-f(st))
		st.mu.Unlock()
	}
}

// pack packs what hasn't been touched since the last time, and returns by how
// much that is smaller.
func (st *stripe) pack() (saved int64) {
	for _, u := range st.users {
		less := u.pack()
		u.size -= less
		saved += less
	}
	return saved
}

// giveUp drops the users after last, and returns how large they were.
func (st *stripe) giveUp(last uint64) (size int64) {
	for key, u := range st.users {
		if key.Prefix() > last {
			size += u.size
			delete(st.users, key)
		}
	}
	return size
}

// id returns the id that a user has on the platform, and takes note of it where
// the user has been erased.
func (s *shard) id(key eventstore.UserKey, u *shardUser) string {
	id, there := s.keys.ID(key)
	if !there {
		u.erased = true
	}
	return id
}

// forget drops what is personal of users who have been erased meanwhile.
func (s *shard) forget(erased []eventstore.UserKey) {
	for _, key := range erased {
		if u := s.user(key); u != nil {
			u.erased = true
		}
	}
}

func (s *shard) user(key eventstore.UserKey) *shardUser {
	return s.stripes[key[len(key)-1]%shardStripes].users[key]
}

// sorted returns the users' keys in order.
func (s *shard) sorted() []eventstore.UserKey {
	var keys []eventstore.UserKey
	for i := range s.stripes {
		for key := range s.stripes[i].users {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b eventstore.UserKey) int { return bytes.Compare(a[:], b[:]) })
	return keys
}
