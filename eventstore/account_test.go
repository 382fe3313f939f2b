package eventstore

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"boxoffice/eventstore/vault"
	"boxoffice/internal/sqldb"
)

func TestSequences(t *testing.T) {
	for want, numbers := range map[string][]uint64{
		"":             nil,
		"7":            {7},
		"1-3":          {3, 1, 2},
		"1-2 4 6-8":    {8, 4, 1, 2, 7, 6, 6},
		"1 3 5":        {1, 3, 5},
		"9-10 1000000": {1000000, 9, 10, 9},
	} {
		entries := make([]entry, len(numbers))
		for i, n := range numbers {
			entries[i].sequence = n
		}
		if got := sequences(entries); got != want {
			t.Errorf("%v is written as %q, want %q", numbers, got, want)
		}
	}
}

// A user of the batch is always found by the account's prefixes, and they are
// sorted and stand once.
func TestUserPrefixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var appended []*entry
		for _, n := range rapid.SliceOf(rapid.Uint16()).Draw(t, "users") {
			appended = append(appended, &entry{user: &vault.User{Pseudonym: sqldb.UUID{byte(n), 0, byte(n >> 8), 9}}})
		}
		prefixes := userPrefixes(appended)
		for _, e := range appended {
			if !hasPrefix(prefixes, UserKey(e.user.Pseudonym)) {
				t.Fatalf("%v isn't found", e.user.Pseudonym)
			}
		}
		parts := slices.Collect(slices.Chunk(prefixes, prefixBytes))
		if !slices.IsSortedFunc(parts, bytes.Compare) || len(slices.CompactFunc(parts, bytes.Equal)) != len(prefixes)/prefixBytes {
			t.Fatal("they aren't sorted, each once")
		}
		if hasPrefix(prefixes, UserKey{1, 1, 1, 1}) {
			t.Fatal("somebody is found who isn't there")
		}
	})
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
