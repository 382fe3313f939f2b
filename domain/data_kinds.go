// This file is what the fields of the catalogue can be: each kind with its rule
// and with how a value goes into an event.

package domain

import (
	"bytes"
	"strings"
)

// A field is one field of a type's data.
type field struct {
	name string
	// must says that the field must be there and not null.
	must     bool
	personal bool
	// isTime says that the value is a time, of which many spellings are the
	// same instant.
	isTime bool
	// read puts a value that isn't null where it belongs, or returns the rule
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

// idField is an id on the platform: a text of 1 to 255 bytes, or an integer.
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

// namedField is a required text that isn't empty: a part of another event's
// identity, as long as that may be.
func namedField(name string, to func(*Event) *string) field {
	return field{name: name, must: true, read: func(e *Event, value []byte) string {
		v, rule := parseText(value)
		if rule == "" && v == "" {
			rule = "must not be empty"
		}
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
			return 0, notATime("it isn't a text").Error()
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

// countField is how many of something there are, from 1 to 1,000.
func countField(name string, to func(*Event) *Field[int64]) field {
	return fieldOf(name, to, func(value []byte) (int64, string) {
		if isNumber(value) {
			d := decimalOf(value)
			if v, ok := d.integer(); ok && 1 <= v && v <= 1_000 {
				return v, ""
			}
		}
		return 0, "must be an integer from 1 to 1,000"
	})
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

// currencyField is a currency's code, in any case; what is read are capitals.
func currencyField(name string, to func(*Event) *Field[string]) field {
	return fieldOf(name, to, func(value []byte) (string, string) {
		if value[0] == '"' {
			if code := textOf(value); len(code) == 3 && bytes.IndexFunc(code, notALetter) < 0 {
				return strings.ToUpper(string(code)), ""
			}
		}
		return "", "must be three letters"
	})
}

func notALetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }

func parseText(value []byte) (string, string) {
	if value[0] != '"' {
		return "", errNotText.Error()
	}
	return string(textOf(value)), ""
}

// parseID reads an id. An integer is read as its decimal text.
func parseID(value []byte) (string, string) {
	if isNumber(value) {
		d := decimalOf(value)
		if text, ok := d.wholeText(); ok {
			return text, ""
		}
		return "", errNotAnID.Error()
	}
	if value[0] != '"' {
		return "", errNotAnID.Error()
	}
	s := textOf(value)
	if len(s) == 0 || len(s) > maxIDBytes {
		return "", errIDLength.Error()
	}
	return string(s), ""
}

const (
	// maxSeconds bounds lengths and durations; it is over thirty years.
	maxSeconds = 1_000_000_000
	maxRanges  = 1_000
)

// longest is maxSeconds to compare with. farthest bounds playheads, which live
// players count from 1970 on.
var (
	longest  = decimalOf([]byte("1000000000"))
	farthest = decimalOf([]byte("100000000000"))
)

// playheadField is a position in a content, and durationField how long something
// took: seconds, kept in milliseconds, rounded half up. A negative one, which
// players say before they know, is read as 0.
func playheadField(name string, to func(*Event) *Field[int64]) field {
	return secondsField(name, to, &farthest, "must be a number of seconds of at most 100,000,000,000")
}

func durationField(name string, to func(*Event) *Field[int64]) field {
	return secondsField(name, to, &longest, "must be a number of seconds of at most 1,000,000,000")
}

func secondsField(name string, to func(*Event) *Field[int64], most *decimal, rule string) field {
	return fieldOf(name, to, func(value []byte) (int64, string) {
		d, ok := parseUpTo(value, most)
		if !ok {
			return 0, rule
		}
		return d.fromZero(), ""
	})
}

// parseUpTo reads a number that is at most most.
func parseUpTo(value []byte, most *decimal) (decimal, bool) {
	if !isNumber(value) {
		return decimal{}, false
	}
	d := decimalOf(value)
	return d, d.compare(most) <= 0
}

// lengthField is a content's length: it is the rounded one that counts. One that
// isn't positive, which players say where they don't know, is as absent.
func lengthField(name string, to func(*Event) *Field[int64]) field {
	f := fieldOf(name, to, func([]byte) (int64, string) { return 0, "" })
	f.read = func(e *Event, value []byte) string {
		if isNumber(value) {
			d := decimalOf(value)
			if d.sign() <= 0 {
				return ""
			}
			if d.point <= longest.point {
				switch ms := d.scaled(3); {
				case ms == 0:
					return ""
				case ms <= maxSeconds*1000:
					*to(e) = Some(ms)
					return ""
				}
			}
		}
		return "must be a number of seconds of at most 1,000,000,000"
	}
	return f
}

// rangesField is what was played of a content, [[from_s, to_s], …].
func rangesField(name string, to func(*Event) *[]Range) field {
	const rule = "must be at most 1,000 ranges [from_s, to_s] with from ≤ to ≤ 100,000,000,000"
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

// parseRange reads [from_s, to_s]. The two are compared as they were written.
// What lies before 0 is cut off; what is empty then, or once it has been rounded,
// says nothing.
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
	from, ok1 := parseUpTo(first, &farthest)
	to, ok2 := parseUpTo(second, &farthest)
	if !ok1 || !ok2 || from.compare(&to) > 0 {
		return Range{}, false
	}
	return Range{From: from.fromZero(), To: to.fromZero()}, true
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
				e.Profile.Custom[string(textOf(name))] = customValue(value)
			}
		},
	}
}

// customValue returns a value of custom as it is kept: nil for null, which
// removes the key.
func customValue(value []byte) []byte {
	if isNull(value) {
		return nil
	}
	kept, _ := compact(nil, value)
	return kept
}
