// This file is about viewing sessions, and the contents viewed in them.

package oracle

import (
	"math/big"
	"sort"
)

// A session is one viewing: a (user, session_id, content_id). Lengths are in
// milliseconds.
type session struct {
	user      *user
	id        string
	content   string
	startedAt Instant // the earliest event's time
	last      Instant // the latest event's
	ended     bool    // the latest event is playback.ended
	title     *string
	device    *string
	platform  *string
	length    *int64
	position  *int64
	ranges    []span // whole seconds, as milliseconds; not united
	playTime  *int64
}

// foldSessions works out a user's sessions from the events, which are in
// history order: so a field's latest value is the last one carried.
func (u *user) foldSessions() {
	u.sessions = nil
	byID := map[[2]string]*session{}
	for _, e := range u.events {
		if e.play == nil {
			continue
		}
		key := [2]string{e.play.session, e.play.content}
		s := byID[key]
		if s == nil {
			s = &session{user: u, id: e.play.session, content: e.play.content, startedAt: e.at}
			byID[key] = s
			u.sessions = append(u.sessions, s)
		}
		s.take(e)
	}
}

// take lets the session's next event in history order have its effect. A field
// that comes as null clears what was there; played and play_time_s don't.
func (s *session) take(e *event) {
	r := e.play
	s.last, s.ended = e.at, e.typ == "playback.ended"
	latest(&s.title, r.title)
	latest(&s.device, r.device)
	latest(&s.platform, r.platform)
	latest(&s.length, r.length)
	latest(&s.position, r.position)
	for _, x := range r.played {
		s.ranges = append(s.ranges, span{wholeSeconds(x.from), wholeSeconds(x.to)})
	}
	if v := r.playTime.value; v != nil && (s.playTime == nil || *v > *s.playTime) {
		s.playTime = v
	}
}

func latest[T any](to **T, v given[T]) {
	if v.carried {
		*to = v.value
	}
}

// wholeSeconds rounds milliseconds half up to whole seconds, in milliseconds.
func wholeSeconds(ms Instant) Instant {
	return (ms + 500) / 1000 * 1000
}

// watched is the length of the union of ranges, cut to a length if there is one.
func watched(all []span, length *int64) int64 {
	total := int64(0)
	for _, x := range unite(all) {
		if length != nil {
			x.to = min(x.to, Instant(*length))
		}
		total += max(int64(x.to-x.from), 0)
	}
	return total
}

// completion is watched ÷ length in ten-thousandths, rounded half up; nil
// without a length.
func completion(watched int64, length *int64) *int64 {
	if length == nil {
		return nil
	}
	v := halfUp(big.NewRat(watched*10_000, *length))
	return &v
}

// duration is the largest play_time_s, or where there is none the time from the
// first event to the last, rounded half up to the millisecond.
func (s *session) duration() int64 {
	if s.playTime != nil {
		return *s.playTime
	}
	return halfUp(big.NewRat(int64(s.last-s.startedAt), 1000))
}

// state at t: ended where the latest event says so; else in progress until the
// time-out after it, and abandoned from then on.
func (s *session) state(t Instant, timeout Instant) string {
	switch {
	case s.ended:
		return "ended"
	case t < s.last+timeout:
		return "in_progress"
	}
	return "abandoned"
}

// A viewed is what was viewed of one content in some sessions.
type viewed struct {
	content  string
	sessions []*session
}

// byContent gathers sessions by their content, each content's by started_at,
// then session_id; and where those are one, as they may be of several users,
// by user_id, erased users' last.
func byContent(all []*session) []*viewed {
	index := map[string]*viewed{}
	var list []*viewed
	for _, s := range all {
		v := index[s.content]
		if v == nil {
			v = &viewed{content: s.content}
			index[s.content] = v
			list = append(list, v)
		}
		v.sessions = append(v.sessions, s)
	}
	for _, v := range list {
		sort.SliceStable(v.sessions, func(i, j int) bool {
			a, b := v.sessions[i], v.sessions[j]
			if a.startedAt != b.startedAt {
				return a.startedAt < b.startedAt
			}
			if a.id != b.id {
				return a.id < b.id
			}
			if a.user.erased != b.user.erased {
				return b.user.erased
			}
			return a.user.id < b.user.id
		})
	}
	return list
}

// title and length are from the latest of the sessions that has one.
func (v *viewed) title() (title *string) {
	for _, s := range v.sessions {
		if s.title != nil {
			title = s.title
		}
	}
	return title
}

func (v *viewed) length() (length *int64) {
	for _, s := range v.sessions {
		if s.length != nil {
			length = s.length
		}
	}
	return length
}

// watched is the length of the union of all that was played in the sessions,
// cut to the content's length.
func (v *viewed) watched() int64 {
	var all []span
	for _, s := range v.sessions {
		all = append(all, s.ranges...)
	}
	return watched(all, v.length())
}

// duration is the sum of the sessions'.
func (v *viewed) duration() (total int64) {
	for _, s := range v.sessions {
		total += s.duration()
	}
	return total
}

// firstStarted is the first started_at, lastEvent the latest last_event_at.
func (v *viewed) firstStarted() Instant { return v.sessions[0].startedAt }

func (v *viewed) lastEvent() Instant {
	last := v.sessions[0].last
	for _, s := range v.sessions {
		last = max(last, s.last)
	}
	return last
}

// users is how many there were, those erased since counted too.
func (v *viewed) users() int64 {
	users := map[*user]bool{}
	for _, s := range v.sessions {
		users[s.user] = true
	}
	return int64(len(users))
}

// meanCompletion is the mean of the sessions' completion rates, of those that
// have one, rounded half up to four decimals; nil where none has.
func (v *viewed) meanCompletion() *int64 {
	sum, n := int64(0), int64(0)
	for _, s := range v.sessions {
		if rate := completion(watched(s.ranges, s.length), s.length); rate != nil {
			sum += *rate
			n++
		}
	}
	if n == 0 {
		return nil
	}
	mean := halfUp(big.NewRat(sum, n))
	return &mean
}
