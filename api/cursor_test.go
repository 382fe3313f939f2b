package api

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
	"boxoffice/projections"
)

func testSealer(t *testing.T, key string) *cursorSealer {
	t.Helper()
	c, err := newCursorSealer([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	oneKey     = "0123456789abcdef0123456789abcdef"
	anotherKey = "abcdef0123456789abcdef0123456789"
)

func TestCursorOpensOnlyWhereItWasMade(t *testing.T) {
	sealer := testSealer(t, oneKey)
	active := listing{"list-users", projections.UserFilter{Status: "active"}}
	key := domain.Instant(1_700_000_000_000_000)
	row := projections.UserCursor{Key: &key, ID: "ana@example.org"}
	cursor := *cursorFor(sealer, active, 42, &row)

	got, ok := openCursor[projections.UserCursor](sealer, active, cursor)
	if diff := cmp.Diff(place[projections.UserCursor]{42, row}, got); !ok || diff != "" {
		t.Errorf("it doesn't open with what it was made of (%v)\n%s", ok, diff)
	}
	if plain, _ := base64.RawURLEncoding.DecodeString(cursor); strings.Contains(string(plain), "ana") {
		t.Error("it shows the user's id")
	}
	flipped := []byte(cursor)
	flipped[len(flipped)/2] ^= 1
	for name, try := range map[string]struct {
		sealer               *cursorSealer
		list, status, cursor string
	}{
		"another filter": {sealer, "list-users", "canceled", cursor},
		"another list":   {sealer, "list-month-users", "active", cursor},
		"another key":    {testSealer(t, anotherKey), "list-users", "active", cursor},
		"a changed byte": {sealer, "list-users", "active", string(flipped)},
		"a cut end":      {sealer, "list-users", "active", cursor[:len(cursor)-4]},
		"something else": {sealer, "list-users", "active", "bm90IGEgY3Vyc29y"},
		"nothing base64": {sealer, "list-users", "active", "%%%"},
	} {
		l := listing{try.list, projections.UserFilter{Status: projections.Status(try.status)}}
		if _, ok := openCursor[projections.UserCursor](try.sealer, l, try.cursor); ok {
			t.Errorf("it opens with %s", name)
		}
	}
}

func TestLastPageHasNoCursor(t *testing.T) {
	if c := cursorFor[int64](testSealer(t, oneKey), listing{"list", nil}, 1, nil); c != nil {
		t.Errorf("there is one: %s", *c)
	}
}

func FuzzOpenCursor(f *testing.F) {
	sealer, err := newCursorSealer([]byte(oneKey))
	if err != nil {
		f.Fatal(err)
	}
	list := listing{"list", "filter"}
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		if _, ok := openCursor[int64](sealer, list, cursor); ok {
			t.Error("a cursor that nobody made opens")
		}
	})
}
