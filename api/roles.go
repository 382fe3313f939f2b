// This file is about who may do what: the roles, and the one table of which
// role may call which operation. The gate that holds it is in authenticate.go.

package api

import (
	"context"
	"slices"
	"strings"

	"boxoffice/domain"
)

// A Role says what the holder of a key may do.
type Role string

// The roles.
const (
	RolePublisher Role = "publisher"
	RoleViewer    Role = "viewer"
	RoleSupport   Role = "support"
	RoleAuditor   Role = "auditor"
	RoleAdmin     Role = "admin"
)

// Roles lists all roles.
var Roles = []Role{RolePublisher, RoleViewer, RoleSupport, RoleAuditor, RoleAdmin}

// Contains says that whoever has the role may do all that another may.
func (r Role) Contains(other Role) bool {
	return r == other || r == RoleAdmin || other == RoleViewer && (r == RoleSupport || r == RoleAuditor)
}

// anybody stands in the table for an operation that needs no key.
var anybody = []Role{}

// permissions says for every operation, by its id, which roles may call it. An
// operation that is missing here can't be registered.
var permissions = map[string][]Role{
	"health":  anybody,
	"ready":   anybody,
	"openapi": anybody,

	"publish-events": {RolePublisher, RoleAdmin},

	"get-month":       {RoleViewer, RoleSupport, RoleAuditor, RoleAdmin},
	"list-months":     {RoleViewer, RoleSupport, RoleAuditor, RoleAdmin},
	"get-user-counts": {RoleViewer, RoleSupport, RoleAuditor, RoleAdmin},
	"list-contents":   {RoleViewer, RoleSupport, RoleAuditor, RoleAdmin},
	"list-sessions":   {RoleViewer, RoleSupport, RoleAuditor, RoleAdmin},

	"list-month-users":   {RoleSupport, RoleAdmin},
	"list-users":         {RoleSupport, RoleAdmin},
	"get-user":           {RoleSupport, RoleAdmin},
	"list-user-sessions": {RoleSupport, RoleAdmin},
	"list-user-contents": {RoleSupport, RoleAdmin},
	"export-users":       {RoleSupport, RoleAdmin},
	"export-sessions":    {RoleSupport, RoleAdmin},
	"get-user-data":      {RoleSupport, RoleAdmin},

	"create-user":  {RoleAdmin},
	"edit-user":    {RoleAdmin},
	"import-users": {RoleAdmin},

	"erase-user":  {RoleAdmin},
	"erase-users": {RoleAdmin},

	"list-events":  {RoleAuditor, RoleAdmin},
	"list-refused": {RoleAuditor, RoleAdmin},

	"get-refused-counts": {RoleAuditor, RoleAdmin},
	"retry-refused":      {RoleAdmin},
	"delete-refused":     {RoleAdmin},
	"list-trail":         {RoleAuditor, RoleAdmin},
}

// An Identity is who calls.
type Identity struct {
	Role Role
	// Name is the key's or the person's, for the trail.
	Name string
	// Types limits a publisher to types of events: whole types, or a prefix
	// followed by ".*", or "*". Nil is no limit. In either case user.erased is
	// allowed only where it is named whole.
	Types []string
}

// MayPublish says whether the identity may publish events of the type.
func (i Identity) MayPublish(eventType string) bool {
	if i.Role == RoleAdmin {
		return true
	}
	if i.Role != RolePublisher {
		return false
	}
	if eventType == string(domain.UserErased) {
		return slices.Contains(i.Types, eventType)
	}
	return i.Types == nil || slices.ContainsFunc(i.Types, func(pattern string) bool {
		prefix, ok := strings.CutSuffix(pattern, "*")
		return pattern == eventType || ok && strings.HasPrefix(eventType, prefix)
	})
}

type identityKey struct{}

// identity gives who calls, in an operation that needs a key.
func identity(ctx context.Context) Identity {
	i, _ := ctx.Value(identityKey{}).(Identity)
	return i
}
