// This file is about what was viewed of a content, over several sessions.

package domain

import (
	"cmp"
	"slices"
)

// A ContentView is what was viewed of one content in a set of sessions.
// Lengths are in milliseconds.
type ContentView struct {
	ContentID       string
	Title           *string
	Sessions        int64
	DurationMS      int64 // the sum of the sessions'
	WatchedMS       int64 // the length of the union of all that was played
	ContentLengthMS *int64
	// CompletionRate is WatchedMS as a share of the length in ten-thousandths,
	// rounded half up; nil without a length.
	CompletionRate *int64
	FirstStartedAt Instant
	LastEventAt    Instant
}

// ViewedContent returns what was viewed of one content in its sessions, of which
// there is at least one. The title and the length are each from the session
// that began last, then has the greatest session_id, of those that have one.
func ViewedContent(sessions []*SessionFacts) ContentView {
	ordered := slices.Clone(sessions)
	slices.SortFunc(ordered, func(a, b *SessionFacts) int {
		return cmp.Or(cmp.Compare(a.startedAt, b.startedAt), cmp.Compare(a.sessionID, b.sessionID))
	})
	v := ContentView{
		ContentID:      ordered[0].contentID,
		Sessions:       int64(len(ordered)),
		FirstStartedAt: ordered[0].startedAt,
		LastEventAt:    ordered[0].latest.Time,
	}
	var played []Range
	for _, s := range ordered {
		v.DurationMS += s.DurationMS()
		v.LastEventAt = max(v.LastEventAt, s.latest.Time)
		if title := s.title.pointer(); title != nil {
			v.Title = title
		}
		if length := s.ContentLengthMS(); length != nil {
			v.ContentLengthMS = length
		}
		for _, r := range s.played {
			played = addRange(played, r)
		}
	}
	v.WatchedMS = rangesLength(played, v.ContentLengthMS)
	v.CompletionRate = completionRate(v.WatchedMS, v.ContentLengthMS)
	return v
}
