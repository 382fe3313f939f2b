package eventstore

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A batch has a row for each of its ranges, with what became of the messages in it
// and where they are, and no row reaches out of a window.
func TestAccountRanges(t *testing.T) {
	for want, numbers := range map[string][]uint64{
		"":                                      nil,
		"7 [1 0 0] 1-1":                         {7},
		"1-3 [1 1 1] 1-1":                       {3, 1, 2},
		"1-2 [0 1 1] 0-0, 4 [1 0 0] 1-1":        {4, 1, 2},
		"9-10 [1 2 0] 2-2, 1000000 [1 0 1] 1-1": {1000000, 9, 1000000, 10, 9},
		"65534-65535 [1 1 0] 1-1, 65536 [0 0 1] 0-0, 65538 [1 0 0] 2-2": {65534, 65535, 65536, 65538},
	} {
		entries, ends := make([]entry, len(numbers)), make([]outcome, len(numbers))
		for i, n := range numbers {
			entries[i].sequence, ends[i] = n, outcome(i%outcomes)
		}
		var got []string
		for _, r := range accountRanges(entries, ends, 1) {
			sequences := fmt.Sprint(r.first)
			if r.last > r.first {
				sequences += fmt.Sprint("-", r.last)
			}
			got = append(got, fmt.Sprintf("%s %v %d-%d", sequences, r.counts, r.firstAt, r.endAt))
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%v are accounted for by %q, want %q", numbers, text, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aéb", 2, "a"}, {"aéb", 3, "aé"}, {"\x80\x80\x80\x80", 2, ""}} {
		if got := cut(c.text, c.n); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

// Details come back as they went in, and what isn't details is an error.
func TestDetails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := details{message: rapid.String().Draw(t, "message"), subject: rapid.String().Draw(t, "subject"), body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		got, err := decodeDetails(want.encode())
		if err != nil || got.message != want.message || got.subject != want.subject || !bytes.Equal(got.body, want.body) {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	})
}

// No bytes make it panic, and what is read is written and read again the same.
func FuzzDecodeDetails(f *testing.F) {
	f.Add(details{message: "m", subject: "s", body: []byte("b")}.encode())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{1, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDetails(b)
		if err != nil {
			return
		}
		again, err := decodeDetails(d.encode())
		if err != nil || again.message != d.message || again.subject != d.subject || !bytes.Equal(again.body, d.body) {
			t.Errorf("%x is read as %+v and then as %+v, %v", b, d, again, err)
		}
	})
}
