// This file keeps what all events of one user come to while read models are
// filled. What isn't touched for a while is packed into its binary form, which
// is several times smaller: most viewing sessions are over after some hours.

package projections

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"boxoffice/domain"
)

// A shardUser is what the events of a user come to. Facts are either open or
// packed, and so is each session.
type shardUser struct {
	erased    bool
	retracted domain.Retractions // to be complete before the first event is taken
	first     domain.Instant     // of all events; all that playback changes of facts
	size      int64              // about how many bytes are kept

	facts     *domain.UserFacts
	packed    []byte
	factsSize int64 // of the facts while they are open
	touched   bool  // since the last time that it was packed

	sessions map[sessionName]*shardSession
	// latest is the session that was reported last, which the next report is
	// most often of.
	latestName sessionName
	latest     *shardSession
}

// A sessionName tells a user's sessions apart.
type sessionName struct{ sessionID, contentID string }

type shardSession struct {
	facts   *domain.SessionFacts
	packed  []byte
	touched bool
}

func newShardUser() *shardUser { return &shardUser{first: domain.Never, facts: &domain.UserFacts{}} }

// known says that an event of the user counts.
func (u *shardUser) known() bool { return u.first != domain.Never }

// retract takes up what is retracted, and returns by how many bytes what is kept
// has grown.
func (u *shardUser) retract(named domain.Retraction) int64 {
	if u.retracted == nil {
		u.retracted = domain.Retractions{}
	}
	u.retracted.Retract(named)
	return int64(retractionBytes + len(named.Source) + len(named.ID))
}

// take takes an event, and returns by how many bytes what is kept has grown.
func (u *shardUser) take(e *domain.Event) (grown int64, err error) {
	if !u.retracted.Counts(e) {
		return 0, nil
	}
	if e.Playback == nil || e.Time < u.first {
		if grown, err = u.openFacts(); err != nil {
			return 0, err
		}
		u.first = min(u.first, e.Time)
		u.facts.Add(e)
	}
	if e.Playback != nil {
		more, err := u.play(e)
		return grown + more, err
	}
	size := int64(eventBytes + len(e.Public) + len(e.Personal))
	u.factsSize += size
	return grown + size, nil
}

// openFacts opens the facts where they are packed.
func (u *shardUser) openFacts() (grown int64, err error) {
	u.touched = true
	if u.facts != nil {
		return 0, nil
	}
	if u.facts, err = domain.DecodeUserFacts(u.packed); err != nil {
		return 0, err
	}
	u.factsSize = eventBytes + 4*int64(len(u.packed))
	grown = u.factsSize - int64(len(u.packed))
	u.packed = nil
	return grown, nil
}

// play takes a report into its session.
func (u *shardUser) play(e *domain.Event) (grown int64, err error) {
	name := sessionName{e.Playback.SessionID, e.Playback.ContentID}
	session := u.latest
	if session == nil || u.latestName != name {
		if session = u.sessions[name]; session == nil {
			if u.sessions == nil {
				u.sessions = map[sessionName]*shardSession{}
			}
			session, grown = &shardSession{facts: &domain.SessionFacts{}}, sessionBytes
			u.sessions[name] = session
		}
		u.latestName, u.latest = name, session
	}
	session.touched = true
	if session.facts == nil {
		if session.facts, err = domain.DecodeSessionFacts(name.sessionID, name.contentID, session.packed); err != nil {
			return grown, err
		}
		grown += session.openSize() - session.packedSize()
		session.packed = nil
	}
	ranges := len(session.facts.Ranges())
	session.facts.Add(e)
	return grown + int64(len(session.facts.Ranges())-ranges)*rangeBytes, nil
}

func (s *shardSession) openSize() int64 {
	return sessionBytes + int64(len(s.facts.Ranges()))*rangeBytes
}

func (s *shardSession) packedSize() int64 { return packedSessionBytes + int64(len(s.packed)) }

// pack packs what hasn't been touched since the last time, and returns by how
// many bytes that is smaller. What has no binary form stays as it is: writing
// its rows says why.
func (u *shardUser) pack() (saved int64) {
	for _, s := range u.sessions {
		if s.facts == nil || s.touched {
			s.touched = false
			continue
		}
		open := s.openSize()
		if packed, err := s.facts.AppendBinary(nil); err == nil {
			s.packed, s.facts = bytes.Clone(packed), nil
			saved += open - s.packedSize()
		}
	}
	if u.facts == nil || u.touched {
		u.touched = false
		return saved
	}
	if packed, err := u.facts.AppendBinary(nil); err == nil {
		u.packed, u.facts = bytes.Clone(packed), nil
		saved += u.factsSize - int64(len(u.packed))
		u.factsSize = 0
	}
	return saved
}

// allFacts returns the user's facts as they are once everything has been taken,
// without what is personal where the user was erased, and their binary form.
func (u *shardUser) allFacts() (*domain.UserFacts, []byte, error) {
	facts := u.facts
	if facts == nil {
		var err error
		if facts, err = domain.DecodeUserFacts(u.packed); err != nil {
			return nil, nil, err
		}
	}
	if u.erased {
		facts.Forget()
	}
	binary, err := facts.AppendBinary(nil)
	return facts, binary, err
}

// eachSession hands over the sessions, in the order of their names, with their
// binary form.
func (u *shardUser) eachSession(f func(sessionName, *domain.SessionFacts, []byte)) error {
	for _, name := range u.sessionNames() {
		facts, binary := u.sessions[name].facts, u.sessions[name].packed
		var err error
		if facts == nil {
			facts, err = domain.DecodeSessionFacts(name.sessionID, name.contentID, binary)
		} else {
			binary, err = facts.AppendBinary(nil)
		}
		if err != nil {
			return fmt.Errorf("facts of a session: %w", err)
		}
		f(name, facts, binary)
	}
	return nil
}

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
