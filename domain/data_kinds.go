// This file is what the fields of the catalogue can be: each kind with its rule
// and with how a value goes into an event.

package domain

import "strings"

import "bytes"

// A field is one field of a type's data.
type field struct {
	name string
	// must says that the field must be there and not null.
	must     bool
	personal bool
	// isTime says that the value is a time, of which many spellings are the
	// same instant.
	isTime bool
	// read puts a value that isn't null where it belongs, or gives the rule
	// that it breaks. The value's memory must not be kept.
	read func(e *Event, value []byte) (rule string)
	// clear takes note of a null.
	clear func(e *Event)
}

// required is the field as one that must be there and not null.
func (f field) required() field {
	f.must = true
	return f
}

// isPersonal is the field as one that is encrypted under the user's key.
func (f field) isPersonal() field {
	f.personal = true
	return f
}

// nullAsAbsent is the field as one whose null says nothing.
func (f field) nullAsAbsent() field {
	f.clear = func(*Event) {}
	return f
}

// fieldOf makes the field whose values a function reads.
func fieldOf[T any](name string, to func(*Event) *Field[T], parse func(value []byte) (T, string)) field {
	return field{
		name:  name,
		clear: func(e *Event) { *to(e) = Cleared[T]() },
		read: func(e *Event, value []byte) string {
			v, rule := parse(value)
			if rule == "" {
				*to(e) = Some(v)
			}
			return rule
		},
	}
}

// textField is a text of any length.
func textField(name string, to func(*Event) *Field[string]) field {
	return fieldOf(name, to, parseText)
}

// idField is an id on the platform, of 1 to 255 bytes.
func idField(name string, to func(*Event) *Field[string]) field {
	return fieldOf(name, to, parseID)
}

// keyField is a required id: what the event is about.
func keyField(name string, to func(*Event) *string) field {
	return field{name: name, must: true, read: func(e *Event, value []byte) string {
		v, rule := parseID(value)
		*to(e) = v
		return rule
	}}
}

// wordField is one of a few words.
func wordField(name string, to func(*Event) *Field[string], words ...string) field {
	var rule strings.Builder
	rule.WriteString("must be one of")
	for _, w := range words {
		rule.WriteString(" " + w)
	}
	return fieldOf(name, to, func(value []byte) (string, string) {
		if value[0] == '"' {
			said := textOf(value)
			for _, w := range words {
				if string(said) == w {
					return w, ""
				}
			}
		}
		return "", rule.String()
	})
}

// timeField is a time.
func timeField(name string, to func(*Event) *Field[Instant]) field {
	f := fieldOf(name, to, func(value []byte) (Instant, string) {
		if value[0] != '"' {
			return 0, errNotATime.Error()
		}
		t, err := ParseInstant(string(textOf(value)))
		if err != nil {
			return 0, err.Error()
		}
		return t, ""
	})
	f.isTime = true
	return f
}

// amountField is a price in minor units.
func amountField(name string, to func(*Event) *Field[int64]) field {
	const most = 9_007_199_254_740_991 // the largest that every reader of JSON has exactly
	return fieldOf(name, to, func(value []byte) (int64, string) {
		if isNumber(value) {
			d := decimalOf(value)
			if v, ok := d.integer(); ok && 0 <= v && v <= most {
				return v, ""
			}
		}
		return 0, "must be an integer from 0 to 9,007,199,254,740,991"
	})
}

// currencyField is a currency's code.
func currencyField(name string, to func(*Event) *Field[string]) field {
	return fieldOf(name, to, func(value []byte) (string, string) {
		if value[0] == '"' {
			if code := textOf(value); len(code) == 3 && len(bytes.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 0 {
				return string(code), ""
			}
		}
		return "", "must be three capital letters"
	})
}

func parseText(value []byte) (string, string) {
	if value[0] != '"' {
		return "", errNotText.Error()
	}
	return string(textOf(value)), ""
}

func parseID(value []byte) (string, string) {
	if value[0] != '"' {
		return "", errNotText.Error()
	}
	s := textOf(value)
	if len(s) == 0 || len(s) > maxIDBytes {
		return "", errIDLength.Error()
	}
	return string(s), ""
}

const (
	// maxSeconds bounds lengths and positions; it is over thirty years.
	maxSeconds = 1_000_000_000
	maxRanges  = 1_000
)

// longest is maxSeconds to compare with.
var longest = decimalOf([]byte("1000000000"))

// secondsField is a position or a duration: 0 to a billion seconds, kept in
// milliseconds, rounded half up.
func secondsField(name string, to func(*Event) *Field[int64]) field {
	return fieldOf(name, to, func(value []byte) (int64, string) {
		d, ok := parseSeconds(value)
		if !ok {
			return 0, "must be a number of seconds from 0 to 1,000,000,000"
		}
		return d.scaled(3), ""
	})
}

// parseSeconds reads a number from 0 to maxSeconds.
func parseSeconds(value []byte) (decimal, bool) {
	if !isNumber(value) {
		return decimal{}, false
	}
	d := decimalOf(value)
	return d, d.sign() >= 0 && d.compare(&longest) <= 0
}

// lengthField is a content's length: it is the rounded one that counts, and it is
// never nothing.
func lengthField(name string, to func(*Event) *Field[int64]) field {
	return fieldOf(name, to, func(value []byte) (int64, string) {
		if isNumber(value) {
			d := decimalOf(value)
			if d.sign() > 0 && d.point <= longest.point {
				if ms := d.scaled(3); 1 <= ms && ms <= maxSeconds*1000 {
					return ms, ""
				}
			}
		}
		return 0, "must be a number of seconds from 0.001 to 1,000,000,000"
	})
}

// rangesField is what was played of a content, [[from_s, to_s], …].
func rangesField(name string, to func(*Event) *[]Range) field {
	const rule = "must be at most 1,000 ranges [from_s, to_s] with 0 ≤ from < to ≤ 1,000,000,000"
	return field{name: name, read: func(e *Event, value []byte) string {
		if value[0] != '[' {
			return rule
		}
		w := walk(value)
		all := make([]Range, 0, min(maxRanges, bytes.Count(value, []byte{'['})-1))
		for {
			element, more := w.element()
			if !more {
				*to(e) = all
				return ""
			}
			r, ok := parseRange(element)
			if !ok || len(all) == maxRanges {
				return rule
			}
			all = append(all, r)
		}
	}}
}

// parseRange reads [from_s, to_s]. The two are compared as they were written:
// what is shorter than a millisecond is a range all the same, and may be an
// empty one once it has been rounded.
func parseRange(value []byte) (Range, bool) {
	if value[0] != '[' {
		return Range{}, false
	}
	w := walk(value)
	first, ok1 := w.element()
	second, ok2 := w.element()
	if _, more := w.element(); !ok1 || !ok2 || more {
		return Range{}, false
	}
	from, ok1 := parseSeconds(first)
	to, ok2 := parseSeconds(second)
	if !ok1 || !ok2 || from.compare(&to) >= 0 {
		return Range{}, false
	}
	return Range{From: from.scaled(3), To: to.scaled(3)}, true
}

// customField is the object of the platform's own registration fields.
func customField(name string) field {
	return field{
		name:  name,
		clear: func(e *Event) { e.Profile.CustomCleared = true },
		read: func(e *Event, value []byte) string {
			if value[0] != '{' {
				return "must be an object"
			}
			e.Profile.Custom = map[string][]byte{}
			w := walk(value)
			for {
				name, value, ok := w.member()
				if !ok {
					return ""
				}
				if !isCustomValue(value) {
					return "must have only strings, numbers, booleans, nulls and arrays of strings"
				}
				e.Profile.Custom[string(textOf(name))] = customValue(value)
			}
		},
	}
}

// isCustomValue takes what a field of custom may be.
func isCustomValue(value []byte) bool {
	switch value[0] {
	case '{':
		return false
	case '[':
		w := walk(value)
		for {
			element, ok := w.element()
			if !ok {
				return true
			}
			if element[0] != '"' {
				return false
			}
		}
	}
	return true
}

// customValue gives a value of custom as it is kept: nil for null, which
// removes the key.
func customValue(value []byte) []byte {
	if isNull(value) {
		return nil
	}
	kept, _ := compact(nil, value)
	return kept
}
