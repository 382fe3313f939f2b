package api

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

var jsonSeeds = []string{
	``, ` `, `null`, `tru`, `truest`, `0`, `-0`, `-`, `01`, `1.`, `1.5e+10`, `1e`, `.5`, `+1`, `"`, `"a"`, `"\u12"`, `"\ud800"`, `"\x"`, "\"\n\"", "\"\xff\"",
	`[]`, `[`, `]`, `[,]`, `[1,]`, `[1 2]`, `[1,[2,{"a":[]}],"]"]`, `[1]]`, `{}`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1,"a":2}`, `{1:2}`, `{"a":1]`, `[1}`,
	"[1] 2", " [ 1 , 2 ] ", "\ufeff[]", "[1,\x00]", `[1,nul`, `{"a":tru`, `[[[[[[[]]]]]]]`,
}

// What is JSON, what isn't, and where the elements are, is what the library
// that the events are read with says.
func FuzzJSONScanner(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > 9_999 {
			return // the library ends at 10,000
		}
		if got, want := checkValue(text) == nil, jsontext.Value(text).IsValid(lenient...); got != want {
			t.Errorf("%q is JSON: %v", text, got)
		}
		elements, err := splitArray(text, len(text))
		want, ok := elementsOf(text)
		if (err == nil) != ok {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, elements); ok && diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

func elementsOf(text []byte) ([][]byte, bool) {
	d := jsontext.NewDecoder(bytes.NewReader(text), lenient...)
	if token, err := d.ReadToken(); err != nil || token.Kind() != '[' {
		return nil, false
	}
	elements := [][]byte{}
	for d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		elements = append(elements, bytes.Clone(value))
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	_, err := d.ReadToken()
	return elements, err == io.EOF
}

// Every beginning of a text that is JSON is cut off, or JSON itself.
func TestWhatIsCutOffIsCalledThat(t *testing.T) {
	const text = ` [ {"a" : [true, false, null, -1.5e-7, "x\u00e9\n"], "b": {}, "c": []} , 12 ] `
	for n := range len(text) - 1 {
		if err := checkValue([]byte(text[:n])); err != errCutOff && err != nil {
			t.Errorf("%q: %v", text[:n], err)
		}
	}
	if err := checkValue([]byte(text)); err != nil {
		t.Error(err)
	}
}

func TestAnyDepthIsScanned(t *testing.T) {
	const depth = 5_000_000
	deep := strings.Repeat("[", depth) + strings.Repeat("]", depth)
	if err := checkValue([]byte(deep)); err != nil {
		t.Error(err)
	}
	if err := checkValue([]byte(deep[:depth+5])); err != errCutOff {
		t.Error(err)
	}
	elements, err := splitArray([]byte("["+deep+",{}]"), 2)
	if err != nil || len(elements) != 2 {
		t.Errorf("%d, %v", len(elements), err)
	}
	if _, err := splitArray([]byte("[1,2,3]"), 2); err != errTooManyElem {
		t.Error(err)
	}
}
