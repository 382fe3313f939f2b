// This file is names that the trail has for others than keys that were made and
// holders of tokens, and that are kept from those.

package access

import (
	"errors"
	"strings"

	"boxoffice/access/trail"
)

const (
	// ShellPrefix begins the name of whoever is at a shell, and ShellRole stands
	// where a key's role would.
	ShellPrefix = "shell:"
	ShellRole   = "shell"
	// configuredPrefix begins the names of keys of the configuration.
	configuredPrefix = "configured key"
)

// ErrNameReserved says that a name would be taken for somebody else's in the trail.
var ErrNameReserved = errors.New(`must not be boxoffice nor begin with "shell:" or "configured key": in the trail these are others`)

// Reserved says whether the trail has a name, or one that reads like it, for
// somebody who has neither a key that was made nor a token.
func Reserved(name string) bool {
	plain := strings.ToLower(strings.Join(strings.Fields(name), " "))
	before, _, colon := strings.Cut(plain, ":")
	return plain == trail.GapActor || strings.HasPrefix(plain, configuredPrefix) ||
		colon && strings.TrimSpace(before)+":" == ShellPrefix
}
