// This file makes events again from their stored parts.

package domain

import "errors"

// Restore makes an event from its stored parts, which Decode made: personal is
// nil where there was nothing personal, and personal is nil and subject empty
// after the erasure of its user. The event keeps public and personal, which the
// caller must not change any more. An error says that the parts are not what
// Decode makes.
func Restore(t Type, s Stamp, subject string, public, personal []byte) (*Event, error) {
	e := &Event{Stamp: s, Type: t, Subject: subject, Public: public, Personal: personal}
	if err := e.restore(); err != nil {
		return nil, err
	}
	return e, nil
}

// A Restorer makes one event after the other as Restore does, with less work
// for each. It is for one goroutine at a time.
type Restorer struct {
	event    Event
	playback PlaybackReport
}

// Restore is like the function Restore, but the event is the Restorer's and
// holds until the next one is made. Its texts stay.
func (r *Restorer) Restore(t Type, s Stamp, subject string, public, personal []byte) (*Event, error) {
	r.event = Event{Stamp: s, Type: t, Subject: subject, Public: public, Personal: personal}
	switch t {
	case PlaybackStarted, PlaybackProgressed, PlaybackEnded:
		r.event.Playback = &r.playback
	}
	if err := r.event.restore(); err != nil {
		return nil, err
	}
	return &r.event, nil
}

// restore reads the fields from Public and Personal.
func (e *Event) restore() error {
	r := catalogue.index[e.Type]
	if r == nil {
		return errors.New("restoring an event: its type isn't in the catalogue")
	}
	if r.dataless {
		return nil
	}
	r.begin(e)
	if skipSpace(e.Public, 0) == len(e.Public) || e.Public[0] != '{' {
		return errors.New("restoring an event: its data isn't an object")
	}
	if rule := e.readMembers(r, e.Public, nil); rule != "" {
		return errors.New("restoring an event: " + rule)
	}
	if data := openPersonal(e.Personal).data; data != nil {
		if rule := e.readPersonal(r, data); rule != "" {
			return errors.New("restoring an event: " + rule)
		}
	}
	return nil
}

// readPersonal reads the personal members of data; what must be there is all
// public. What the catalogue has as public has no effect here: it would be gone
// after an erasure, which changes nothing but what is personal.
func (e *Event) readPersonal(r *row, data []byte) string {
	w := walk(data)
	for {
		name, value, ok := w.member()
		if !ok {
			return ""
		}
		if _, f := r.field(textOf(name)); f != nil && f.personal {
			if rule := e.readField(f, value); rule != "" {
				return f.name + " " + rule
			}
		}
	}
}

// A personalPart is Event.Personal taken apart; each part is nil where it isn't
// there.
type personalPart struct {
	schema     []byte // a JSON string
	extensions []byte // a JSON object
	data       []byte // a JSON object
}

// openPersonal takes Event.Personal apart.
func openPersonal(personal []byte) personalPart {
	var p personalPart
	if personal == nil {
		return p
	}
	w := walk(personal)
	for {
		name, value, ok := w.member()
		if !ok {
			return p
		}
		switch string(textOf(name)) {
		case "dataschema":
			p.schema = value
		case "extensions":
			p.extensions = value
		case "data":
			p.data = value
		}
	}
}
