// This file is about fields whose value is that of the latest event that
// carries them, whatever the order in which the events come.

package domain

// A latest is a field with the stamp of the event that it is from. Its zero
// value is that of a field that no event carried.
type latest[T any] struct {
	at    Stamp
	field Field[T]
}

// offer takes the field of the event at the stamp, if it carries one and is
// later than the one that is there.
func (l *latest[T]) offer(at Stamp, f Field[T]) {
	if f.Carried && (!l.field.Carried || at.Compare(l.at) > 0) {
		l.at, l.field = at, f
	}
}

// pointer returns the value, nil where there is none.
func (l *latest[T]) pointer() *T { return l.field.pointer() }
