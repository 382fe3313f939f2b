package domain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"

	"boxoffice/domain"
)

func TestEmailKey(t *testing.T) {
	for a, b := range map[string]string{"Ana@Example.org": "aNA@eXAMPLE.ORG", "ÉVA@x": "éva@x", "ΣΑΣ@x": "σας@x", "straẞe@x": "straße@x"} {
		if domain.EmailKey(a) != domain.EmailKey(b) {
			t.Errorf("%s and %s are two", a, b)
		}
	}
	for a, b := range map[string]string{"straße@x": "strasse@x", "ﬁ@x": "fi@x", "İ@x": "i@x", "e\u0301@x": "é@x", "a@x": "b@x"} {
		if domain.EmailKey(a) == domain.EmailKey(b) {
			t.Errorf("%s and %s are the same", a, b)
		}
	}
	if got := domain.EmailKey("Ana.K@Example.ORG"); got != "ana.k@example.org" {
		t.Errorf("it is %s", got)
	}
}

// Two letters are the same exactly where the standard library says so, and then
// they are the same after full case folding, too, by which read models find them.
func TestEmailKeyOfEveryLetter(t *testing.T) {
	fold := cases.Fold()
	for r := range rune(unicode.MaxRune) {
		if !utf8.ValidRune(r) {
			continue
		}
		other := unicode.SimpleFold(r)
		a, b := string(r), string(other)
		if domain.EmailKey(a) != domain.EmailKey(b) || !strings.EqualFold(a, domain.EmailKey(a)) {
			t.Errorf("%q and %q are two", a, b)
		}
		if !unicode.Is(unicode.Cherokee, r) && fold.String(a) != fold.String(b) { // x/text leaves Cherokee alone
			t.Errorf("%q and %q are two after full case folding", a, b)
		}
	}
}
