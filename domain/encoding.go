// This file is how facts are written as bytes and read again: the parts that
// the facts of users and of sessions share.
//
// The encoding is canonical: equal facts have equal bytes. It is compact: each
// source and each stamp stands once, in a table, and the rest refers to them;
// times stand as their distance from one another. Reading checks every bound,
// so that bytes that were damaged give an error and never a wrong result that
// grows, nor a panic.

package domain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrFacts is the error of bytes that are not the encoding of facts, or of
// facts that can't be encoded because a value is outside what events may hold.
var ErrFacts = errors.New("not valid as the encoding of facts")

// Bounds of what facts hold. They are wider than what events may say, so that
// no sum of a few of them overflows, and no more.
const (
	maxFactInstant = Instant(1) << 60
	maxFactMillis  = int64(1) << 47
	maxFactAmount  = int64(1) << 53
	maxFactSeconds = int64(1) << 37
)

// A factWriter appends facts to a buffer. Its first error stays.
type factWriter struct {
	buf     []byte
	stamps  []Stamp // the table, ascending
	sources []string
	err     error
}

func (w *factWriter) fail(what string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrFacts, what)
	}
}

func (w *factWriter) byte(b byte)     { w.buf = append(w.buf, b) }
func (w *factWriter) number(n int)    { w.buf = binary.AppendUvarint(w.buf, uint64(n)) }
func (w *factWriter) shift(d Instant) { w.buf = binary.AppendVarint(w.buf, int64(d)) }

func (w *factWriter) instant(i Instant) {
	if i < -maxFactInstant || i > maxFactInstant {
		w.fail("an instant is out of range")
	}
	w.shift(i)
}

// after writes an instant as its distance from one at or before it.
func (w *factWriter) after(base, i Instant) {
	if i < base || i > maxFactInstant {
		w.fail("an instant is out of range")
	}
	w.buf = binary.AppendUvarint(w.buf, uint64(i-base))
}

func (w *factWriter) text(s string) {
	w.number(len(s))
	w.buf = append(w.buf, s...)
}

func (w *factWriter) bounded(v, most int64) {
	if v < 0 || v > most {
		w.fail("a number is out of range")
	}
	w.buf = binary.AppendUvarint(w.buf, uint64(v))
}

// table writes the stamps that what follows refers to, after base, which is at
// or before all of them. It keeps the slices.
func (w *factWriter) table(base Instant, stamps []Stamp, sources []string) {
	slices.SortFunc(stamps, Stamp.Compare)
	w.stamps = slices.Compact(stamps)
	for i := range w.stamps {
		if n := len(sources); n == 0 || sources[n-1] != w.stamps[i].Source {
			sources = append(sources, w.stamps[i].Source)
		}
	}
	slices.Sort(sources)
	w.sources = slices.Compact(sources)

	w.number(len(w.sources))
	for _, s := range w.sources {
		w.text(s)
	}
	w.number(len(w.stamps))
	for i := range w.stamps {
		s := &w.stamps[i]
		w.after(base, s.Time)
		base = s.Time
		source, _ := slices.BinarySearch(w.sources, s.Source)
		w.number(source)
		w.text(s.ID)
	}
}

// index returns a stamp's index in the table.
func (w *factWriter) index(s Stamp) int {
	i, there := slices.BinarySearchFunc(w.stamps, s, Stamp.Compare)
	if !there {
		w.fail("a stamp is missing from the table")
	}
	return i
}

// writeOrigin writes where a field is from: 0 where no event carried it, else
// twice the stamp's index plus 1, or plus 2 where the field is null. It says
// whether the value has to follow.
func writeOrigin[T any](w *factWriter, l *latest[T]) bool {
	switch {
	case !l.field.Carried:
		w.number(0)
	case l.field.Null:
		w.number(2*w.index(l.at) + 2)
	default:
		w.number(2*w.index(l.at) + 1)
		return true
	}
	return false
}

func (w *factWriter) latestText(l *latest[string]) {
	if writeOrigin(w, l) {
		w.text(l.field.Value)
	}
}

func (w *factWriter) latestMillis(l *latest[int64]) {
	if writeOrigin(w, l) {
		w.bounded(l.field.Value, maxFactMillis)
	}
}

// A factReader reads facts from a string. Its first error stays, and everything
// that is read after it is zero.
type factReader struct {
	rest    string
	stamps  []Stamp
	sources []string
	old     bool // the facts are in the encoding before the present one
	err     error
}

func (r *factReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFacts, what)
	}
	r.rest = ""
}

// end fails where something is left.
func (r *factReader) end() {
	if r.rest != "" {
		r.fail("there is more than the facts")
	}
}

func (r *factReader) byte() byte {
	if r.rest == "" {
		r.fail("it is cut off")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *factReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < binary.MaxVarintLen64 && i < len(r.rest); i++ {
		b := r.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				break
			}
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.fail("a number is cut off or too long")
	return 0
}

// bounded reads a number that is at most most.
func (r *factReader) bounded(most int64) int64 {
	v := r.uvarint()
	if v > uint64(most) {
		r.fail("a number is out of range")
		return 0
	}
	return int64(v)
}

// count reads the number of things of which each takes at least size bytes.
func (r *factReader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail("there are fewer of something than it says")
		return 0
	}
	return int(n)
}

// after reads an instant as its distance from one at or before it.
func (r *factReader) after(base Instant) Instant {
	return r.inRange(base + Instant(r.bounded(int64(2*maxFactInstant))))
}

// near reads an instant as its distance from one before or after it.
func (r *factReader) near(base Instant) Instant {
	u := r.uvarint()
	d := Instant(u>>1) ^ -Instant(u&1)
	if d < -2*maxFactInstant || d > 2*maxFactInstant {
		r.fail("an instant is out of range")
		return 0
	}
	return r.inRange(base + d)
}

func (r *factReader) inRange(i Instant) Instant {
	if i < -maxFactInstant || i > maxFactInstant {
		r.fail("an instant is out of range")
		return 0
	}
	return i
}

func (r *factReader) text() string {
	n := r.count(1)
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// table reads what factWriter.table wrote, into the slices where they are
// large enough.
func (r *factReader) table(base Instant, stamps []Stamp, sources []string) {
	r.sources = sources[:0]
	for range r.count(1) {
		source := r.text()
		if n := len(r.sources); n > 0 && source <= r.sources[n-1] {
			r.fail("the sources are out of order")
		}
		r.sources = append(r.sources, source)
	}
	count := r.count(3)
	r.stamps = slices.Grow(stamps[:0], count)
	for range count {
		base = r.after(base)
		s := Stamp{Time: base, Source: r.source(), ID: r.text()}
		if n := len(r.stamps); n > 0 && s.Compare(r.stamps[n-1]) <= 0 {
			r.fail("the stamps are out of order")
		}
		r.stamps = append(r.stamps, s)
	}
}

func (r *factReader) source() string {
	i := r.uvarint()
	if i >= uint64(len(r.sources)) {
		r.fail("a source is missing")
		return ""
	}
	return r.sources[i]
}

// stamp reads a stamp by its index in the table.
func (r *factReader) stamp(i uint64) Stamp {
	if i >= uint64(len(r.stamps)) {
		r.fail("a stamp is missing")
		return Stamp{}
	}
	return r.stamps[i]
}

// readOrigin reads what writeOrigin wrote, and says whether the value follows.
func readOrigin[T any](r *factReader, l *latest[T]) bool {
	n := r.uvarint()
	if n == 0 {
		return false
	}
	l.at = r.stamp((n - 1) / 2)
	l.field = Field[T]{Carried: true, Null: n%2 == 0}
	return !l.field.Null
}

func (r *factReader) latestText(l *latest[string]) {
	if readOrigin(r, l) {
		l.field.Value = r.text()
	}
}

func (r *factReader) latestMillis(l *latest[int64]) {
	if readOrigin(r, l) {
		l.field.Value = r.bounded(maxFactMillis)
	}
}
