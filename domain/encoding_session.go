// This file is the encoding of a viewing session's facts.

package domain

import (
	"encoding/binary"
	"fmt"
)

// The first byte of the encoding names its version.
const sessionFactsVersion = 1

// What the second byte says.
const (
	sessionEnded       = 1 << iota // the latest event is playback.ended
	sessionHasPlayTime             // the play time follows
	sessionFlags       = 1<<iota - 1
)

// A session's facts are of at most this many events, and of as many sources:
// the latest, and the latest that carries each of five fields.
const maxSessionStamps = 6

// AppendBinary appends the facts' canonical encoding, without session_id and
// content_id, which name where it is kept. It fails only where an event held
// what Decode doesn't let pass, or where there is no event.
func (f *SessionFacts) AppendBinary(b []byte) ([]byte, error) {
	if !f.any {
		return b, fmt.Errorf("encoding a viewing session: %w: there is no event", ErrFacts)
	}
	var stampsArray [maxSessionStamps]Stamp
	var sourcesArray [maxSessionStamps]string
	w := factWriter{buf: b}
	w.byte(sessionFactsVersion)
	w.byte(f.flags())
	w.instant(f.startedAt)
	w.table(f.startedAt, f.appendStamps(stampsArray[:0]), sourcesArray[:0])
	w.latestText(&f.title)
	w.latestText(&f.device)
	w.latestText(&f.platform)
	w.latestMillis(&f.contentLength)
	w.latestMillis(&f.position)
	if f.playTime.Carried {
		w.bounded(f.playTime.Value, maxFactMillis)
	}
	w.ranges(f.played)
	if w.err != nil {
		return b, fmt.Errorf("encoding a viewing session: %w", w.err)
	}
	return w.buf, nil
}

func (f *SessionFacts) flags() byte {
	var flags byte
	if f.ended {
		flags |= sessionEnded
	}
	if f.playTime.Carried {
		flags |= sessionHasPlayTime
	}
	return flags
}

// appendStamps appends the stamps of the events that decide something. The
// latest event is the last of them in history order.
func (f *SessionFacts) appendStamps(stamps []Stamp) []Stamp {
	stamps = append(stamps, f.latest)
	stamps = appendStamp(stamps, &f.title)
	stamps = appendStamp(stamps, &f.device)
	stamps = appendStamp(stamps, &f.platform)
	stamps = appendStamp(stamps, &f.contentLength)
	return appendStamp(stamps, &f.position)
}

func appendStamp[T any](stamps []Stamp, l *latest[T]) []Stamp {
	if !l.field.Carried {
		return stamps
	}
	return append(stamps, l.at)
}

// ranges writes a union of ranges of whole seconds, each as the gap before it
// and its length.
func (w *factWriter) ranges(union []Range) {
	w.number(len(union))
	at := int64(0)
	for _, r := range union {
		from, to := r.From/1000, r.To/1000
		if from < 0 || to > maxFactSeconds {
			w.fail("a range is out of range")
		}
		w.buf = binary.AppendUvarint(w.buf, uint64(from-at))
		w.buf = binary.AppendUvarint(w.buf, uint64(to-from))
		at = to
	}
}

// DecodeSessionFacts reads the encoding of the facts of the named session. The
// facts don't refer to b.
func DecodeSessionFacts(sessionID, contentID string, b []byte) (*SessionFacts, error) {
	// One copy for all texts, which are parts of it.
	r := factReader{rest: string(b)}
	f := &SessionFacts{sessionID: sessionID, contentID: contentID, any: true}
	r.session(f)
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("decoding a viewing session: %w", r.err)
	}
	return f, nil
}

func (r *factReader) session(f *SessionFacts) {
	if v := r.byte(); v != sessionFactsVersion {
		r.fail("its version is unknown")
		return
	}
	flags := r.byte()
	if flags&^sessionFlags != 0 {
		r.fail("its flags are unknown")
	}
	var stamps [maxSessionStamps]Stamp
	var sources [maxSessionStamps]string
	f.startedAt = r.near(0)
	r.table(f.startedAt, stamps[:0], sources[:0])
	if n := len(r.stamps); n > 0 {
		f.latest = r.stamps[n-1]
	} else {
		r.fail("there is no event")
	}
	f.ended = flags&sessionEnded != 0
	r.latestText(&f.title)
	r.latestText(&f.device)
	r.latestText(&f.platform)
	r.latestMillis(&f.contentLength)
	r.latestMillis(&f.position)
	if flags&sessionHasPlayTime != 0 {
		f.playTime = Some(r.bounded(maxFactMillis))
	}
	f.played = r.ranges()
}

func (r *factReader) ranges() []Range {
	count := r.count(2)
	if count == 0 {
		return nil
	}
	// Room for one more, which the next report may bring.
	union := make([]Range, 0, count+1)
	at := int64(0)
	for i := range count {
		from := at + r.bounded(maxFactSeconds)
		to := from + r.bounded(maxFactSeconds)
		if to > maxFactSeconds || to == from || i > 0 && from == at {
			r.fail("the ranges are not disjoint and in order")
			return nil
		}
		union = append(union, Range{From: from * 1000, To: to * 1000})
		at = to
	}
	return union
}
