package cursor

import (
	"encoding/base64"
	"strings"
	"testing"
)

const (
	oneKey     = "0123456789abcdef0123456789abcdef"
	anotherKey = "abcdef0123456789abcdef0123456789"
)

func sealer(t testing.TB, key string) *Sealer {
	t.Helper()
	s, err := NewSealer([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type row struct {
	At int64
	ID string
}

func TestACursorOpensOnlyWhereItWasMade(t *testing.T) {
	s, active := sealer(t, oneKey), Listing{"users", "active"}
	want := row{42, "ana@example.org"}
	cursor := s.Seal(active, want)
	var got row
	if !s.Open(active, cursor, &got) || got != want {
		t.Errorf("it opens with %v, want %v", got, want)
	}
	if plain, _ := base64.RawURLEncoding.DecodeString(cursor); strings.Contains(string(plain), "ana") {
		t.Error("it shows the user's id")
	}
	flipped := []byte(cursor)
	flipped[len(flipped)/2] ^= 1
	for name, try := range map[string]struct {
		sealer *Sealer
		list   Listing
		cursor string
	}{
		"another filter": {s, Listing{"users", "canceled"}, cursor},
		"another list":   {s, Listing{"members", "active"}, cursor},
		"another key":    {sealer(t, anotherKey), active, cursor},
		"a changed byte": {s, active, string(flipped)},
		"a cut end":      {s, active, cursor[:len(cursor)-4]},
		"something else": {s, active, "bm90IGEgY3Vyc29y"},
		"nothing base64": {s, active, "%%%"},
	} {
		if try.sealer.Open(try.list, try.cursor, &got) {
			t.Errorf("it opens with %s", name)
		}
	}
}

func TestAKeyOfAnotherSizeIsRefused(t *testing.T) {
	if _, err := NewSealer([]byte("short")); err == nil {
		t.Error("it is taken")
	}
	if _, err := NewSealer(nil); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, oneKey)
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		var into row
		if s.Open(Listing{"list", "filter"}, cursor, &into) {
			t.Error("a cursor that nobody made opens")
		}
	})
}
