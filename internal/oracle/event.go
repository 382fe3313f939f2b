// This file decodes events: an envelope, and the fields of data that have an
// effect. What the catalogue doesn't name for a type is left out.

package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// An event is a decoded one.
type event struct {
	at      Instant
	source  string
	id      string
	typ     string
	subject string
	data    map[string]json.RawMessage // nil for playback
	play    *report                    // for playback only
}

// A report is what a playback event says; lengths are in milliseconds.
type report struct {
	session, content string
	title            given[string]
	device           given[string]
	platform         given[string]
	length           given[int64]
	position         given[int64]
	playTime         given[int64]
	played           []span // in milliseconds
}

// A given field is one that an event may carry or not; carried as null, its
// value is nil.
type given[T any] struct {
	carried bool
	value   *T
}

// before says that e comes before f in history order.
func (e *event) before(f *event) bool {
	if e.at != f.at {
		return e.at < f.at
	}
	if e.source != f.source {
		return e.source < f.source
	}
	return e.id < f.id
}

func decode(structured []byte) (*event, error) {
	var envelope struct {
		ID, Source, Type, Subject, Time string
		Data                            map[string]json.RawMessage
	}
	if err := json.Unmarshal(structured, &envelope); err != nil {
		return nil, err
	}
	at, err := parseTime(envelope.Time)
	if err != nil {
		return nil, err
	}
	e := &event{
		at: at, source: envelope.Source, id: envelope.ID, typ: envelope.Type, subject: envelope.Subject,
		data: envelope.Data,
	}
	if e.source == "" || e.id == "" || e.subject == "" || e.typ == "" {
		return nil, errors.New("an attribute is missing")
	}
	if strings.HasPrefix(e.typ, "playback.") {
		e.play, err = decodeReport(e.typ, e.data)
		e.data = nil
	}
	return e, err
}

// decodeReport reads a playback event. Position, ranges and play time are
// fields of progressed and ended only.
func decodeReport(typ string, data map[string]json.RawMessage) (*report, error) {
	r := &report{}
	var errs []error
	texts := func(name string) given[string] {
		raw, carried := data[name]
		v, err := text(raw)
		errs = append(errs, err)
		return given[string]{carried, v}
	}
	number := func(name string) given[int64] {
		raw, carried := data[name]
		v, err := milliseconds(raw)
		errs = append(errs, err)
		return given[int64]{carried, v}
	}
	session, err := id(data["session_id"])
	errs = append(errs, err)
	content, err := id(data["content_id"])
	errs = append(errs, err)
	if session == nil || content == nil {
		return nil, errors.New("a playback event without session_id or content_id")
	}
	r.session, r.content = *session, *content
	r.title, r.device, r.platform = texts("title"), texts("device"), texts("platform")
	r.length = number("content_length_s")
	if r.length.value != nil && *r.length.value <= 0 { // as absent
		r.length = given[int64]{}
	}
	if typ != "playback.started" {
		r.position, r.playTime = number("position_s"), number("play_time_s")
		for _, v := range []*int64{r.position.value, r.playTime.value} {
			if v != nil { // a negative one is read as 0
				*v = max(*v, 0)
			}
		}
		played, err := ranges(data["played"])
		r.played = played
		errs = append(errs, err)
	}
	return r, errors.Join(errs...)
}

// parseTime reads an RFC 3339 time to the microsecond.
func parseTime(s string) (Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s))
	if err != nil {
		return 0, err
	}
	return Of(t), nil
}

// isNull says that a field is absent or null.
func isNull(raw json.RawMessage) bool {
	return raw == nil || string(raw) == "null"
}

// text, id, instant, whole and milliseconds read a field; nil is absent or null.
func text(raw json.RawMessage) (*string, error) {
	if isNull(raw) {
		return nil, nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return &s, err
}

// id reads an id: a text, or an integer as its decimal text.
func id(raw json.RawMessage) (*string, error) {
	if isNull(raw) || raw[0] == '"' {
		return text(raw)
	}
	x, ok := new(big.Rat).SetString(string(raw))
	if !ok || !x.IsInt() {
		return nil, fmt.Errorf("%s is no id", raw)
	}
	s := x.Num().String()
	return &s, nil
}

func instant(raw json.RawMessage) (*Instant, error) {
	s, err := text(raw)
	if s == nil || err != nil {
		return nil, err
	}
	at, err := parseTime(*s)
	return &at, err
}

func whole(raw json.RawMessage) (*int64, error) {
	if isNull(raw) {
		return nil, nil
	}
	x, ok := new(big.Rat).SetString(string(raw))
	if !ok || !x.IsInt() {
		return nil, fmt.Errorf("%s is no whole number", raw)
	}
	v := x.Num().Int64()
	return &v, nil
}

// milliseconds reads seconds, rounded half up to the millisecond.
func milliseconds(raw json.RawMessage) (*int64, error) {
	if isNull(raw) {
		return nil, nil
	}
	x, ok := new(big.Rat).SetString(string(raw))
	if !ok {
		return nil, fmt.Errorf("%s is no number", raw)
	}
	x.Mul(x, big.NewRat(1000, 1))
	v := halfUp(x)
	return &v, nil
}

// halfUp returns the whole number nearest to x, of two the greater: the greatest
// that isn't above x + ½. A denominator is never negative, so that Div, which
// is Euclidean, rounds down.
func halfUp(x *big.Rat) int64 {
	twice := new(big.Int).Lsh(x.Num(), 1)
	twice.Add(twice, x.Denom())
	return twice.Div(twice, new(big.Int).Lsh(x.Denom(), 1)).Int64()
}

// ranges reads played, to the millisecond.
func ranges(raw json.RawMessage) ([]span, error) {
	if isNull(raw) {
		return nil, nil
	}
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return nil, err
	}
	var all []span
	for _, p := range pairs {
		from, err := milliseconds(p[0])
		if err != nil || from == nil {
			return nil, fmt.Errorf("played: %w", err)
		}
		to, err := milliseconds(p[1])
		if err != nil || to == nil {
			return nil, fmt.Errorf("played: %w", err)
		}
		all = append(all, span{Instant(max(*from, 0)), Instant(max(*to, 0))}) // what lies before 0 is cut off
	}
	return all, nil
}
