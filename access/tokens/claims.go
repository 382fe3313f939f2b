// This file is what the claims of a token say: the role, and a name.

package tokens

import (
	"slices"
	"strings"
)

// role returns the role that the claim names. Names of other services' roles
// beside it don't matter. Of several of ours, one that contains the others is
// meant; where there is none such, nobody knows which.
func (v *Verifier) role(claims map[string]any) (string, error) {
	var roles []string
	for _, name := range texts(find(claims, v.config.RoleClaim)) {
		if slices.Contains(v.config.Roles, name) && !slices.Contains(roles, name) {
			roles = append(roles, name)
		}
	}
	if len(roles) == 0 {
		return "", &Refusal{Role: true, Reason: "the token's claim " + v.config.RoleClaim + " names no role of this service"}
	}
	for _, role := range roles {
		if !slices.ContainsFunc(roles, func(other string) bool { return other != role && !v.config.Contains(role, other) }) {
			return role, nil
		}
	}
	return "", &Refusal{Role: true, Reason: "the token's claim " + v.config.RoleClaim + " names several roles, none of which contains the others"}
}

// find returns a claim by its name, or, where there is none of that name, by the
// names of the objects that it is in, with dots between them. A name may have dots
// itself, as ids of clients at Keycloak do: the longest that there is counts.
func find(claims map[string]any, name string) any {
	if value, ok := claims[name]; ok {
		return value
	}
	for end := strings.LastIndexByte(name, '.'); end >= 0; end = strings.LastIndexByte(name[:end], '.') {
		object, _ := claims[name[:end]].(map[string]any)
		if value := find(object, name[end+1:]); value != nil {
			return value
		}
	}
	return nil
}

// texts returns a text, or those of a list.
func texts(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, v := range value {
			if text, ok := v.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// maxName is how much of a name is kept, in bytes.
const maxName = 200

func nameOf(claims map[string]any, subject string) string {
	for _, claim := range []string{"preferred_username", "email", "name", "client_id"} {
		if name, _ := claims[claim].(string); strings.TrimSpace(name) != "" {
			return strings.ToValidUTF8(name[:min(len(name), maxName)], "")
		}
	}
	return strings.ToValidUTF8(subject[:min(len(subject), maxName)], "")
}
