package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var jsonSeeds = []string{
	``, ` `, `null`, `tru`, `truest`, `0`, `-0`, `-`, `01`, `1.`, `1.5e+10`, `1e`, `.5`, `+1`, `"`, `"a"`, `"\u12"`, `"\ud800"`, `"\x"`, "\"\n\"", "\"\xff\"",
	`[]`, `[`, `]`, `[,]`, `[1,]`, `[1 2]`, `[1,[2,{"a":[]}],"]"]`, `[1]]`, `{}`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1,"a":2}`, `{1:2}`, `{"a":1]`, `[1}`,
	"[1] 2", " [ 1 , 2 ] ", "\ufeff[]", "[1,\x00]", `[1,nul`, `{"a":tru`, `[[[[[[[]]]]]]]`,
}

// What is JSON, what isn't, and where the elements are, is what encoding/json
// says too.
func FuzzJSONScanner(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > 9_999 {
			return // encoding/json ends at 10,000
		}
		if got, want := checkValue(text) == nil, json.Valid(text); got != want {
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
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil || raw == nil {
		return nil, false
	}
	elements := [][]byte{}
	for _, r := range raw {
		elements = append(elements, r)
	}
	return elements, true
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

// What is wrong with a text that is too deep for the library is found as far as
// the library reads.
func TestWhatIsTooDeepIsReadAsFarAsItGoes(t *testing.T) {
	nested := func(depth int, within string) string {
		return strings.Repeat(`{"a":[`, depth/2) + within + strings.Repeat("]}", depth/2)
	}
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"as deep as the library reads", nested(libraryDepth, `"}]"`), nil},
		{"less deep, and wrong within", nested(libraryDepth-2, `x`), errNotJSON},
		{"deeper", nested(libraryDepth+2, `"\"]}]", 1`), nil},
		{"deeper, and wrong after it", "[" + nested(libraryDepth+2, `"[[["`) + " 2]", errNotJSON},
		{"deeper, and wrong before it", "[+1," + nested(libraryDepth+2, `{`) + "]", errNotJSON},
		{"deeper, and with the wrong end", strings.TrimSuffix(nested(libraryDepth+2, ``), "}") + "]", errNotJSON},
		{"deeper, and cut off within a text", strings.Repeat("[", libraryDepth+1) + `"]]`, errCutOff},
		{"deeper, and two values", nested(libraryDepth+2, ``) + "[]", errNotJSON},
	} {
		if err := checkValue([]byte(c.text)); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		elements, err := splitArray([]byte("[{}, "+c.text+" ,[]]"), 3)
		if (err == nil) != (c.want == nil) || err == nil && string(elements[1]) != c.text {
			t.Errorf("%s, in an array: %v", c.name, err)
		}
	}
}
