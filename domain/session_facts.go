// This file is about one viewing: the facts that decide it, whatever the order
// in which the player's reports come, and what they make of it at an instant.

package domain

import "time"

// SessionFacts are the few facts, out of all playback events of one user with
// one session and content, that decide what is said of that viewing session.
// They are a function of the set of events that were added: neither their
// order nor their repetition makes a difference, and their size is bounded by
// the content's length and not by the number of events. The zero value is that
// of no event. It is not safe for use by several goroutines while one of them
// adds.
type SessionFacts struct {
	sessionID, contentID string

	startedAt Instant // of the earliest event
	latest    Stamp   // of the latest event
	ended     bool    // the latest event is playback.ended
	any       bool    // there is an event

	title, device, platform latest[string]
	contentLength, position latest[int64]

	playTime Field[int64] // the largest
	played   []Range      // united, in whole seconds
}

// Add takes one playback event of the session.
func (f *SessionFacts) Add(e *Event) {
	p := e.Playback
	if p == nil {
		return
	}
	if !f.any {
		f.sessionID, f.contentID = p.SessionID, p.ContentID
	}
	if !f.any || e.Time < f.startedAt {
		f.startedAt = e.Time
	}
	if !f.any || e.Compare(f.latest) > 0 {
		f.latest, f.ended = e.Stamp, p.Ended
	}
	f.any = true
	f.title.offer(e.Stamp, p.Title)
	f.device.offer(e.Stamp, p.Device)
	f.platform.offer(e.Stamp, p.Platform)
	f.contentLength.offer(e.Stamp, p.ContentLength)
	f.position.offer(e.Stamp, p.Position)
	if v, ok := p.PlayTime.Get(); ok && (!f.playTime.Carried || v > f.playTime.Value) {
		f.playTime = Some(v)
	}
	for _, r := range p.Played {
		f.played = addRange(f.played, Range{From: wholeSeconds(r.From), To: wholeSeconds(r.To)})
	}
}

// wholeSeconds rounds milliseconds half up to whole seconds, so that the union
// of what was played has at most half as many ranges as the content seconds.
func wholeSeconds(ms int64) int64 { return (ms + 500) / 1000 * 1000 }

// ContentID returns the id of what was viewed.
func (f *SessionFacts) ContentID() string { return f.contentID }

// StartedAt returns the time of the earliest event.
func (f *SessionFacts) StartedAt() Instant { return f.startedAt }

// LastEventAt returns the time of the latest event.
func (f *SessionFacts) LastEventAt() Instant { return f.latest.Time }

// LastEventIsEnd says that the latest event is playback.ended.
func (f *SessionFacts) LastEventIsEnd() bool { return f.ended }

// Ranges returns what was played as disjoint ranges in ascending order: in
// milliseconds, like all ranges, but rounded to whole seconds, and not cut to
// the content's length. The caller must not change them.
func (f *SessionFacts) Ranges() []Range { return f.played }

// ContentLengthMS returns the content's length in milliseconds, nil where none
// is known.
func (f *SessionFacts) ContentLengthMS() *int64 { return f.contentLength.pointer() }

// DurationMS returns for how long the player played, in milliseconds: as it
// reported, else the time between its first and its last event.
func (f *SessionFacts) DurationMS() int64 {
	if f.playTime.Carried {
		return f.playTime.Value
	}
	return int64(f.latest.Time-f.startedAt+500) / 1000
}

// WatchedMS returns how much of the content was played, in milliseconds.
func (f *SessionFacts) WatchedMS() int64 { return rangesLength(f.played, f.ContentLengthMS()) }

// View returns the session as it is at t, with the time without an event after
// which it counts as abandoned.
func (f *SessionFacts) View(t Instant, timeout time.Duration) SessionView {
	v := SessionView{
		SessionID:       f.sessionID,
		ContentID:       f.contentID,
		Title:           f.title.pointer(),
		State:           SessionStateAt(f.ended, f.latest.Time, t, timeout),
		StartedAt:       f.startedAt,
		LastEventAt:     f.latest.Time,
		DurationMS:      f.DurationMS(),
		WatchedMS:       f.WatchedMS(),
		ContentLengthMS: f.contentLength.pointer(),
		PositionMS:      f.position.pointer(),
		Device:          f.device.pointer(),
		Platform:        f.platform.pointer(),
	}
	v.CompletionRate = completionRate(v.WatchedMS, v.ContentLengthMS)
	if v.CompletionRate != nil {
		completed := Completed(*v.CompletionRate)
		v.Completed = &completed
	}
	return v
}

// SessionStateAt returns the state at t of a session by whether its latest event
// is playback.ended, when that event was, and the time without an event after
// which a session counts as abandoned.
func SessionStateAt(ended bool, lastEventAt, t Instant, timeout time.Duration) SessionState {
	switch {
	case ended:
		return SessionEnded
	case t < lastEventAt+Instant(timeout/time.Microsecond):
		return SessionInProgress
	}
	return SessionAbandoned
}

// CompletionRate returns the share of a content that was watched, both in
// milliseconds, in ten-thousandths, rounded half up. The length is at least 1.
func CompletionRate(watchedMS, lengthMS int64) int64 {
	return RoundHalfUp(watchedMS*10_000, lengthMS)
}

// Completed says whether a session of that completion rate, in
// ten-thousandths, counts as completed.
func Completed(completionRate int64) bool { return completionRate >= 9_000 }

func completionRate(watchedMS int64, lengthMS *int64) *int64 {
	if lengthMS == nil || *lengthMS < 1 {
		return nil
	}
	rate := CompletionRate(watchedMS, *lengthMS)
	return &rate
}

// RoundHalfUp returns numerator ÷ denominator as a whole number, halves rounded
// up (towards positive infinity). The denominator is positive, and twice
// either of them must not overflow.
func RoundHalfUp(numerator, denominator int64) int64 {
	n, d := 2*numerator+denominator, 2*denominator
	q := n / d
	if n%d < 0 {
		q-- // division cuts towards zero
	}
	return q
}
