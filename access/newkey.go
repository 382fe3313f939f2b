// This file is the rules of keys that are to be made, at a shell or on a page.

package access

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"boxoffice/access/apikeys"
)

// maxKeyName is how many characters a key's name has at most.
const maxKeyName = 100

// CheckNewKey holds the name, role and types of a key that is to be made against
// the rules; eventTypes are the types of events that there are. The error is a
// [*apikeys.FieldError].
func CheckNewKey[T ~string](k *apikeys.Key, eventTypes []T) error {
	bad := func(field, reason string) error { return &apikeys.FieldError{Field: field, Reason: reason} }
	if k.Name == "" || utf8.RuneCountInString(k.Name) > maxKeyName || strings.ContainsFunc(k.Name, unprintable) {
		return bad("name", "must be 1 to 100 characters, none of them a control character")
	}
	if Reserved(k.Name) {
		return bad("name", ErrNameReserved.Error())
	}
	if !slices.Contains(Roles, Role(k.Role)) {
		return bad("role", "must be one of publisher, viewer, support, auditor, admin")
	}
	if k.Types != nil && Role(k.Role) != Publisher {
		return bad("types", "goes with the role publisher only")
	}
	for _, pattern := range k.Types {
		if !slices.ContainsFunc(eventTypes, func(t T) bool { return matches(pattern, string(t)) }) {
			return bad("types", strconv.Quote(pattern)+` must be a type of the catalogue, such as playback.started, or its first part and a star: playback.*`)
		}
	}
	return nil
}

// unprintable is a control character, or what stands for bytes that are no text.
func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }
