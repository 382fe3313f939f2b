// This file sorts a range of the log by users and by viewing sessions, so
// that each is loaded and written once, however many events it has in it.

package projections

import (
	"bytes"
	"slices"
	"strings"

	"boxoffice/domain"
	"boxoffice/eventstore"
)

// A batch is a range of the log, sorted for projecting, without what has been
// retracted by its end. It is read-only.
type batch struct {
	after, last eventstore.Position
	head        eventstore.Position // where the log stood
	firstAt     domain.Instant      // when the first event was recorded
	recordedAt  domain.Instant      // and the one at last
	epoch       string
	// erasures is the log's counter from before the batch was read. When it
	// has moved, what was read may hold what has to be forgotten.
	erasures int64
	events   int

	users    map[eventstore.UserKey]*userEvents
	sessions map[sessionKey][]*domain.Event

	retracted *retracted
}

// userEvents are the events of one user in a batch. Of those who are folded again
// there is none.
type userEvents struct {
	subject string // empty once the user is erased
	erased  bool
	events  []*domain.Event // all but playback
	// viewed is the earliest playback event. It only matters where it is
	// earlier than all that is known of the user.
	viewed *domain.Event
}

// newBatch sorts the records, of which there is at least one. It keeps them.
func newBatch(head eventstore.Head, after eventstore.Position, records []eventstore.Record, retracted *retracted) *batch {
	last := &records[len(records)-1]
	b := &batch{
		after: after, last: last.Position, head: head.Position,
		firstAt: records[0].RecordedAt, recordedAt: last.RecordedAt,
		epoch: head.Epoch, erasures: head.Erasures, events: len(records),
		users:    make(map[eventstore.UserKey]*userEvents),
		sessions: make(map[sessionKey][]*domain.Event),

		retracted: retracted,
	}
	for i := range records {
		b.take(&records[i])
	}
	return b
}

func (b *batch) take(r *eventstore.Record) {
	u := b.users[r.User]
	if u == nil {
		u = &userEvents{}
		b.users[r.User] = u
	}
	e := &r.Event
	if r.Erased || e.Type == domain.UserErased {
		u.erased = true
	}
	if e.Subject != "" {
		u.subject = e.Subject
	}
	if b.retracted.again[r.User] || !b.retracted.of[r.User].Counts(e) {
		return
	}
	if p := e.Playback; p != nil {
		if u.viewed == nil || e.Time < u.viewed.Time {
			u.viewed = e
		}
		key := sessionKey{r.User, p.SessionID, p.ContentID}
		b.sessions[key] = append(b.sessions[key], e)
		return
	}
	u.events = append(u.events, e)
}

// split returns the users of whom there is more than playback, and those of whom
// there is nothing else, each in the order of their keys.
func (b *batch) split() (eventful, viewers []eventstore.UserKey) {
	for key, u := range b.users {
		switch {
		case len(u.events) > 0:
			eventful = append(eventful, key)
		case u.viewed != nil:
			viewers = append(viewers, key)
		}
	}
	sortKeys(eventful)
	sortKeys(viewers)
	return eventful, viewers
}

func sortKeys(keys []eventstore.UserKey) {
	slices.SortFunc(keys, func(a, b eventstore.UserKey) int { return bytes.Compare(a[:], b[:]) })
}

// sessionKeys returns the sessions' keys in order.
func (b *batch) sessionKeys() []sessionKey {
	keys := make([]sessionKey, 0, len(b.sessions))
	for key := range b.sessions {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b sessionKey) int {
		if c := bytes.Compare(a.user[:], b.user[:]); c != 0 {
			return c
		}
		if c := strings.Compare(a.sessionID, b.sessionID); c != 0 {
			return c
		}
		return strings.Compare(a.contentID, b.contentID)
	})
	return keys
}
