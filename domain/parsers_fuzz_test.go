// This file has the fuzzer hold the parsers within the package against other
// people's.

package domain

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var jsonValues = []string{`{}`, `[]`, `{"a":1}`, ` { "a" : [ 1 , "x\"]}" , { } ] , "b\u0041" : null } `, `[[[]],{"a":{}}]`, `"\ud83d\ude00"`,
	`-0.50e+2`, `[1e30,1E-30,0.1,-0]`, `{"a":true,"\u0061b":false}`}

// FuzzWalk defends: the members and elements of a value that is JSON are those
// that encoding/json finds.
func FuzzWalk(f *testing.F) {
	for _, v := range jsonValues {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !jsontext.Value(text).IsValid() || len(text) == 0 {
			return
		}
		switch text[skipSpace(text, 0)] {
		case '{':
			var want map[string]json.RawMessage
			if err := json.Unmarshal(text, &want); err != nil {
				return // deeper than encoding/json goes
			}
			n := 0
			for w := walk(text); ; n++ {
				name, value, ok := w.member()
				if !ok {
					break
				}
				if got := want[string(textOf(name))]; !bytes.Equal(got, value) {
					t.Errorf("%q has %q at %s, want %q", text, value, name, got)
				}
			}
			if n != len(want) {
				t.Errorf("%q has %d members, want %d", text, n, len(want))
			}
		case '[':
			var want []json.RawMessage
			if err := json.Unmarshal(text, &want); err != nil {
				return
			}
			n := 0
			for w := walk(text); ; n++ {
				value, ok := w.element()
				if !ok {
					break
				}
				if n >= len(want) || !bytes.Equal(want[n], value) {
					t.Fatalf("%q has %q as element %d", text, value, n)
				}
			}
			if n != len(want) {
				t.Errorf("%q has %d elements, want %d", text, n, len(want))
			}
		}
	})
}

// FuzzCompact defends: a value loses its white space as encoding/json takes it.
func FuzzCompact(f *testing.F) {
	for _, v := range jsonValues {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !jsontext.Value(text).IsValid() {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil {
			return
		}
		if got, _ := compact(nil, text); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%q becomes %q, want %q", text, got, want.Bytes())
		}
	})
}

// FuzzCanonical defends: the canonical form is JSON of the same meaning, and its
// own canonical form, whatever white space there was.
func FuzzCanonical(f *testing.F) {
	for _, v := range jsonValues {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !jsontext.Value(text).IsValid() || len(text) > MaxEventBytes || tooDeep(text, maxDepth) {
			return
		}
		short, flaw := compact(nil, text)
		if flaw != flawless {
			return
		}
		once := appendCanonical(nil, short)
		if !jsontext.Value(once).IsValid() {
			t.Fatalf("the canonical form of %q isn't JSON: %q", text, once)
		}
		if again := appendCanonical(nil, once); !bytes.Equal(once, again) {
			t.Errorf("%q has two canonical forms, %q and %q", text, once, again)
		}
		var want, got any
		if json.Unmarshal(text, &want) != nil || json.Unmarshal(once, &got) != nil {
			return
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%q says %v, and its canonical form %q says %v", text, want, once, got)
		}
	})
}

// FuzzNumber defends: a number within the limits is the one that math/big reads.
func FuzzNumber(f *testing.F) {
	for _, n := range []string{"0", "-0", "12", "0.0005", "1.0015", "1e18", "123456789012345678", "-1.5E-3", "9.99e29"} {
		f.Add(n, "1")
	}
	f.Fuzz(func(t *testing.T, number, other string) {
		for _, n := range []string{number, other} {
			if n == "" || !isNumber([]byte(n)) || !json.Valid([]byte(n)) || strings.TrimSpace(n) != n || !withinLimits([]byte(n)) {
				return
			}
		}
		d, o := decimalOf([]byte(number)), decimalOf([]byte(other))
		want, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("math/big doesn't read %q", number)
		}
		than, _ := new(big.Rat).SetString(other)
		if got := d.compare(&o); got != want.Cmp(than) {
			t.Errorf("%s is compared with %s as %d", number, other, got)
		}
		if got, ok := d.integer(); ok != (want.IsInt() && len(new(big.Int).Abs(want.Num()).String()) <= 18) || ok && want.Num().Int64() != got {
			t.Errorf("%s is the integer %d: %v", number, got, ok)
		}
		if want.Sign() >= 0 && want.Cmp(big.NewRat(1e15, 1)) < 0 {
			half := new(big.Rat).Add(new(big.Rat).Mul(want, big.NewRat(1000, 1)), big.NewRat(1, 2))
			if rounded := new(big.Int).Quo(half.Num(), half.Denom()); rounded.Int64() != d.scaled(3) {
				t.Errorf("%s is %d thousandths, want %s", number, d.scaled(3), rounded)
			}
		}
		written, _ := new(big.Rat).SetString(string(d.appendCanonical(nil)))
		if written == nil || written.Cmp(want) != 0 {
			t.Errorf("%s is written %s", number, d.appendCanonical(nil))
		}
	})
}

// FuzzSource defends: what is taken for a URI-reference is one to net/url too,
// which takes more than RFC 3986 has.
func FuzzSource(f *testing.F) {
	for _, s := range []string{"/a", "https://example.org:8080/x?y=z#w", "urn:uuid:1", "//[::1]/x", "a:b", "%41", "../x", "mailto:a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkSource(s) != nil {
			return
		}
		if _, err := url.Parse(s); err != nil && !strings.Contains(s, "//") { // in authorities it takes less: no future IP version
			t.Errorf("%q is taken for a URI-reference: %v", s, err)
		}
		if strings.ContainsAny(s, " \"<>\\^`{|}") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is taken for a URI-reference", s)
		}
	})
}

// FuzzHeaderText defends: percent-decoding is that of net/url.
func FuzzHeaderText(f *testing.F) {
	for _, s := range []string{"", "a", "%41", `"a\"b"`, `"%c3%a9"`, "%", "%zz", `"`, `"\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text, ok := headerText(value)
		want, err := url.PathUnescape(unquoteHeader(value))
		if ok != (err == nil) || ok && text != want || !ok && text != value {
			t.Errorf("%q says %q (%v), want %q (%v)", value, text, ok, want, err)
		}
	})
}

// FuzzParseMonth defends: a month is written in one way.
func FuzzParseMonth(f *testing.F) {
	for _, s := range []string{"2026-11", "0000-01", "9999-12", "2026-1", "2026-13"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := ParseMonth(s); err == nil && (m.String() != s || m.Next().Prev() != m) {
			t.Errorf("%q is read as %s", s, m)
		}
	})
}
