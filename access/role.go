// This file is who can ask: roles, and the identity of one request.

package access

import "context"

// A Role says what the holder of a key may do; the table is in permissions.go.
type Role string

// The roles.
const (
	Publisher Role = "publisher"
	Viewer    Role = "viewer"
	Support   Role = "support"
	Auditor   Role = "auditor"
	Admin     Role = "admin"
)

// Roles lists all roles.
var Roles = []Role{Publisher, Viewer, Support, Auditor, Admin}

// Contains says that whoever has the role may do all that another may.
func (r Role) Contains(other Role) bool {
	return r == other || r == Admin || other == Viewer && (r == Support || r == Auditor)
}

// An Identity is who asks.
type Identity struct {
	Role Role
	// Name is the key's or the person's, for the trail.
	Name string
	// Types limits a publisher to types of events: whole types, a prefix
	// followed by ".*", or "*". Nil is no limit. In either case a type such as
	// user.erased and event.retracted are allowed only where they are named whole.
	Types []string
}

type identityKey struct{}

// From returns who asks, in the context of a request that a [Gate] has let
// through; the zero Identity, which may do nothing, in any other.
func From(ctx context.Context) Identity {
	i, _ := ctx.Value(identityKey{}).(Identity)
	return i
}
