package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// TestDecodeBatch defends: a batch is divided into its elements' texts, and what
// is wrong with one stays with it.
func TestDecodeBatch(t *testing.T) {
	good := map[string][]string{
		`[]`:                           {},
		" [ ] \n":                      {},
		`[{"a":1},{"b":2}]`:            {`{"a":1}`, `{"b":2}`},
		" [ {\"a\" : 1} ,\n 5 , [1]] ": {`{"a" : 1}`, `5`, `[1]`},
		`[{"a":1,"a":2},"\ud800",{}]`:  {`{"a":1,"a":2}`, `"\ud800"`, `{}`},
		"[{\"a\":\"\xff\"},null]":      {"{\"a\":\"\xff\"}", `null`},
		`["]",{"x":"[,"}]`:             {`"]"`, `{"x":"[,"}`},
	}
	for body, want := range good {
		events, err := domain.DecodeBatch([]byte(body))
		got := []string{}
		for _, e := range events {
			got = append(got, string(e))
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", body, err, diff)
		}
	}
	bad := []string{``, ` `, `{}`, `null`, `"x"`, `5`, `[`, `[1`, `[1,]`, `[,1]`, `[1 2]`, `[1]]`, `[1] [2]`, `[1]x`, `[SECRET]`, `[{"a":]`, "[\xff]", `[{"a":1]}`}
	for _, body := range bad {
		events, err := domain.DecodeBatch([]byte(body))
		if err == nil {
			t.Errorf("%s gives %q", body, events)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error quotes the batch: %v", err)
		}
	}
}

// FuzzDecodeBatch defends: nothing panics, and what comes out are the elements
// of what went in, which can be put together again.
func FuzzDecodeBatch(f *testing.F) {
	for _, s := range []string{`[]`, `[{"a":1}, 2]`, `[{"a":1,"a":2},"\ud800"]`, "[\"\xff\"]", `[`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := domain.DecodeBatch(body)
		if err != nil {
			return
		}
		var joined []byte
		for i, e := range events {
			if i > 0 {
				joined = append(joined, ',')
			}
			joined = append(joined, e...)
			domain.Decode(&domain.Message{Body: e}, judgedAt)
		}
		again, err := domain.DecodeBatch(append(append([]byte("["), joined...), ']'))
		if diff := cmp.Diff(events, again); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}
