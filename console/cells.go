// This file is what stands in the cells of the list of users.

package console

import (
	"encoding/json"
	"slices"
	"strings"

	"boxoffice/projections"
)

// userCell is what a column shows of a user.
func (v *visit) userCell(u *projections.User, column string) any {
	switch column {
	case "email":
		return orDashText(u.Profile.Email)
	case "status":
		return status(v.Catalogue, string(u.Status))
	case "status_since":
		return orDash(u.StatusSince, v.Day)
	case "registered_at":
		return orDash(u.RegisteredAt, v.Time)
	case "updated_at":
		return orDash(u.UpdatedAt, v.Day)
	case "country":
		return orDashText(u.Profile.Country)
	case "platform":
		return orDashText(u.Profile.Platform)
	case "locale":
		return orDashText(u.Profile.Locale)
	case "id":
		return u.ID
	}
	return orDashText(customText(customOf(u)[strings.TrimPrefix(column, "custom.")]))
}

// customOf are the platform's own fields of a user: their values as JSON by key.
func customOf(u *projections.User) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(u.Profile.Custom, &fields); err != nil {
		return nil // the read models keep an object
	}
	return fields
}

// customText writes a value of a custom field for people: a text as it is,
// several texts after each other, anything else as JSON.
func customText(value json.RawMessage) string {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return one
	}
	var several []*string
	if json.Unmarshal(value, &several) == nil && !slices.Contains(several, nil) {
		texts := make([]string, len(several))
		for i, text := range several {
			texts[i] = *text
		}
		return strings.Join(texts, ", ")
	}
	return string(value)
}
