// This file folds the events of a part of the users in memory, within bounds:
// where what is kept of them would become too large, the part becomes smaller.

package projections

import (
	"bytes"
	"slices"
	"strings"
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

	narrowing sync.Mutex
	stripes   [shardStripes]stripe
}

// shardStripes is in how many parts, each with a lock, a shard keeps its users.
const shardStripes = 64

type stripe struct {
	mu    sync.Mutex
	users map[eventstore.UserKey]*shardUser
}

// A shardUser is what all events of a user come to.
type shardUser struct {
	subject  string
	erased   bool
	facts    domain.UserFacts
	sessions map[sessionName]*domain.SessionFacts
	size     int64

	// latest is the session that was reported last, which the next report is
	// most often of.
	latestName sessionName
	latest     *domain.SessionFacts
}

// A sessionName tells a user's sessions apart.
type sessionName struct{ sessionID, contentID string }

// About how many bytes are kept of a user, of a session, of an event of an
// entitlement or profile beside its data, and of a range of what was played.
const (
	userBytes    = 1024
	sessionBytes = 1024
	eventBytes   = 512
	rangeBytes   = 24
)

func newShard(keys *eventstore.Keys, budget int64) *shard {
	s := &shard{keys: keys, first: keys.Users.First, budget: budget}
	s.last.Store(keys.Users.Last)
	for i := range s.stripes {
		s.stripes[i].users = map[eventstore.UserKey]*shardUser{}
	}
	return s
}

// users gives the range of the users whom the shard has.
func (s *shard) users() eventstore.UserRange {
	return eventstore.UserRange{First: s.first, Last: s.last.Load()}
}

// take takes an event into the facts of its user.
func (s *shard) take(r *eventstore.Record) error {
	stripe := &s.stripes[r.User[len(r.User)-1]%shardStripes]
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	if r.User.Prefix() > s.last.Load() {
		return nil // the shard has become smaller since the event was asked for
	}
	u, grown := stripe.users[r.User], int64(0)
	if u == nil {
		u, grown = &shardUser{}, userBytes
		stripe.users[r.User] = u
	}
	if grown += u.take(r); grown > 0 {
		u.size += grown
		s.size.Add(grown)
	}
	return nil
}

// take gives by how many bytes what is kept has grown.
func (u *shardUser) take(r *eventstore.Record) int64 {
	e := &r.Event
	if r.Erased || e.Type == domain.UserErased {
		u.erased = true
	}
	if e.Subject != "" {
		u.subject = e.Subject
	}
	u.facts.Add(e)
	if e.Playback == nil {
		return int64(eventBytes + len(e.Public) + len(e.Personal))
	}
	session, grown := u.session(e.Playback)
	ranges := len(session.Ranges())
	session.Add(e)
	return grown + int64(len(session.Ranges())-ranges)*rangeBytes
}

// session gives the session that a report is of, a new one where there is none.
func (u *shardUser) session(p *domain.PlaybackReport) (session *domain.SessionFacts, grown int64) {
	name := sessionName{p.SessionID, p.ContentID}
	if u.latest != nil && u.latestName == name {
		return u.latest, 0
	}
	session = u.sessions[name]
	if session == nil {
		if u.sessions == nil {
			u.sessions = map[sessionName]*domain.SessionFacts{}
		}
		session, grown = &domain.SessionFacts{}, sessionBytes
		u.sessions[name] = session
	}
	u.latestName, u.latest = name, session
	return session, grown
}

// narrow gives up the upper half of the users, again and again, while what is
// kept is larger than it may be. They are in a later shard then.
func (s *shard) narrow() {
	if s.size.Load() <= s.budget {
		return
	}
	s.narrowing.Lock()
	defer s.narrowing.Unlock()
	for last := s.last.Load(); s.size.Load() > s.budget && last > s.first; {
		last = s.first + (last-s.first)/2
		s.last.Store(last)
		for i := range s.stripes {
			s.size.Add(-s.stripes[i].giveUp(last))
		}
	}
}

// giveUp drops the users after last, and gives how large they were.
func (st *stripe) giveUp(last uint64) (size int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for key, u := range st.users {
		if key.Prefix() > last {
			size += u.size
			delete(st.users, key)
		}
	}
	return size
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

// sorted gives the users' keys in order.
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

// sessionNames gives the names of a user's sessions in order.
func (u *shardUser) sessionNames() []sessionName {
	names := make([]sessionName, 0, len(u.sessions))
	for name := range u.sessions {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b sessionName) int {
		if c := strings.Compare(a.sessionID, b.sessionID); c != 0 {
			return c
		}
		return strings.Compare(a.contentID, b.contentID)
	})
	return names
}
