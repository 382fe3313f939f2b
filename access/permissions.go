// This file is the one table of who may do what: by operation, whatever way it
// is asked for. A gate holds it for HTTP, publishing.go for NATS.

package access

import (
	"slices"
)

const (
	// PublishEvents is the operation of publishing events, over HTTP and NATS.
	PublishEvents = "publish-events"
	// MakeKey and RevokeKey are what pages and the shell do with keys.
	MakeKey   = "make-key"
	RevokeKey = "revoke-key"
)

// anybody stands in the table for an operation that needs no key.
var anybody = []Role{}

// permissions says for every operation, by its id, which roles may call it. Nobody
// may call one that is missing here.
var permissions = map[string][]Role{
	"health":  anybody,
	"ready":   anybody,
	"openapi": anybody,

	PublishEvents: {Publisher, Admin},

	"get-month":       {Viewer, Support, Auditor, Admin},
	"get-month-days":  {Viewer, Support, Auditor, Admin},
	"list-months":     {Viewer, Support, Auditor, Admin},
	"get-user-counts": {Viewer, Support, Auditor, Admin},
	"list-contents":   {Viewer, Support, Auditor, Admin},
	"list-sessions":   {Viewer, Support, Auditor, Admin},

	"list-month-users":   {Support, Admin},
	"list-users":         {Support, Admin},
	"get-user":           {Support, Admin},
	"list-user-sessions": {Support, Admin},
	"list-user-contents": {Support, Admin},
	"export-users":       {Support, Admin},
	"export-sessions":    {Support, Admin},
	"get-user-data":      {Support, Admin},

	"create-user":  {Admin},
	"edit-user":    {Admin},
	"import-users": {Admin},

	"erase-user":  {Admin},
	"erase-users": {Admin},

	"list-events":  {Auditor, Admin},
	"list-refused": {Auditor, Admin},

	"get-refused-counts": {Auditor, Admin},
	"retry-refused":      {Admin},
	"delete-refused":     {Admin},
	"list-trail":         {Auditor, Admin},

	// Pages alone.
	"show-health":   {Auditor, Admin},
	"list-keys":     {Admin},
	MakeKey:         {Admin},
	RevokeKey:       {Admin},
	"retract-event": {Admin},
}

// RolesOf returns the roles that may call an operation; none where it needs no
// key, and false where there is no such operation.
func RolesOf(operation string) ([]Role, bool) {
	roles, ok := permissions[operation]
	return slices.Clone(roles), ok
}

// May says whether the identity may call an operation that needs a key.
func (i Identity) May(operation string) bool {
	return slices.Contains(permissions[operation], i.Role)
}

// impersonal are operations that a viewer may not call and that show and change
// nothing of people.
var impersonal = []string{
	"get-refused-counts", "list-trail", "show-health", "list-keys",
}

// Audited says whether the identity sees or changes personal data by an
// operation, so that doing it is an audit entry. Viewers and auditors never do.
// An operation that a viewer may not call is taken to concern people unless it
// is impersonal, so a new one is in the trail without being told.
func (i Identity) Audited(operation string) bool {
	allowed := permissions[operation]
	switch {
	case len(allowed) == 0, i.Role == Viewer, i.Role == Auditor, slices.Contains(impersonal, operation):
		return false
	}
	// Sessions are shown to viewers without the users.
	return operation == "list-sessions" || !slices.Contains(allowed, Viewer)
}
