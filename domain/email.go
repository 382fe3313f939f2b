// This file says when two e-mail addresses are the same.

package domain

import (
	"strings"
	"unicode"
)

// EmailKey is an e-mail as such are compared: letter by letter after simple case
// mapping, in which ß isn't ss. Two are the same where their keys are.
func EmailKey(email string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		// Of all that are the same letter, the one of the smallest number that isn't
		// an ASCII capital.
		least := rune(unicode.MaxRune)
		for other := r; ; {
			if !('A' <= other && other <= 'Z') {
				least = min(least, other)
			}
			if other = unicode.SimpleFold(other); other == r {
				return least
			}
		}
	}, email)
}
