// This file is the rows of users.

package export

import (
	"bytes"
	"encoding/json"
	"fmt"

	"boxoffice/projections"
	"boxoffice/projections/export/sheet"
)

const (
	timeWidth = 20
	idWidth   = 24
	textWidth = 18
	// customPrefix begins the names of columns of the platform's own fields.
	customPrefix = "custom."
)

func textColumn(name string, width float64, meaning string) column {
	return column{sheet.Column{Name: name, Width: width}, meaning}
}

func timeColumn(name, meaning string) column {
	return column{sheet.Column{Name: name, Width: timeWidth, Times: true}, meaning}
}

// userColumns are the columns that every file of users has.
var userColumns = []column{
	textColumn("id", idWidth, "The user's id on the platform"),
	textColumn("status", 12, "active: has something to watch at the instant; canceled: had, and has no more; registered: never had"),
	timeColumn("status_since", "Since when the user has the status"),
	timeColumn("registered_at", "When the user registered; empty where that isn't known"),
	timeColumn("updated_at", "When the profile was last updated; empty where it never was"),
	textColumn("email", 32, "E-mail address"),
	textColumn("first_name", textWidth, "First name"),
	textColumn("last_name", textWidth, "Last name"),
	textColumn("locale", 10, "Language and region, as the platform gives it"),
	textColumn("country", 10, "Country, as the platform gives it"),
	textColumn("platform", 12, "Where the user registered, as the platform gives it"),
}

// userTable returns the columns of a file of users who have those keys of custom.
func userTable(keys []string) []column {
	columns := append([]column(nil), userColumns...)
	for _, key := range keys {
		columns = append(columns, textColumn(customPrefix+key, textWidth, "The platform's own field; what isn't a text, a number or a boolean stands as JSON"))
	}
	return columns
}

// userCells turns users into cells.
type userCells struct{ index map[string]int } // of keys of custom: the column

func newUserCells(keys []string) *userCells {
	c := &userCells{index: make(map[string]int, len(keys))}
	for i, key := range keys {
		c.index[key] = len(userColumns) + i
	}
	return c
}

func (c *userCells) row(u *projections.User, row []any) error {
	p := &u.Profile
	row[0], row[1], row[2] = u.ID, string(u.Status), u.StatusSince.Time()
	row[3], row[4] = timeCell(u.RegisteredAt), timeCell(u.UpdatedAt)
	row[5], row[6], row[7] = textCell(p.Email), textCell(p.FirstName), textCell(p.LastName)
	row[8], row[9], row[10] = textCell(p.Locale), textCell(p.Country), textCell(p.Platform)
	if len(p.Custom) <= len("{}") {
		return nil
	}
	var custom map[string]json.RawMessage
	if err := json.Unmarshal(p.Custom, &custom); err != nil {
		return fmt.Errorf("the custom fields of a user: %w", err)
	}
	for key, value := range custom {
		at, ok := c.index[key]
		if !ok {
			return fmt.Errorf("a user has a custom field that wasn't found before")
		}
		var err error
		if row[at], err = customCell(value); err != nil {
			return fmt.Errorf("a custom field of a user: %w", err)
		}
	}
	return nil
}

// customCell returns the cell of a JSON value.
func customCell(value []byte) (any, error) {
	switch {
	case value[0] == '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case value[0] == '[' || value[0] == '{':
		return string(value), nil
	case bytes.Equal(value, []byte("null")):
		return nil, nil
	case bytes.Equal(value, []byte("true")), bytes.Equal(value, []byte("false")):
		return value[0] == 't', nil
	}
	return sheet.Number(value), nil
}
