package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"boxoffice/access/apikeys"
)

func TestCheckNewKey(t *testing.T) {
	types := []string{"playback.started", "user.updated", "user.erased"}
	for _, c := range []struct {
		key   apikeys.Key
		field string
	}{
		{apikeys.Key{Name: "a", Role: "viewer"}, ""},
		{apikeys.Key{Name: strings.Repeat("é", 100), Role: "admin"}, ""},
		{apikeys.Key{Name: strings.Repeat("é", 101), Role: "admin"}, "name"},
		{apikeys.Key{Role: "admin"}, "name"},
		{apikeys.Key{Name: "a\nb", Role: "admin"}, "name"},
		{apikeys.Key{Name: "a\xff", Role: "admin"}, "name"},
		{apikeys.Key{Name: "Shell : me", Role: "admin"}, "name"},
		{apikeys.Key{Name: "a", Role: "root"}, "role"},
		{apikeys.Key{Name: "a"}, "role"},
		{apikeys.Key{Name: "a", Role: "viewer", Types: []string{"user.updated"}}, "types"},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{"user.updated", "playback.*", "*", "user.erased"}}, ""},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{"user.updatedd"}}, "types"},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{"use*"}}, "types"},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{"rental.*"}}, "types"},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{""}}, "types"},
		{apikeys.Key{Name: "a", Role: "publisher", Types: []string{">"}}, "types"},
	} {
		if got := field(CheckNewKey(&c.key, types)); got != c.field {
			t.Errorf("%+v: %q, want %q", c.key, got, c.field)
		}
	}
}

func field(err error) string {
	bad, _ := errors.AsType[*apikeys.FieldError](err)
	if bad == nil {
		return ""
	}
	return bad.Field
}

func TestParseEnd(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"90d": "2027-02-21T12:00:00Z", "12h": "2026-11-24T00:00:00Z", "2027-12-31": "2027-12-31T00:00:00Z", "2027-12-31T18:00:00+01:00": "2027-12-31T17:00:00Z",
		"": "", "2026-11-23": "expires", "-1h": "expires", "0d": "expires", "soon": "expires", "1.5d": "expires",
	} {
		got, err := apikeys.ParseEnd(text, now)
		switch {
		case want == "" && (got != nil || err != nil), want == "expires" && field(err) != want,
			want != "" && want != "expires" && (err != nil || got.Format(time.RFC3339) != want):
			t.Errorf("%q: %v, %v, want %q", text, got, err, want)
		}
	}
}
