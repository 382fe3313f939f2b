// This file is about who may do what: the roles, the one table of which role
// may call which operation, and the gate in front of every operation.

package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

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

	"create-user": {RoleAdmin},
	"edit-user":   {RoleAdmin},

	"erase-user":  {RoleAdmin},
	"erase-users": {RoleAdmin},

	"list-events":  {RoleAuditor, RoleAdmin},
	"list-refused": {RoleAuditor, RoleAdmin},
}

// An Identity is who calls.
type Identity struct {
	Role Role
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

// gate lets through who may call the operation. It stands before everything
// else that looks at a request, so that who may not call learns nothing.
func (s *service) gate(ctx huma.Context, next func(huma.Context)) {
	allowed := permissions[ctx.Operation().OperationID]
	if len(allowed) == 0 {
		next(ctx)
		return
	}
	caller, err := s.authenticate(ctx)
	switch {
	case err != nil:
		s.writeProblem(ctx, s.problemOf(ctx.Context(), err))
	case !slices.Contains(allowed, caller.Role):
		s.writeProblem(ctx, newProblem(http.StatusForbidden, "the key's role may not do this"))
	default:
		next(huma.WithValue(ctx, identityKey{}, caller))
	}
}

func (s *service) authenticate(ctx huma.Context) (Identity, error) {
	key, ok := bearer(ctx.Header("Authorization"))
	if !ok {
		return Identity{}, unauthorized("an API key is required: Authorization: Bearer KEY")
	}
	caller, ok, err := s.Keys.Lookup(ctx.Context(), key)
	if err != nil {
		return Identity{}, err
	}
	if !ok {
		return Identity{}, unauthorized("the API key is not known")
	}
	return caller, nil
}

func unauthorized(detail string) *Problem {
	p := newProblem(http.StatusUnauthorized, detail)
	p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	return p
}

// bearer takes the key out of an Authorization header.
func bearer(header string) (string, bool) {
	scheme, key, ok := strings.Cut(header, " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}
